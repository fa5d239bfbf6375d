import { type Digest, isDigest } from '../../domain/digest.ts';
import { type Fields, isFields } from '../../domain/fields.ts';
import { type Descriptor, isIndexType, MANIFEST_TYPES, type PlatformFields } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';

/**
 * Largest manifest, index or config that is read. Registries accept 4 MiB: https://github.com/distribution/distribution
 */
export const MANIFEST_LIMIT = 4 * 1024 * 1024;
const DEPTH_LIMIT = 100;

/** A validated image index. */
export interface IndexDocument {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

/** A validated image manifest. */
export interface ManifestDocument {
  readonly kind: 'manifest';
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly LayerDescriptor[];
  readonly subject?: Descriptor;
}

export interface LayerDescriptor extends Descriptor {
  /** Other locations of the bytes, which mark a layer that is not distributed with the image. */
  readonly urls: readonly string[];
}

/**
 * Parses untrusted JSON.
 * @param where what the bytes are, for messages
 * @throws ActionError IMAGE_INVALID when it is not a JSON object, or nested more than 100 levels deep
 */
export function parseDocument(bytes: Uint8Array, where: string): Fields {
  if (shapeOf(bytes).depth > DEPTH_LIMIT) throw invalid(`${where} is nested more than ${DEPTH_LIMIT} levels deep`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(`${where} is not JSON`, error);
  }
  if (!isFields(value)) throw invalid(`${where} is not a JSON object`);
  return value;
}

/**
 * Nesting depth outside of strings (walking a deeper value could overflow the stack), and the number of names with a
 * value.
 */
function shapeOf(bytes: Uint8Array): { readonly depth: number; readonly names: number } {
  let depth = 0;
  let deepest = 0;
  let names = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === 0x5c) at += 1;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
    else if (byte === 0x3a) names += 1;
  }
  return { depth: deepest, names };
}

/** Field names of manifests and descriptors. Go, which most clients are written in, accepts `OS` for `os`. */
const fold = (name: string) => name.toUpperCase().toLowerCase();
const FIELDS = new Map(
  [
    ...['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'manifests', 'subject', 'annotations'],
    ...['digest', 'size', 'urls', 'data', 'platform', 'architecture', 'os', 'os.version', 'os.features', 'variant'],
  ].map((name) => [fold(name), name]),
);

/** The number of names; duplicates within one object count once. @throws ActionError IMAGE_INVALID for `OS` */
function countNames(value: unknown, where: string, isFree = false): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countNames(item, where), 0);
  if (!isFields(value)) return 0;
  return Object.entries(value).reduce((sum, [name, child]) => {
    const field = FIELDS.get(fold(name));
    if (!isFree && field !== undefined && field !== name) {
      throw invalid(`${where} has ${clean(name)}, which some clients read as "${field}"`);
    }
    return sum + 1 + countNames(child, where, name === 'annotations');
  }, 0);
}

