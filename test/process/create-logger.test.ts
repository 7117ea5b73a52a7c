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

  it('tells of a thrown value that refers to itself, is a BigInt, a function or cannot be shown at all', () => {
    const circular: Record<string, unknown> = { code: 7 };
    circular['self'] = circular;
    const defiant = {
      toJSON: () => {
        throw new Error('no');
      },
    };
    const thrown: readonly unknown[] = [circular, { big: 7n }, 7n, null, Object.create(null), Symbol('s'), defiant];
    for (const error of thrown) log.warn('failed', { error });
    assert.deepEqual(
      lines.map(({ message, error }) => [message, error]),
      [
        ['failed', '{"code":7,"self":"[Circular]"}'],
        ['failed', '{"big":7}'],
        ['failed', '7'],
        ['failed', 'null'],
        ['failed', '{}'],
        ['failed', 'Symbol(s)'],
        ['failed', 'a value of type object that cannot be shown'],
      ],
    );
  });

  it('tells such values in other fields as well, in both formats', () => {
    const circular: Record<string, unknown> = { big: 7n };
    circular['self'] = circular;
    for (const format of ['json', 'text'] as const) {
      const texts: string[] = [];
      const stream = new Writable({
        write(chunk: Buffer, _, done) {
          texts.push(chunk.toString());
          done();
        },
      });
      const logger = createLogger({ process: 'operator', format });
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's own types disagree
      logger.clear().add(new winston.transports.Stream({ stream }));
      logger.info('plugin', { fields: circular });
      assert.match(texts.join(''), /"fields":\{"big":"?7"?,"self":"\[Circular\]"\}/, format);
    }
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
