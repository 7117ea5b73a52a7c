import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeSource } from '../../src/agent/node-source.ts';
import { ServedNode, type ServedNodeOptions } from '../../src/agent/served-node.ts';
import { eventually } from '../support/eventually.ts';
import { RecordingWriter } from '../support/recording-writer.ts';
import { SILENT_LOGGER, startSimulatedNode } from '../support/simulated-driver.ts';

describe('a node that cannot be served', () => {
  it('leaves no driver open, and only then its lock to another agent', async () => {
    const node = startSimulatedNode();
    const directory = path.join(mkdtempSync(path.join(tmpdir(), 'memhp-served-')), 'file');
    writeFileSync(directory, 'no directory: the gate has no place for its files');
    const events: string[] = [];
    const close = async (): Promise<void> => {
      await node.driver.close();
      events.push('driver closed');
    };
    const driver = new Proxy(node.driver, {
      get: (target, name) => (name === 'close' ? close : (Reflect.get(target, name, target) as unknown)),
    });
    const source = { open: () => ({ driver }) } as unknown as NodeSource;
    const lock = { release: () => events.push('lock released') };
    const options = { source, directory, lock, writer: new RecordingWriter(), logger: SILENT_LOGGER };
    const serve = (): ServedNode =>
      new ServedNode({ metadata: { name: 'worker-1' }, spec: {} }, options as unknown as ServedNodeOptions);
    try {
      assert.throws(serve, /EEXIST|ENOTDIR/);
      await eventually('all is given back', () => events.length === 2, { everyMs: 1 });
      assert.deepEqual(events, ['driver closed', 'lock released']);
    } finally {
      await node.remove();
      rmSync(path.dirname(directory), { recursive: true });
    }
  });
});
