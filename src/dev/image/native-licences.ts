/** Licences of compiled code, which has the code of others inside that no list of npm packages names. */
import { globSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { file, text, type ImageEntry } from './image-entry.ts';

/** Where the image has licences that do not lie beside what they are for. */
export const LICENCES = '/licenses';
const NODE_LICENCE = `${LICENCES}/node.txt`;
export const CORE_BRIDGE_LICENCES = `${LICENCES}/temporal-core-bridge.txt`;

/** From the folder of Node's executable: its archive, the npm package node, Debian's package. npm removes the second at times. */
const BESIDE_NODE = ['../LICENSE', '../node_modules/node-*/LICENSE', '../share/doc/nodejs/copyright'];
const CORE_BRIDGE = 'node_modules/@temporalio/core-bridge';

/** Node's licence, which has those of V8, OpenSSL, ICU and all else that is linked into it; or where that text is to be had. */
export function nodeLicence(executable = process.execPath): ImageEntry {
  const folder = path.dirname(realpathSync(executable));
  const [found] = BESIDE_NODE.flatMap((place) => globSync(path.join(folder, place)));
  if (found !== undefined) return file(NODE_LICENCE, realpathSync(found));
  const parts = Object.entries(process.versions).map(([name, version = '']) => `  ${name} ${version}\n`);
  return text(
    NODE_LICENCE,
    `Node.js ${process.version} is under the MIT licence. It has V8, OpenSSL, ICU and more inside, under licences of their own. The text
of all of them is the file LICENSE of the release, which the machine that assembled this image did not have:

  https://github.com/nodejs/node/blob/${process.version}/LICENSE

What is inside:

${parts.join('')}`,
  );
}

/** Temporal's native library is of Rust, and has all crates that it uses linked into it. */
export function coreBridgeLicences(repository: string): ImageEntry {
  const read = (name: string): string => readFileSync(path.join(repository, CORE_BRIDGE, name), 'utf8');
  const crate = /^name = "(.+)"\nversion = "(.+)"\nsource = /gm;
  const crates = [...read('Cargo.lock').matchAll(crate)].map(([, name = '', version = '']) => `  ${name} ${version}\n`);
  return text(
    CORE_BRIDGE_LICENCES,
    `The native library of @temporalio/core-bridge has Temporal's SDK for Rust inside:

${read('sdk-core/LICENSE.txt').trim()}

Crates of others are linked into it, under licences of their own, whose texts Temporal does not publish with the package; each crate
carries its own. Its Cargo.lock names these; those for other platforms, and those that only build or test, are not inside:

${crates.join('')}`,
  );
}
