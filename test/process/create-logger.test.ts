import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import winston from 'winston';
import { createLogger } from '../../src/process/create-logger.ts';

describe('the logger of a process', () => {
  let log: winston.Logger;
  let lines: Record<string, unknown>[];

  beforeEach(() => {
    lines = [];
    const stream = new Writable({
      write(chunk: Buffer, _, done) {
        lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
        done();
      },
    });
    log = createLogger({ process: 'operator', level: 'debug' });
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's own types disagree
    log.clear().add(new winston.transports.Stream({ stream }));
  });

  it('writes one JSON object for a line: time, level, process, the message as it is, and the fields', () => {
    log.info('driver step', { node: 'worker-1', tokens: { device_hotplug_lock: 7 } });
    const [{ timestamp, ...rest } = {}] = lines;
    assert.match(String(timestamp), /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.deepEqual(rest, {
      level: 'info',
      process: 'operator',
      message: 'driver step',
      node: 'worker-1',
      tokens: { device_hotplug_lock: 7 },
    });
  });

  it('tells an error by its message, with the stack where it is of use', () => {
    const error = new TypeError('no such node');
    for (const level of ['warn', 'info', 'error', 'debug'] as const) log[level]('failed', { error });
    assert.deepEqual(
      lines.map(({ level, error: told, stack }) => [level, told, stack === error.stack]),
      [
        ['warn', 'no such node', false],
        ['info', 'no such node', false],
        ['error', 'no such node', true],
        ['debug', 'no such node', true],
      ],
    );
    assert.ok(lines.every(({ message }) => message === 'failed'));
  });

  it('tells whatever else was thrown', () => {
    log.warn('failed', { error: 'plain' });
    log.warn('failed', { error: { code: 7 } });
    assert.deepEqual(
      lines.map(({ error }) => error),
      ['plain', '{"code":7}'],
    );
  });
});
