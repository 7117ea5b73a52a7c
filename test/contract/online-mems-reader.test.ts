import assert from 'node:assert/strict';
import { describeReaders } from '../../src/contract/online-mems-reader.ts';

describe('readers in words', () => {
  const reader = (pid: number) => ({ pid, command: 'rsync', since: '2026-01-01T12:01:07.123Z' });

  it('names command, pid and the time of day, and counts those beyond the third', () => {
    assert.equal(describeReaders([reader(1)]), 'rsync (pid 1) since 12:01:07Z');
    assert.match(describeReaders([1, 2, 3].map(reader)), /^rsync \(pid 1\).*, rsync \(pid 3\) since 12:01:07Z$/);
    assert.match(describeReaders([1, 2, 3, 4, 5].map(reader)), /\(pid 3\) since 12:01:07Z and 2 more$/);
  });

  it('does not claim that there is nobody where nobody can be seen', () => {
    assert.equal(describeReaders([]), 'processes that the agent cannot see');
  });
});
