import assert from 'node:assert/strict';
import { parseListenAddress, urlOf } from '../../src/process/listen-address.ts';

describe('parseListenAddress', () => {
  it('takes what Go programs take', () => {
    assert.deepEqual(parseListenAddress(':8080'), { port: 8080 });
    assert.deepEqual(parseListenAddress('127.0.0.1:0'), { host: '127.0.0.1', port: 0 });
    assert.deepEqual(parseListenAddress('[::1]:8080'), { host: '::1', port: 8080 });
  });

  it('takes 0 for: do not serve', () => assert.equal(parseListenAddress('0'), undefined));

  for (const wrong of ['', '8080', 'localhost', ':http', ':65536', '::1:8080']) {
    it(`refuses "${wrong}" and says what it wants`, () =>
      assert.throws(() => parseListenAddress(wrong), /expected are HOST:PORT, :PORT, or 0/));
  }
});

describe('urlOf', () => {
  it('names an address that this machine can reach', () => {
    assert.equal(urlOf({ address: '::', family: 'IPv6', port: 80 }, undefined), 'http://localhost:80');
    assert.equal(urlOf({ address: '127.0.0.1', family: 'IPv4', port: 80 }, '127.0.0.1'), 'http://127.0.0.1:80');
    assert.equal(urlOf({ address: '::1', family: 'IPv6', port: 80 }, '::1'), 'http://[::1]:80');
  });
});
