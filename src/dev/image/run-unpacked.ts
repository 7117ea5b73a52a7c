/** Runs an unpacked image as a container would be run: its user, a read-only root, nothing of the machine but /dev. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { UnpackedImage } from './unpack-image.ts';

/** $1 root, $2 working directory, $3 user, $4 group, then the command. What is mounted goes with the mount namespace. */
const SCRIPT = `
set -e
root=$1 directory=$2 uid=$3 gid=$4
shift 4
mkdir -p "$root/proc" "$root/dev" "$root/tmp"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
exec unshare --root="$root" --wd="$directory" --setgid="$gid" --setuid="$uid" "$@"
`;

/** Why images cannot be run here; undefined when they can. */
export function reasonNotToRun(): string | undefined {
  if (process.platform !== 'linux') return 'images run on Linux only';
  return process.getuid?.() === 0 ? undefined : 'not root, and only root may mount and change the root directory';
}

/**
 * The process is in a process group of its own, as process 1 of a pid namespace: signal the group. It is killed when the
 * returned process is.
 */
export function runUnpacked(image: UnpackedImage, args: readonly string[], env: readonly string[] = []): ChildProcess {
  const { rootfs, entrypoint, workingDirectory = '/', user = '0:0' } = image;
  const [uid = '0', gid = uid] = user.split(':');
  const namespaces = ['--mount', '--pid', '--ipc', '--net', '--fork', '--kill-child'];
  return spawn(
    'unshare',
    [...namespaces, 'sh', '-c', SCRIPT, 'sh', rootfs, workingDirectory, uid, gid, ...entrypoint, ...args],
    { env: environment([...(image.env ?? []), ...env]), stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
}

function environment(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
  );
}
