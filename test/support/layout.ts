import { createHash } from 'node:crypto';
import { mkdir, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Digest } from '../../src/domain/digest.ts';
import { MEDIA_TYPES } from '../../src/domain/manifest.ts';
import { inTotoStatements } from './statements.ts';
import { tarOf } from './tar.ts';

/** JSON on its way into a layout; a change answers the JSON to write instead. */
export type Json = Record<string, unknown>;

export interface PlatformSpec {
  /** `linux/amd64`, `linux/arm/v7` */
  readonly platform: string;
  /** One layer: path → content. Default: a file that names the platform. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Several layers, instead of `files`. Layers of equal content are one blob, also across platforms. */
  readonly layers?: readonly Readonly<Record<string, string | Uint8Array>>[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Names of the packages in the SBOM (default one), or false for no SBOM. `[]` is an SBOM of nothing at all. */
  readonly sbom?: readonly string[] | false;
  /** False leaves the provenance out. */
  readonly provenance?: boolean;
}

export interface LayoutSpec {
  readonly platforms: readonly PlatformSpec[];
  /** `artifact`: the form of BuildKit 0.32 and later; `image`: the form before. Default `artifact`. */
  readonly attestations?: 'none' | 'artifact' | 'image';
  /** Type of the in-toto statements. Default `v1` for `artifact`, `v0.1` for `image`. */
  readonly statement?: 'v0.1' | 'v1';
  /** SLSA version of the provenance. Default `v1` for `artifact`, `v0.2` for `image`. */
  readonly provenance?: 'v0.2' | 'v1';
  /** Full names with tags: entries of index.json and subjects of the statements. Default `ghcr.io/org/app:1.2.3`. */
  readonly names?: readonly string[];
  /** `manifest` points index.json at the manifest of the only platform (then without attestations). Default `index`. */
  readonly shape?: 'index' | 'manifest';
  /** Docker's older media types for everything that runs. */
  readonly docker?: boolean;
  readonly algorithm?: 'sha256' | 'sha512';
  /** Annotations of the image index. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly builderId?: string;
  /** Changes to the JSON before it is hashed, so that the layout stays sound in all else. */
  readonly change?: {
    readonly config?: (config: Json, platform: string) => Json;
    readonly manifest?: (manifest: Json, platform: string) => Json;
    readonly statement?: (statement: Json, platform: string, kind: 'sbom' | 'provenance') => Json;
    readonly attestation?: (manifest: Json, platform: string) => Json;
    /** The image index. */
    readonly index?: (index: Json) => Json;
    /** `index.json` itself. */
    readonly indexJson?: (index: Json) => Json;
  };
}

interface WrittenPlatform {
  readonly platform: string;
  readonly digest: Digest;
  readonly config: Digest;
  readonly layers: readonly Digest[];
  readonly diffIds: readonly Digest[];
  readonly attestation?: Digest;
  readonly statements: { readonly sbom?: Digest; readonly provenance?: Digest };
}

export interface WrittenLayout {
  readonly directory: string;
  /** What index.json points at. */
  readonly digest: Digest;
  readonly platforms: readonly WrittenPlatform[];
  readonly path: (digest: Digest) => string;
}

/**
 * Writes an OCI layout by hand, the same bytes each time for the same specification.
 * @param directory is created
 */
export async function writeLayout(directory: string, spec: LayoutSpec): Promise<WrittenLayout> {
  const store = createStore(directory, spec.algorithm ?? 'sha256');
  const names = spec.names ?? ['ghcr.io/org/app:1.2.3'];
  const runnable: Stored[] = [];
  const attesting: Stored[] = [];
  const platforms: WrittenPlatform[] = [];
  for (const each of spec.platforms) {
    const image = await writeImage(store, spec, each);
    const attestation = await writeAttestation(store, spec, each, names, image.manifest);
    runnable.push(image.manifest);
    if (attestation.manifest !== undefined) attesting.push(attestation.manifest);
    platforms.push({
      platform: each.platform,
      digest: image.manifest.digest,
      config: image.config.digest,
      layers: image.layers.map((layer) => layer.digest),
      diffIds: image.diffIds,
      ...(attestation.manifest === undefined ? {} : { attestation: attestation.manifest.digest }),
      statements: attestation.statements,
    });
  }

  const only = runnable[0];
  const mediaType = spec.docker ? MEDIA_TYPES.dockerIndex : MEDIA_TYPES.ociIndex;
  const annotations = spec.annotations === undefined ? {} : { annotations: spec.annotations };
  const index = { schemaVersion: 2, mediaType, manifests: [...runnable, ...attesting], ...annotations };
  const root =
    spec.shape === 'manifest' && only !== undefined
      ? only
      : await store.put(mediaType, applied(spec.change?.index, index));
  const entries = (names.length === 0 ? [undefined] : names).map((name) => ({
    ...root,
    annotations: {
      ...(name === undefined ? {} : { 'io.containerd.image.name': name }),
      'org.opencontainers.image.created': '2026-01-02T03:04:05Z',
      'org.opencontainers.image.ref.name': name === undefined ? 'latest' : name.slice(name.lastIndexOf(':') + 1),
    },
  }));
  const indexJson = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: entries };
  await writeFile(join(directory, 'index.json'), JSON.stringify(applied(spec.change?.indexJson, indexJson)));
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return { directory, digest: root.digest, platforms, path: store.path };
}

