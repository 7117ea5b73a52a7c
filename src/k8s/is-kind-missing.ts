/**
 * Whether the API server serves no such kind. It then answers a plain `404 page not found`, as a load balancer that has lost
 * its servers may as well: only the server's own list of what it serves can tell.
 */

/** Of a resource in an API group; those under /api/v1 are always there. */
const RESOURCE_PATH = /^\/apis\/(?<group>[^/]+)\/(?<version>[^/]+)\/(?:namespaces\/[^/]+\/)?(?<resource>[^/]+)/;

interface GroupList {
  readonly kind?: string;
  readonly groups?: readonly { readonly name: string; readonly versions: readonly { readonly version: string }[] }[];
}

interface ResourceList {
  readonly kind?: string;
  readonly groupVersion?: string;
  readonly resources?: readonly { readonly name: string }[];
}

/** `read` gets a path and rejects when that has no answer. False also when it could not be found out. */
export async function isKindMissing(path: string, read: (path: string) => Promise<unknown>): Promise<boolean> {
  const { group, version, resource } = RESOURCE_PATH.exec(path)?.groups ?? {};
  if (group === undefined || version === undefined || resource === undefined) return false;
  try {
    const served = (await read('/apis')) as GroupList | undefined;
    if (served?.kind !== 'APIGroupList' || !served.groups) return false;
    const versions = served.groups.find(({ name }) => name === group)?.versions ?? [];
    if (!versions.some((one) => one.version === version)) return true;
    const list = (await read(`/apis/${group}/${version}`)) as ResourceList | undefined;
    if (list?.kind !== 'APIResourceList' || list.groupVersion !== `${group}/${version}`) return false;
    return !(list.resources ?? []).some(({ name }) => name === resource);
  } catch {
    return false;
  }
}
