import { buffer } from 'node:stream/consumers';
import { FINGERPRINT, REVISION, RUN, VERSION } from '../domain/annotations.ts';
import { isDigest } from '../domain/digest.ts';
import { type Fields, fieldsOf } from '../domain/fields.ts';
import { type Descriptor, isIndexType, type ManifestBytes } from '../domain/manifest.ts';
import type { Repository } from '../oci/client/repository.ts';
import type { LocalImage } from '../oci/image/image.ts';

/** The origin of an image according to its annotations and labels. */
export interface Recorded {
  readonly revision?: string;
  readonly fingerprint?: string;
  /** Run, job and step that published it. */
  readonly run?: string;
  readonly version?: string;
}

const ANNOTATION_KEYS = { revision: REVISION, fingerprint: FINGERPRINT, run: RUN, version: VERSION } as const;
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/**
 * Reads the origin of an image: from the annotations of the index or manifest if they contain what is wanted (no
 * further request), otherwise from those of the first platform, or the labels of its config (two requests).
 */
export async function readRecorded(
  repository: Repository,
  root: ManifestBytes,
  wanted: readonly (keyof Recorded)[] = ['revision'],
): Promise<Recorded> {
  const isAll = (found: Recorded) => wanted.every((key) => found[key] !== undefined);
  const top = decode(root.bytes);
  const own = pick(annotationsOf(top));
  if (isAll(own)) return own;
  const manifest = isIndexType(root.descriptor.mediaType) ? await firstPlatform(repository, top) : top;
  const annotated = { ...pick(annotationsOf(manifest)), ...own };
  if (isAll(annotated)) return annotated;
  const { revision, version } = pick(await configLabels(repository, manifest));
  // Labels may be inherited from the base image, whose fingerprint belongs to another build.
  return {
    ...(revision === undefined ? {} : { revision }),
    ...(version === undefined ? {} : { version }),
    ...annotated,
  };
}

/** The commits that a local image names as its source. Its labels may be inherited from the base image. */
export function recordedRevisions({ root, platforms }: LocalImage): readonly string[] {
  const { revision } = pick(annotationsOf(decode(root.bytes)));
  const labels = platforms.map((platform) => platform.labels[REVISION]);
  const provenance = platforms.flatMap(({ statements }) => statements.map(({ commit }) => commit));
  return [revision, ...labels, ...provenance].flatMap((each) => each || []);
}

async function firstPlatform(repository: Repository, index: Fields): Promise<Fields> {
  const children: readonly unknown[] = Array.isArray(index.manifests) ? index.manifests : [];
  const child = children.map(fieldsOf).find((each) => fieldsOf(each.platform).os !== 'unknown');
  if (child === undefined || !isDigest(child.digest)) return {};
  const manifest = await repository.get(child.digest);
  return manifest === undefined ? {} : decode(manifest.bytes);
}

async function configLabels(repository: Repository, manifest: Fields): Promise<Fields> {
  const config = descriptor(manifest.config);
  if (config === undefined || config.size > MAX_CONFIG_BYTES) return {};
  const bytes = await buffer(await repository.getBlob(config));
  return fieldsOf(fieldsOf(decode(bytes).config).Labels);
}

function annotationsOf(manifest: Fields): Fields {
  return fieldsOf(manifest.annotations);
}

function pick(values: Fields): Recorded {
  return Object.fromEntries(
    Object.entries(ANNOTATION_KEYS).flatMap(([name, key]) => {
      const value = values[key];
      return typeof value === 'string' && value !== '' ? [[name, value.slice(0, 200)]] : [];
    }),
  );
}

function descriptor(value: unknown): Descriptor | undefined {
  const { mediaType, digest, size } = fieldsOf(value);
  return typeof mediaType === 'string' && isDigest(digest) && typeof size === 'number'
    ? { mediaType, digest, size }
    : undefined;
}

/** An unreadable foreign image has no recorded origin, which is not an error. */
function decode(bytes: Uint8Array): Fields {
  try {
    return fieldsOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return {};
  }
}
