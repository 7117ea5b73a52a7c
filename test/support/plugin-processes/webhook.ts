/**
 * A plugin that is a web server: `node webhook.ts <directory> [port]`. In the directory: its certificate and key, the script
 * of its answers, and the calls that it was made.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import {
  NOTIFIER_API_VERSION,
  NOTIFY_REVIEW_KIND,
  type NotifyReviewRequest,
  type NotifyReviewResponse,
} from '../../../src/contract/notifier.ts';
import { playScript, readScript } from '../plugin-script.ts';

const [directory = '', port = '0'] = process.argv.slice(2);
const read = (file: string): Buffer => readFileSync(path.join(directory, file));

const server = createServer({ cert: read('cert.pem'), key: read('key.pem') }, (request, response) => {
  void json(request).then(async (body) => {
    const { request: event } = body as NotifyReviewRequest;
    const answer = await playScript(readScript(directory), event, path.join(directory, 'calls.jsonl'));
    const review: NotifyReviewResponse = {
      apiVersion: NOTIFIER_API_VERSION,
      kind: NOTIFY_REVIEW_KIND,
      response: { uid: event.uid, ...answer },
    };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(review));
  });
});
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`ready on port ${String((server.address() as AddressInfo).port)}`);
});
