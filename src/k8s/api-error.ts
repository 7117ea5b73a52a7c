/** An answer of the API server that is not success, with what to do about it. */

interface StatusBody {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
}

/** Thrown when the API server refuses a request or cannot be reached (`code` 0). */
export class ApiError extends Error {
  readonly code: number;
  /** metav1.StatusReason, such as `Conflict` or `Invalid`; empty when the server gave none. */
  readonly reason: string;

  constructor(code: number, reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiError';
    this.code = code;
    this.reason = reason;
  }

  /** Whether the same request may succeed later without anybody changing anything. */
  get isTransient(): boolean {
    return this.code === 0 || this.code === 408 || this.code === 429 || this.code >= 500;
  }
}

/** The API server serves no such kind: there are no objects of it. */
export class MissingKindError extends ApiError {
  constructor(request: string) {
    super(404, 'NotFound', `${request}: the API server does not know this kind. Apply crds/ first.`);
    this.name = 'MissingKindError';
  }
}

/** Also after a watch, whose errors carry the code as `statusCode` or in a Status object. */
export function codeOf(error: unknown): number {
  if (typeof error !== 'object' || error === null) return 0;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  if (typeof statusCode === 'number') return statusCode;
  return typeof code === 'number' ? code : 0;
}

/** The API server says that there is no such object, or no such kind. A 404 from anybody before it says nothing. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404 && error.reason === 'NotFound';
}

export function isConflict(error: unknown): boolean {
  return codeOf(error) === 409;
}

/** Of a create: there is an object of that name. Other conflicts, such as a namespace that is being deleted, are not this. */
export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ApiError && error.code === 409 && error.reason === 'AlreadyExists';
}

/** The error for an HTTP answer with `code`; `request` reads like `GET /api/v1/nodes`. */
export function apiErrorOf(code: number, body: string, request: string): ApiError {
  const status = parseStatus(body);
  const said = status.message ?? (body.trim().slice(0, 200) || 'no message');
  const reason = status.reason ?? '';
  return new ApiError(code, reason, `${request} answered ${String(code)}: ${said}${remedy(code, reason)}`);
}

/** The error for a request that got no answer. */
export function unreachableError(cause: unknown, request: string): ApiError {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const why = error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
  const todo = 'Check that the API server runs and that the kubeconfig names it.';
  return new ApiError(0, '', `${request} got no answer (${why}). ${todo}`, { cause });
}

/** Only a Status is the API server's own word. */
function parseStatus(body: string): StatusBody {
  try {
    const parsed: unknown = JSON.parse(body);
    const isStatus = typeof parsed === 'object' && parsed !== null && (parsed as StatusBody).kind === 'Status';
    return isStatus ? parsed : {};
  } catch {
    return {};
  }
}

function remedy(code: number, reason: string): string {
  if (code === 401) return '. Check the credentials in the kubeconfig.';
  if (code === 403) return '. Grant this to the service account; deploy/ has the ClusterRole.';
  if (code === 404 && reason !== 'NotFound') {
    return '. No API server says so of its objects: check the address in the kubeconfig, and what stands in between.';
  }
  if (code === 422 || code === 400) return '. Check that the CRDs on the server are those of this version.';
  return '';
}
