import { hostname, userInfo } from 'node:os';

/** Who sits before this process, for others to read: `kim@build-7`. */
export function userAtHost(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container's user id need not have a name.
    return `uid-${String(process.getuid?.() ?? 'unknown')}@${hostname()}`;
  }
}
