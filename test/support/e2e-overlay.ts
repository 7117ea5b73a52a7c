/** test/e2e/overlay, with all pods that share a folder of their node on one node. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import type { E2eNode } from './e2e-node.ts';
import { REPOSITORY } from './run-command.ts';

const OVERLAY = path.join(REPOSITORY, 'test/e2e/overlay');
const PINNED = [
  { kind: 'DaemonSet', name: 'memhp-agent' },
  { kind: 'Deployment', name: 'memhp-simulated-agent' },
];

export interface E2eOverlay {
  /** For `kubectl apply -k`. */
  readonly directory: string;
  remove(): Promise<void>;
}

export async function writeE2eOverlay({ nodeSelector }: E2eNode): Promise<E2eOverlay> {
  const directory = await mkdtemp(path.join(await realpath(tmpdir()), 'memhp-overlay-'));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [path.relative(directory, await realpath(OVERLAY))],
    patches: PINNED.map((target) => ({
      target,
      patch: stringify({
        apiVersion: 'apps/v1',
        kind: target.kind,
        metadata: { name: target.name },
        spec: { template: { spec: { nodeSelector } } },
      }),
    })),
  };
  await writeFile(path.join(directory, 'kustomization.yaml'), stringify(kustomization));
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}
