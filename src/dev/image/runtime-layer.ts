/** What a Debian base image would bring: Node, the shared libraries that native code needs, users. From this machine. */
import { execFile } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { promisify } from 'node:util';
import { directory, file, text, type ImageEntry, type ImageLayer } from './image-entry.ts';
import { nodeLicence } from './native-licences.ts';
import { USER_ID, userFiles } from './user-files.ts';

/** Licences of what comes from this machine, where Debian and its children keep them. */
const SYSTEM_LICENCES = ['libc6', 'libstdc++6', 'libgcc-s1'].map((name) => `/usr/share/doc/${name}/copyright`);

/** `natives` are files that the image will load; what they link to is taken along. There is no shell. */
export async function runtimeLayer(natives: readonly string[]): Promise<ImageLayer> {
  const node = process.execPath;
  const libraries = await librariesOf([node, ...natives]);
  const licences = SYSTEM_LICENCES.filter((name) => existsSync(name));
  return {
    name: `Node ${process.version} and shared libraries of the machine that assembled this`,
    entries: [
      file('/usr/local/bin/node', node),
      ...libraries.map((name) => file(name, realpathSync(name))),
      nodeLicence(node),
      ...licences.map((name) => file(name, realpathSync(name))),
      ...userFiles(),
      ...plainFolders(),
      text('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
    ],
  };
}

function plainFolders(): ImageEntry[] {
  return [
    directory('/tmp', { mode: 0o1777 }),
    directory('/run'),
    directory('/var'),
    directory('/home/memhp', { uid: USER_ID }),
  ];
}

/** Paths of the shared libraries, the loader included, that `files` are linked to. */
async function librariesOf(files: readonly string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ldd', [...files]);
  const missing = /^\s*(\S+) => not found/m.exec(stdout)?.[1];
  if (missing) throw new Error(`${missing} is not installed on this machine, but the image needs it; install it`);
  const found = [...stdout.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, library = '']) => library);
  return [...new Set(found)].sort();
}
