/** What `memhp agent` refuses before it asks any server. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentCommand } from '../../src/cli/agent.ts';

describe('memhp agent', () => {
  let directory: string;
  let nodeName: string | undefined;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'memhp-agent-cli-'));
    nodeName = process.env['NODE_NAME'];
    delete process.env['NODE_NAME'];
  });
  after(() => {
    rmSync(directory, { recursive: true });
    if (nodeName !== undefined) process.env['NODE_NAME'] = nodeName;
  });

  const refuses = (args: readonly string[], message: RegExp): Promise<void> =>
    assert.rejects(agentCommand().parseAsync([...args], { from: 'user' }), { message });
  const real = (...args: readonly string[]): readonly string[] => ['--driver', 'sysfs', ...args];

  it('wants to know where simulated nodes keep their memory', async () => {
    await refuses([], /--state-dir/);
    await refuses(['--state-dir', directory, '--sysfs-root', directory], /--driver sysfs/);
    await refuses(['--state-dir', directory, '--without-node'], /need no Node/);
    await refuses(['--state-dir', directory, '--node', 'a', '--node-name-prefix', 'a'], /give one of the two/);
  });

  it('serves exactly one real node, and wants its name', async () => {
    await refuses(real('--node', 'a', 'b'), /one --node, not a b/);
    await refuses(real('--node', 'a', '--node-name-prefix', 'a'), /--node-name-prefix is of simulated nodes/);
    await refuses(real('--sysfs-root', directory), /--node or .* NODE_NAME/);
  });

  it('takes the name from NODE_NAME', async () => {
    process.env['NODE_NAME'] = 'worker-1';
    try {
      await refuses(real('--sysfs-root', join(directory, 'missing')), /does not exist/);
    } finally {
      delete process.env['NODE_NAME'];
    }
  });

  it('says what is missing where the memory blocks should be', async () => {
    const node = ['--node', 'worker-1'] as const;
    await refuses(real(...node, '--sysfs-root', join(directory, 'missing')), /missing does not exist: .*--sysfs-root/);
    await refuses(real(...node, '--sysfs-root', directory), /has no block_size_bytes/);
    writeFileSync(join(directory, 'block_size_bytes'), '8000000\n');
    await refuses(real(...node, '--sysfs-root', directory), /has no memory block/);
    const file = join(directory, 'block_size_bytes');
    await refuses(real(...node, '--sysfs-root', file), /cannot be read \(ENOTDIR\)/);
  });
});
