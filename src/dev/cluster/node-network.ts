/** One veth pair for each node, with a network of its own. */
import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';

/** Networks 10.99.<n>.0/30 to choose from, so also how many nodes one machine can have at a time. */
const NETWORKS = 256;
/** It does next to nothing, but a machine may be busy. */
const IP_TIMEOUT_MS = 30_000;

export interface NodeNetwork {
  /** Of the interface on the machine's side. */
  readonly name: string;
  readonly hostAddress: string;
  readonly address: string;
}

/**
 * Makes a veth pair between this machine and the network namespace of process `pid`, where its end is `eth0`. The name of
 * the interface decides who has a network: the kernel gives it only once.
 */
export async function joinNetwork(pid: number): Promise<NodeNetwork> {
  const used = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));
  for (let number = 0; number < NETWORKS; number += 1) {
    const prefix = `10.99.${String(number)}.`;
    if (used.some((address) => address.startsWith(prefix))) continue;
    const network = { name: `memhp${String(number)}`, hostAddress: `${prefix}1`, address: `${prefix}2` };
    if (await claim(network.name, pid)) return network;
  }
  throw new Error('all networks 10.99.<n>.0/30 are taken; stop a cluster first (ip link show type veth)');
}

async function claim(name: string, pid: number): Promise<boolean> {
  try {
    await ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
    return true;
  } catch (error) {
    if (String(error).includes('File exists')) return false;
    throw error;
  }
}

/** Gives both ends of the pair their addresses. `run` runs a command inside. */
export async function configureNetwork(
  { name, hostAddress, address }: NodeNetwork,
  run: (command: string, args: readonly string[]) => Promise<unknown>,
): Promise<void> {
  await ip('address', 'add', `${hostAddress}/30`, 'dev', name);
  await ip('link', 'set', name, 'up');
  await run('ip', ['link', 'set', 'lo', 'up']);
  await run('ip', ['address', 'add', `${address}/30`, 'dev', 'eth0']);
  await run('ip', ['link', 'set', 'eth0', 'up']);
  await run('ip', ['route', 'add', 'default', 'via', hostAddress]);
}

async function ip(...args: string[]): Promise<void> {
  await promisify(execFile)('ip', args, { timeout: IP_TIMEOUT_MS });
}
