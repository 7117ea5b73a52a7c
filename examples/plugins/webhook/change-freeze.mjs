/**
 * A webhook plugin of the memory hotplug operator: no memory goes offline while a change freeze is on.
 *
 * The freeze is on while the file FREEZE_FILE exists. It may hold {"reason": "…", "until": "2027-01-04T08:00:00Z"}, both
 * optional; after `until` the freeze is over. The file is read at each call, so nothing has to be told or restarted.
 *
 * Environment: PORT (8443), DIR (state; holds tls.crt, tls.key, and freeze.json unless FREEZE_FILE says otherwise),
 * RETRY_AFTER_SECONDS (60; how soon the operator asks again). Needs Node 20 or later and nothing else.
 */
import { Buffer } from 'node:buffer';
import { readFileSync, watchFile, unwatchFile } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';

const API_VERSION = 'notifier.memoryhotplug.io/v1';
const KIND = 'MemoryNotifyReview';
/** A request has about 1 KiB. */
const REQUEST_BYTES_MAX = 65_536;
/** A node has one operation at a time; more than this are not under way in any fleet. */
const UNDER_WAY_MAX = 10_000;
/** cert-manager and the like replace the certificate in place. */
const CERTIFICATE_CHECK_MS = 2_000;
const RETRY_AFTER_SECONDS_MAX = 86_400;

const { PORT = '8443', DIR = 'state' } = process.env;
const FREEZE_FILE = process.env.FREEZE_FILE ?? join(DIR, 'freeze.json');
const RETRY_AFTER_SECONDS = Number(process.env.RETRY_AFTER_SECONDS ?? 60);
const CERTIFICATE = join(DIR, 'tls.crt');

/** Offlines that were let pass and have not ended: when a freeze begins, these still go on. A restart forgets them. */
const underWay = new Map();

/** What to answer. Asked twice about the same thing, it says and does the same twice. */
function answerTo({ action, node, blockId, runId, dryRun }) {
  const key = `${runId}/memory${blockId}`;
  switch (action) {
    case 'MEM_GOING_OFFLINE': {
      const freeze = readFreeze(Date.now());
      if (freeze) return veto(freeze);
      if (!dryRun) begin(key, `memory${blockId} of ${node}`);
      return { result: 'NOTIFY_OK' };
    }
    case 'MEM_OFFLINE':
    case 'MEM_CANCEL_OFFLINE':
      // CANCEL also tells of what this plugin vetoed, or was never asked about: there is nothing to undo then.
      if (!dryRun) underWay.delete(key);
      return { result: 'NOTIFY_OK' };
    default:
      return { result: 'NOTIFY_DONE' };
  }
}

function veto({ reason, untilMs }) {
  const end = untilMs === undefined ? '' : ` until ${new Date(untilMs).toISOString()}`;
  const leftSeconds = untilMs === undefined ? Infinity : Math.ceil((untilMs - Date.now()) / 1000);
  return {
    result: 'NOTIFY_BAD',
    errno: 'EBUSY',
    reason: `change freeze${end}: ${reason}`,
    retryAfterSeconds: Math.min(Math.max(leftSeconds, 1), RETRY_AFTER_SECONDS),
    outlook: 'Deferred',
  };
}

/** Undefined when there is none. A file that cannot be understood is a freeze: somebody wanted one. */
function readFreeze(nowMs) {
  let text;
  try {
    text = readFileSync(FREEZE_FILE, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    return { reason: `${FREEZE_FILE} cannot be read (${error.code})` };
  }
  try {
    const { reason = 'no reason given', until } = text.trim() === '' ? {} : JSON.parse(text);
    if (until === undefined) return { reason: String(reason) };
    const untilMs = Date.parse(until);
    if (Number.isNaN(untilMs)) return { reason: `${FREEZE_FILE} has an "until" that is no time` };
    return untilMs > nowMs ? { reason: String(reason), untilMs } : undefined;
  } catch {
    return { reason: `${FREEZE_FILE} is not JSON` };
  }
}

function begin(key, what) {
  underWay.set(key, what);
  const [oldest] = underWay.keys();
  if (underWay.size > UNDER_WAY_MAX) underWay.delete(oldest);
}

async function notify(message, response) {
  let review;
  try {
    review = JSON.parse(await readBody(message));
  } catch (error) {
    return send(response, 400, { error: `not a review: ${error.message}` });
  }
  const { apiVersion, kind, request } = review ?? {};
  if (apiVersion !== API_VERSION || kind !== KIND || typeof request?.uid !== 'string') {
    return send(response, 400, { error: `this server answers ${KIND} of ${API_VERSION}` });
  }
  const answer = answerTo(request);
  const { uid, action, node, blockId, dryRun } = request;
  log({ message: 'asked', uid, action, node, blockId, dryRun, ...answer });
  return send(response, 200, { apiVersion, kind, response: { uid, ...answer } });
}

async function readBody(message) {
  const chunks = [];
  let length = 0;
  for await (const chunk of message) {
    length += chunk.length;
    if (length > REQUEST_BYTES_MAX) throw new Error('it is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response, status, content) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(`${JSON.stringify(content)}\n`);
}

function log(fields) {
  console.log(JSON.stringify({ time: new Date().toISOString(), ...fields }));
}

function readCertificate() {
  return { cert: readFileSync(CERTIFICATE), key: readFileSync(join(DIR, 'tls.key')) };
}

function main() {
  if (!(RETRY_AFTER_SECONDS >= 1 && RETRY_AFTER_SECONDS <= RETRY_AFTER_SECONDS_MAX)) {
    throw new Error(`RETRY_AFTER_SECONDS must be from 1 to ${RETRY_AFTER_SECONDS_MAX}`);
  }
  const server = createServer({ ...readCertificate(), requestTimeout: 10_000 }, (message, response) => {
    const { pathname } = new URL(message.url ?? '/', 'https://plugin');
    const route = `${message.method} ${pathname}`;
    if (route === 'POST /notify') void notify(message, response);
    else if (route === 'GET /healthz') send(response, 200, { status: 'ok' });
    else if (route === 'GET /status') {
      send(response, 200, { freeze: readFreeze(Date.now()) ?? null, underWay: [...underWay.values()] });
    } else send(response, 404, { error: 'there are POST /notify, GET /healthz and GET /status' });
  });
  watchFile(CERTIFICATE, { interval: CERTIFICATE_CHECK_MS }, () => {
    try {
      server.setSecureContext(readCertificate());
      log({ message: 'certificate replaced' });
    } catch (error) {
      log({ message: 'the new certificate cannot be used; keeping the one before', error: error.message });
    }
  });
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => {
      log({ message: 'stopping: no new calls, those under way are answered', signal });
      unwatchFile(CERTIFICATE);
      server.close();
    });
  }
  server.on('error', (error) => {
    log({ message: `cannot listen: ${error.message}` });
    process.exit(1);
  });
  server.listen(Number(PORT), () => log({ message: 'ready', port: server.address().port, freezeFile: FREEZE_FILE }));
}

main();
