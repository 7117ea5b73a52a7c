import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import winston from 'winston';
import { acquireAgentLock, AGENT_LOCK_FILE, type AgentLock } from '../../src/agent/agent-lock.ts';
import { eventually } from '../support/eventually.ts';
import { SILENT_LOGGER } from '../support/simulated-driver.ts';

describe('agent lock', () => {
  let directory: string;
  beforeEach(() => {
    directory = join(mkdtempSync(join(tmpdir(), 'memhp-agent-lock-')), 'worker-1');
  });
  afterEach(() => {
    rmSync(dirname(directory), { recursive: true, force: true });
  });

  const acquire = (signal = new AbortController().signal, logger = SILENT_LOGGER): Promise<AgentLock | undefined> =>
    acquireAgentLock({ directories: [directory], logger, signal });

  it('one at a time serves a node; the next takes over when it has gone', async () => {
    const first = await acquire();
    const order: string[] = [];
    const second = acquire().then((lock) => {
      order.push('taken over');
      lock?.release();
    });
    await setImmediate();
    order.push('gone');
    first?.release();
    await second;
    assert.deepEqual(order, ['gone', 'taken over']);
  });

  it('logs who serves the node; kill -9 of that process hands it over', async () => {
    (await acquire())?.release();
    const holder = spawn('flock', [join(directory, AGENT_LOCK_FILE), '-c', 'echo held; read l']);
    await once(holder.stdout, 'data');
    const lines: Record<string, unknown>[] = [];
    const logger = winston.createLogger({
      format: winston.format((line) => {
        lines.push(line);
        return false;
      })(),
    });
    const next = acquire(undefined, logger);
    await eventually('the log names the holder', () => /flock \(pid \d+\)/.test(String(lines[0]?.['by'])));
    assert.match(String(lines[0]?.['by']), new RegExp(`flock \\(pid ${String(holder.pid)}\\)`));
    holder.kill('SIGKILL');
    holder.stdin.end();
    const lock = await next;
    assert.ok(lock);
    lock.release();
  });

  it('one at a time serves a host, whatever its nodes are called; who waits tells for whom', async () => {
    const host = dirname(directory);
    const signal = new AbortController().signal;
    const onHost = (node: string, onWait?: (holders: string) => void): Promise<AgentLock | undefined> =>
      acquireAgentLock({
        directories: [host, join(host, node)],
        logger: SILENT_LOGGER,
        signal,
        ...(onWait ? { onWait } : {}),
      });
    const first = await onHost('worker-1');
    const waited = Promise.withResolvers<string>();
    const second = onHost('worker-2', waited.resolve);
    assert.match(await waited.promise, new RegExp(`\\(pid ${String(process.pid)}\\)`));
    first?.release();
    const lock = await second;
    assert.ok(lock);
    lock.release();
  });

  it('gives up when nobody wants it any more, and leaves nothing behind', async () => {
    const first = await acquire();
    const giveUp = new AbortController();
    const second = acquire(giveUp.signal);
    giveUp.abort();
    assert.equal(await second, undefined);
    first?.release();
    const third = await acquire();
    assert.ok(third);
    third.release();
  });
});