/**
 * Parses an index or a manifest, by the media type of its descriptor. Rejects a document that could be read as the
 * other kind, declares another media type, or repeats a field: two clients could see two different images in it.
 * https://github.com/opencontainers/image-spec/security/advisories/GHSA-77vh-xpmg-72qh
 * @throws ActionError IMAGE_INVALID
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, where: string): IndexDocument | ManifestDocument {
  if (!MANIFEST_TYPES.includes(mediaType)) {
    throw invalid(`${where} is of media type ${clean(mediaType)}, which is neither an image index nor a manifest`);
  }
  const document = parseDocument(bytes, where);
  if (countNames(document, where) !== shapeOf(bytes).names) throw invalid(`${where} has a field twice`);
  if (document.schemaVersion !== 2) throw invalid(`${where} has schemaVersion ${clean(document.schemaVersion)}, not 2`);
  if (document.mediaType !== undefined && document.mediaType !== mediaType) {
    throw invalid(`${where} has the media type ${clean(document.mediaType)}, but its descriptor has ${mediaType}`);
  }
  requireAnnotations(document.annotations, where);
  const asIndex = isIndexType(mediaType);
  const foreign = asIndex ? ['config', 'layers'] : ['manifests'];
  if (foreign.some((key) => document[key] !== undefined)) {
    throw invalid(`${where} mixes the fields of an index and of a manifest`);
  }
  if (asIndex) {
    const manifests = listOf(document.manifests, `${where}, manifests`);
    return {
      kind: 'index',
      manifests: manifests.map((entry, at) => parseDescriptor(entry, `${where}, manifests[${at}]`)),
    };
  }
  return {
    kind: 'manifest',
    ...(typeof document.artifactType === 'string' ? { artifactType: document.artifactType } : {}),
    config: parseDescriptor(document.config, `${where}, config`),
    layers: listOf(document.layers, `${where}, layers`).map((layer, at) => ({
      ...parseDescriptor(layer, `${where}, layers[${at}]`),
      urls: isFields(layer) ? textsOf(layer.urls) : [],
    })),
    ...(document.subject === undefined ? {} : { subject: parseDescriptor(document.subject, `${where}, subject`) }),
  };
}

/** Clients that expect a map of strings reject the whole document when it is anything else. */
function requireAnnotations(value: unknown, where: string): void {
  if (value === undefined || value === null) return;
  if (!isFields(value) || Object.values(value).some((each) => typeof each !== 'string')) {
    throw invalid(`${where} has annotations that are not a map of texts`);
  }
}

/** @throws ActionError IMAGE_INVALID */
function parseDescriptor(value: unknown, where: string): Descriptor {
  if (!isFields(value)) throw invalid(`${where} is not a descriptor`);
  const { mediaType, digest, size, annotations, platform, artifactType } = value;
  if (typeof mediaType !== 'string' || mediaType === '') throw invalid(`${where} has no mediaType`);
  if (!isDigest(digest)) throw invalid(`${where} has the digest ${clean(digest)}, which is no sha256 or sha512 digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`${where} has the size ${clean(size)}, which is no number of bytes`);
  }
  requireAnnotations(annotations, where);
  return {
    mediaType,
    digest,
    size,
    ...(isFields(annotations) ? { annotations: textFields(annotations) } : {}),
    ...(isFields(platform) ? { platform: platformFields(platform) } : {}),
    ...(typeof artifactType === 'string' ? { artifactType } : {}),
  };
}

/** The platform of a descriptor or image config; missing parts are `unknown`. */
export function platformFields(value: Fields): PlatformFields {
  const text = (key: string) => {
    const field = value[key];
    return typeof field === 'string' && field !== '' ? field : undefined;
  };
  const variant = text('variant');
  const version = text('os.version');
  const features = textsOf(value['os.features']);
  return {
    os: text('os') ?? 'unknown',
    architecture: text('architecture') ?? 'unknown',
    ...(variant === undefined ? {} : { variant }),
    ...(version === undefined ? {} : { 'os.version': version }),
    ...(features.length === 0 ? {} : { 'os.features': features }),
  };
}

/** The string entries of an object. */
export function textFields(value: unknown): Readonly<Record<string, string>> {
  if (!isFields(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(`${where} is not a list`);
  return value;
}

/** Untrusted text for a message: short, without control characters. */
export function clean(value: unknown): string {
  const text = typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? 'nothing');
  return text.slice(0, 120).replace(/[^\x20-\x7e]/g, '?');
}

/** A document that matches its digest but that no client can use. */
export function invalid(message: string, cause?: unknown): ActionError {
  return new ActionError('IMAGE_INVALID', `${message}.`, { cause });
}

/** Bytes that are missing, or do not match their digest or size. */
export function corrupt(message: string, cause?: unknown): ActionError {
  return new ActionError('LAYOUT_CORRUPT', `${message}.`, { cause });
}

/** Path of a blob in a layout. https://github.com/opencontainers/image-spec/blob/main/image-layout.md#blobs */
export function blobPath(digest: Digest): readonly ['blobs', string, string] {
  const at = digest.indexOf(':');
  return ['blobs', digest.slice(0, at), digest.slice(at + 1)];
}
