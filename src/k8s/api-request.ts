/**
 * One request to the API server, as plain JSON.
 *
 * The generated clients have no time limit, turn some timestamps into Date objects (a watch does not), and know no
 * server-side apply of a status; so only credentials, TLS and HTTP are taken from the library.
 */
import { createConfiguration, HttpMethod, ServerConfiguration, type KubeConfig } from '@kubernetes/client-node';
import { ApiError, apiErrorOf, isNotFound, MissingKindError, unreachableError } from './api-error.ts';
import { tellRequest } from './api-observer.ts';
import { isKindMissing } from './is-kind-missing.ts';

/** The API server itself gives up after 60 s; whoever waits on a dead connection should learn of it well before. */
const REQUEST_TIMEOUT_MS = 15_000;

export interface ApiRequest {
  readonly method: keyof typeof HttpMethod;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** application/json when unset. */
  readonly contentType?: string;
  readonly timeoutMs?: number;
}

/** The parsed answer. Throws an ApiError for anything but success; a MissingKindError only where the server confirms it. */
export async function apiRequest(kubeConfig: KubeConfig, request: ApiRequest): Promise<unknown> {
  const what = `${request.method} ${request.path}`;
  const startMs = performance.now();
  const { status, text } = await send(kubeConfig, request).catch((error: unknown) => {
    tellRequest(kubeConfig, request.method, 0, performance.now() - startMs);
    throw error instanceof ApiError ? error : unreachableError(error, what);
  });
  tellRequest(kubeConfig, request.method, status, performance.now() - startMs);
  if (status < 200 || status > 299)
    throw await confirmed(kubeConfig, request.path, apiErrorOf(status, text, what), what);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

async function confirmed(kubeConfig: KubeConfig, path: string, error: ApiError, what: string): Promise<ApiError> {
  if (error.code !== 404 || isNotFound(error)) return error;
  const isMissing = await isKindMissing(path, (one) => apiRequest(kubeConfig, { method: 'GET', path: one }));
  return isMissing ? new MissingKindError(what) : error;
}

async function send(kubeConfig: KubeConfig, request: ApiRequest): Promise<{ status: number; text: string }> {
  const server = new ServerConfiguration(kubeConfig.getCurrentCluster()?.server ?? '', {});
  const context = server.makeRequestContext(request.path, HttpMethod[request.method]);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) context.setQueryParam(name, value);
  }
  context.setHeaderParam('Accept', 'application/json');
  if (request.body !== undefined) {
    context.setHeaderParam('Content-Type', request.contentType ?? 'application/json');
    context.setBody(JSON.stringify(request.body));
  }
  context.setSignal(AbortSignal.timeout(request.timeoutMs ?? REQUEST_TIMEOUT_MS));
  await kubeConfig.applySecurityAuthentication(context);
  const response = await createConfiguration().httpApi.send(context).toPromise();
  return { status: response.httpStatusCode, text: await response.body.text() };
}
