/** Where a process listens: `:8080`, as Go programs take it. */
import type { AddressInfo } from 'node:net';

/** Without `host`: on all addresses. Port 0: any free one. */
export interface ListenAddress {
  readonly host?: string;
  readonly port: number;
}

const PORT_MAX = 65_535;

/** `:8080`, `127.0.0.1:8080` or `[::1]:8080`; undefined for `0`: no server. Throws an Error that says what is expected. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  if (text === '0') return undefined;
  const { host, bracketed, digits } =
    /^(?:\[(?<bracketed>[^\]]+)\]|(?<host>[^:]*)):(?<digits>\d+)$/.exec(text)?.groups ?? {};
  const port = Number(digits);
  if (digits === undefined || port > PORT_MAX) {
    throw new Error(`"${text}" is no address to listen on; expected are HOST:PORT, :PORT, or 0 for none`);
  }
  const name = bracketed ?? host ?? '';
  return name === '' ? { port } : { host: name, port };
}

/** How a server that listens on `bound` is reached from this machine; `host` as it was asked for. */
export function urlOf({ address, family, port }: AddressInfo, host: string | undefined): string {
  const reachable = host === undefined ? 'localhost' : family === 'IPv6' ? `[${address}]` : address;
  return `http://${reachable}:${String(port)}`;
}
