/** What `memhp setup` would do, as commands for whoever may do it. */
import { isGrpcServiceError } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contract/names.ts';
import { hours } from './prepare-namespace.ts';

const UNIMPLEMENTED = 12;
/** gRPC: PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED. Temporal Cloud has no operator API for its users. */
const REFUSED: readonly number[] = [7, UNIMPLEMENTED, 16];

/** Whether the server does not let this client administer namespaces. */
export function isRefused(error: unknown): boolean {
  return isGrpcServiceError(error) && REFUSED.includes(error.code);
}

export function byHandInstructions(namespace: string, retentionMs: number): string {
  const names = Object.values(SEARCH_ATTRIBUTES);
  const days = String(Math.ceil(retentionMs / 86_400_000));
  return [
    'Temporal Cloud: create the namespace in the web console (Namespaces, Create) or with',
    `  tcld namespace create --namespace ${namespace} --region REGION --retention-days ${days} --ca-certificate-file FILE`,
    'and add the search attributes, all of type Keyword, in the console or with',
    ...names.map(
      (name) => `  tcld namespace search-attributes add --namespace ${namespace} --search-attribute "${name}=Keyword"`,
    ),
    'A server of your own: have an administrator run',
    `  temporal operator namespace create --namespace ${namespace} --retention ${hours(retentionMs)}`,
    `  temporal operator search-attribute create --namespace ${namespace} ${names.map((name) => `--name ${name} --type Keyword`).join(' ')}`,
    'Then repeat memhp setup --check.',
  ].join('\n');
}
