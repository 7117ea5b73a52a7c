/** A webhook that agrees at once: `node webhook-process.ts <directory>`, where cert.pem and key.pem are; prints its port. */
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
} from '../../src/contract/notifier.ts';

const [directory = ''] = process.argv.slice(2);
const read = (file: string): Buffer => readFileSync(path.join(directory, file));

const server = createServer({ cert: read('cert.pem'), key: read('key.pem') }, (request, response) => {
  void json(request).then((body) => {
    const review: NotifyReviewResponse = {
      apiVersion: NOTIFIER_API_VERSION,
      kind: NOTIFY_REVIEW_KIND,
      response: { uid: (body as NotifyReviewRequest).request.uid, result: 'NOTIFY_OK' },
    };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(review));
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log((server.address() as AddressInfo).port);
});
