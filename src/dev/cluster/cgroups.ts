/** Where a node's pods are accounted for: one cgroup of its own in every hierarchy that the machine has. */
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** The folders of the cgroup `/<name>`: one per controller in version 1, one for all in version 2. */
export async function cgroupFolders(name: string): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).trim().split('\n');
  return mounts
    .map((line) => line.split(' '))
    .filter(([, , type]) => type === 'cgroup' || type === 'cgroup2')
    .map(([, mountPoint = '']) => path.join(mountPoint, name));
}

/** Version 1 lets no process into a cpuset that is empty, as a new one is. */
export async function createCgroup(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (await isUnified(folder)) return;
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const value = await readFile(path.join(folder, '..', file), 'utf8').catch(() => undefined);
    if (value !== undefined) await writeFile(path.join(folder, file), value);
  }
}

/** Whether this is version 2, where a cgroup without values of its own has its parent's. */
async function isUnified(folder: string): Promise<boolean> {
  return access(path.join(folder, 'cgroup.controllers')).then(
    () => true,
    () => false,
  );
}
