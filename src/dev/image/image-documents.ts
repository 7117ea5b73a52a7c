/** The JSON documents of an OCI image, in the layout that docker, containerd, podman and kind all load. Pure. */
import { createHash } from 'node:crypto';
import type { LayerBlob } from './write-layer.ts';

export type Architecture = 'amd64' | 'arm64';

/** How the image's process is started; names as in the OCI image specification. */
export interface ImageSettings {
  readonly entrypoint: readonly string[];
  readonly cmd?: readonly string[];
  /** `NAME=value`. */
  readonly env?: readonly string[];
  /** Numeric, so that Kubernetes can see that it is not root: `65532:65532`. */
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ImageContent extends ImageSettings {
  /** `name:tag`, with or without a registry's host in front. */
  readonly tag: string;
  readonly architecture: Architecture;
  readonly layers: readonly (LayerBlob & { readonly name: string })[];
}

export interface ImageDocuments {
  /** Digest of the manifest: what a registry would name the image by. */
  readonly digest: string;
  /** Files of the image's tar by their path in it, besides the layers. */
  readonly files: ReadonlyMap<string, string>;
}

/** The age of every image: an image does not depend on when it was made. */
const CREATED = '1970-01-01T00:00:00Z';

export function imageDocuments(content: ImageContent): ImageDocuments {
  const { layers, tag } = content;
  const config = JSON.stringify(imageConfig(content));
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map(({ digest, compressedBytes }) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest,
      size: compressedBytes,
    })),
  });
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest),
        platform: { os: 'linux', architecture: content.architecture },
        annotations: {
          'io.containerd.image.name': qualifiedName(tag), // ctr images import
          'org.opencontainers.image.ref.name': tag.slice(tag.lastIndexOf(':') + 1),
        },
      },
    ],
  });
  const dockerManifest = JSON.stringify([
    {
      Config: blobPath(sha256(config)),
      RepoTags: [tag],
      Layers: layers.map(({ digest }) => blobPath(digest)),
    },
  ]);
  return {
    digest: sha256(manifest),
    files: new Map([
      ['oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' })],
      ['index.json', index],
      ['manifest.json', dockerManifest], // docker load
      [blobPath(sha256(config)), config],
      [blobPath(sha256(manifest)), manifest],
    ]),
  };
}

function imageConfig({ layers, architecture, ...settings }: ImageContent): object {
  const { entrypoint, cmd, env, user, workingDirectory, labels } = settings;
  return {
    created: CREATED,
    os: 'linux',
    architecture,
    config: {
      Entrypoint: entrypoint,
      ...(cmd ? { Cmd: cmd } : {}),
      ...(env ? { Env: env } : {}),
      ...(user === undefined ? {} : { User: user }),
      ...(workingDirectory === undefined ? {} : { WorkingDir: workingDirectory }),
      ...(labels ? { Labels: labels } : {}),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ name }) => ({ created: CREATED, created_by: name })),
  };
}

/** Where a blob lies in the image's tar. */
export function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** The name that containerd and the kubelet use for what a manifest calls `tag`: docker's rules for short names. */
export function qualifiedName(tag: string): string {
  const [first = '', ...rest] = tag.split('/');
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  if (hasHost) return tag;
  return rest.length > 0 ? `docker.io/${tag}` : `docker.io/library/${tag}`;
}

function descriptor(mediaType: string, content: string): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest: sha256(content), size: Buffer.byteLength(content) };
}

function sha256(content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
