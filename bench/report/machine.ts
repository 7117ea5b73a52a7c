import { execFile } from 'node:child_process';
import { cpus, loadavg, release, type } from 'node:os';
import { promisify } from 'node:util';
import { TOOLS, type ToolName } from '../../src/dev/tool-catalog.ts';

/** Where the figures come from: they mean nothing on another machine, and little on a busy one. */
export interface Machine {
  readonly cpus: number;
  readonly cpuModel: string;
  readonly system: string;
  readonly node: string;
  /** First line that each server prints about its version. */
  readonly servers: readonly string[];
  /** Of the last minute, when the benchmark began. */
  readonly load: number;
}

export async function describeMachine(tools: Readonly<Partial<Record<ToolName, string>>>): Promise<Machine> {
  const servers = Object.entries(tools).map(async ([name, file]) => {
    const { stdout } = await promisify(execFile)(file, [...TOOLS[name as ToolName].versionArguments]);
    return stdout.split('\n')[0] ?? '';
  });
  const [load = 0] = loadavg();
  return {
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model ?? 'unknown',
    system: `${type()} ${release()}`,
    node: process.version,
    servers: await Promise.all(servers),
    load,
  };
}

export function renderMachine({ cpus: count, cpuModel, system, node, servers, load }: Machine): string {
  return [
    `${String(count)} x ${cpuModel}, ${system}, Node ${node}, load ${load.toFixed(2)} at the start`,
    ...servers,
  ].join('\n');
}
