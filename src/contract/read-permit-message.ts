/** The messages about permits, read from whatever was sent. See read-message.ts. */
import type { PermitRequest } from '../kernel/permit-table.ts';
import type { PermitGranted, PermitMessage } from './offline-permits.ts';
import { count, fields, holder, oneOf, text, understood, type Malformed } from './read-message.ts';

/** `offline memory32 of worker-1`, and the longest name of a node is 253; an entry of the table stays at some 1,500 bytes. */
const purpose = text(320);

export function readPermitMessage(value: unknown): PermitMessage | Malformed {
  return understood<PermitMessage>(value, (sent, it) => {
    const from = fields(sent, it);
    const kind = oneOf('request', 'release')(from['kind'], 'kind');
    if (kind === 'request') return { kind, request: request(from['request'], 'request') };
    return { kind, holder: holder(from['holder'], 'holder') };
  });
}

export function readPermitGranted(value: unknown): PermitGranted | Malformed {
  return understood(value, (sent, it) => ({ runId: text(64)(fields(sent, it)['runId'], 'runId') }));
}

function request(value: unknown, name: string): PermitRequest {
  const from = fields(value, name);
  const { max, asOfMs } = fields(from['limit'], 'limit');
  return {
    holder: holder(from['holder'], 'holder'),
    purpose: purpose(from['purpose'], 'purpose'),
    limit: { max: count(max, 'max'), asOfMs: count(asOfMs, 'asOfMs') },
  };
}
