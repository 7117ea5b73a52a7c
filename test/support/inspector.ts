/** Files on the node of a cluster, read and written through a pod that mounts their folder: test/e2e/inspector.yaml. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { E2eNode } from './e2e-node.ts';
import type { Kubectl } from './kubectl.ts';
import type { NodeFiles } from './node-files.ts';
import { REPOSITORY } from './run-command.ts';

const ROOT = '/var/lib/memhp-e2e';
const MANIFEST = path.join(REPOSITORY, 'test/e2e/inspector.yaml');
const EXEC = ['--namespace=memhp-e2e', 'exec', '-i', 'inspector', '--', 'node', '-e'] as const;

/** Programs that run in the pod; paths come by standard input, as JSON. */
const READ = `
const { file } = JSON.parse(fs.readFileSync(0, 'utf8'));
try { process.stdout.write(JSON.stringify(fs.readFileSync(file, 'utf8'))); }
catch (error) { if (error.code !== 'ENOENT') throw error; }`;
const WRITE = `
const { files, links, owner } = JSON.parse(fs.readFileSync(0, 'utf8'));
const make = (file) => fs.mkdirSync(path.dirname(file), { recursive: true });
for (const [file, text] of Object.entries(files)) { make(file); fs.writeFileSync(file, text); }
for (const [file, target] of Object.entries(links)) { make(file); fs.rmSync(file, { force: true }); fs.symlinkSync(target, file); }
for (const [folder, uid] of Object.entries(owner)) { fs.mkdirSync(folder, { recursive: true }); fs.chownSync(folder, uid, uid); }`;
const CLEAR = `
const { folder } = JSON.parse(fs.readFileSync(0, 'utf8'));
for (const name of fs.readdirSync(folder)) fs.rmSync(path.join(folder, name), { recursive: true, force: true });`;

export interface FileTree {
  /** Content by path. */
  readonly files: Readonly<Record<string, string>>;
  /** Target of symbolic links by path. */
  readonly links: Readonly<Record<string, string>>;
}

/** Paths are relative to the folder that the pod mounts. */
export class Inspector {
  readonly #kubectl: Kubectl;

  private constructor(kubectl: Kubectl) {
    this.#kubectl = kubectl;
  }

  static async start(kubectl: Kubectl, { nodeSelector }: E2eNode): Promise<Inspector> {
    for (const document of parseAllDocuments(await readFile(MANIFEST, 'utf8'))) {
      if (document.get('kind') === 'Pod') document.setIn(['spec', 'nodeSelector'], nodeSelector);
      await kubectl.succeed(['apply', '-f', '-'], document.toString());
    }
    await kubectl.succeed(['-n', 'memhp-e2e', 'wait', '--for=condition=Ready', '--timeout=50s', 'pod/inspector']);
    return new Inspector(kubectl);
  }

  /** Deletes all files in the folder, which itself stays, empty; and the pod with its namespace. */
  async close(): Promise<void> {
    await this.#kubectl.succeed([...EXEC, CLEAR], { folder: ROOT });
    await this.#kubectl.succeed(['delete', 'namespace', 'memhp-e2e', '--timeout=50s']);
  }

  /** Undefined when there is no such file. */
  async read(file: string): Promise<string | undefined> {
    const answer = await this.#kubectl.succeed([...EXEC, READ], { file: path.posix.join(ROOT, file) });
    return answer === '' ? undefined : (JSON.parse(answer) as string);
  }

  async write(tree: Partial<FileTree>): Promise<void> {
    const { files = {}, links = {} } = tree;
    await this.#kubectl.succeed([...EXEC, WRITE], { files: below(files), links: below(links), owner: {} });
  }

  /** Makes a folder that belongs to user `uid`. */
  async makeFolder(folder: string, uid: number): Promise<void> {
    await this.#kubectl.succeed([...EXEC, WRITE], { files: {}, links: {}, owner: below({ [folder]: uid }) });
  }

  /** Those of simulated nodes, kept in `folder`. */
  nodeFiles(folder: string): NodeFiles {
    return {
      read: (node, file) => this.read(path.posix.join(folder, node, file)),
      write: (node, file, text) => this.write({ files: { [path.posix.join(folder, node, file)]: text } }),
    };
  }
}

function below<T>(tree: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(tree).map(([file, value]) => [path.posix.join(ROOT, file), value]));
}