interface Stored extends Json {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

function createStore(directory: string, algorithm: 'sha256' | 'sha512') {
  const path = (digest: Digest) => join(directory, 'blobs', ...digest.split(':'));
  const digestOf = (bytes: Uint8Array): Digest => `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
  return {
    path,
    digestOf,
    put: async (mediaType: string, content: Uint8Array | Json, more: Json = {}): Promise<Stored> => {
      const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
      const digest = digestOf(bytes);
      await mkdir(dirname(path(digest)), { recursive: true });
      await writeFile(path(digest), bytes);
      return { mediaType, digest, size: bytes.length, ...more };
    },
  };
}

type Store = ReturnType<typeof createStore>;

async function writeImage(store: Store, spec: LayoutSpec, each: PlatformSpec) {
  const [os = '', architecture = '', part] = each.platform.split('/');
  const variant = part === undefined ? {} : { variant: part };
  const labels = each.labels === undefined ? {} : { Labels: each.labels };
  const layers: Stored[] = [];
  const diffIds: Digest[] = [];
  for (const files of each.layers ?? [each.files ?? { 'etc/platform': each.platform }]) {
    const tar = await tarOf(files);
    diffIds.push(store.digestOf(tar));
    layers.push(await store.put(spec.docker ? DOCKER_LAYER : OCI_LAYER, gzipSync(tar, { level: 1 })));
  }
  const config = await store.put(
    spec.docker ? MEDIA_TYPES.dockerConfig : MEDIA_TYPES.ociConfig,
    changed(spec.change?.config, each.platform, {
      architecture,
      ...variant,
      os,
      config: { Env: ['PATH=/bin'], ...labels },
      rootfs: { type: 'layers', diff_ids: diffIds },
      created: '2026-01-02T03:04:05Z',
    }),
  );
  const mediaType = spec.docker ? MEDIA_TYPES.dockerManifest : MEDIA_TYPES.ociManifest;
  const manifest = await store.put(
    mediaType,
    changed(spec.change?.manifest, each.platform, { schemaVersion: 2, mediaType, config, layers }),
    { platform: { architecture, os, ...variant } },
  );
  return { manifest, config, layers, diffIds };
}

async function writeAttestation(
  store: Store,
  spec: LayoutSpec,
  each: PlatformSpec,
  names: readonly string[],
  subject: Stored,
) {
  const form = spec.shape === 'manifest' ? 'none' : (spec.attestations ?? 'artifact');
  const statements: { sbom?: Digest; provenance?: Digest } = {};
  if (form === 'none') return { statements };
  const layers: Stored[] = [];
  const parts = inTotoStatements({
    platform: each.platform,
    digest: subject.digest,
    names,
    statement: spec.statement ?? (form === 'artifact' ? 'v1' : 'v0.1'),
    provenance: spec.provenance ?? (form === 'artifact' ? 'v1' : 'v0.2'),
    builderId: spec.builderId ?? 'https://github.com/org/app/actions/runs/1/attempts/1',
    packages: each.sbom || ['busybox'],
  });
  for (const { kind, predicateType, statement } of parts) {
    if (each[kind] === false) continue;
    const written = spec.change?.statement?.(statement, each.platform, kind) ?? statement;
    const layer = await store.put(MEDIA_TYPES.inToto, written, {
      annotations: { 'in-toto.io/predicate-type': predicateType },
    });
    statements[kind] = layer.digest;
    layers.push(layer);
  }
  if (layers.length === 0) return { statements };
  const base = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest };
  const manifest =
    form === 'artifact'
      ? {
          ...base,
          artifactType: MEDIA_TYPES.dockerAttestation,
          config: await store.put(MEDIA_TYPES.ociEmpty, Buffer.from('{}'), { data: 'e30=' }),
          layers,
          subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
        }
      : {
          ...base,
          config: await store.put(MEDIA_TYPES.ociConfig, {
            architecture: 'unknown',
            os: 'unknown',
            config: {},
            rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
          }),
          layers,
        };
  const written = await store.put(MEDIA_TYPES.ociManifest, changed(spec.change?.attestation, each.platform, manifest), {
    annotations: {
      'vnd.docker.reference.digest': subject.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    },
    platform: { architecture: 'unknown', os: 'unknown' },
  });
  return { statements, manifest: written };
}

const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

function changed(change: ((value: Json, platform: string) => Json) | undefined, platform: string, value: Json) {
  return applied(change === undefined ? undefined : (each) => change(each, platform), value);
}

function applied(change: ((value: Json) => Json) | undefined, value: Json): Json {
  return change?.(value) ?? value;
}

/** Flips one bit in the middle of a blob; its size stays. */
export async function corruptBlob(layout: WrittenLayout, digest: Digest): Promise<void> {
  const bytes = await readFile(layout.path(digest));
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(layout.path(digest), bytes);
}

/** Cuts the last byte off a blob. */
export async function truncateBlob(layout: WrittenLayout, digest: Digest): Promise<void> {
  const file = await open(layout.path(digest));
  const { size } = await file.stat();
  await file.close();
  await truncate(layout.path(digest), size - 1);
}
