import { type Digest, isDigest } from '../../domain/digest.ts';
import { type Fields, isFields } from '../../domain/fields.ts';
import { type Descriptor, isIndexType, MANIFEST_TYPES, type PlatformFields } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';

/** Largest manifest, index or config that is read. Registries take 4 MiB: https://github.com/distribution/distribution */
export const MANIFEST_LIMIT = 4 * 1024 * 1024;
const DEPTH_LIMIT = 100;

/** An image index, checked. */
export interface IndexDocument {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

/** An image manifest, checked. */
export interface ManifestDocument {
  readonly kind: 'manifest';
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly LayerDescriptor[];
  readonly subject?: Descriptor;
}

export interface LayerDescriptor extends Descriptor {
  /** Other places of the bytes, which make it a layer that is not distributed with the image. */
  readonly urls: readonly string[];
}

/**
 * Parses JSON that somebody else wrote.
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
 * How deep brackets nest outside of strings (walking a parsed value of any depth could exhaust the stack), and how many names
 * with a value there are.
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

/** Of the fields of manifests and descriptors. Go, in which most clients are written, takes `OS` for `os`. */
const fold = (name: string) => name.toUpperCase().toLowerCase();
const FIELDS = new Map(
  [
    ...['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'manifests', 'subject', 'annotations'],
    ...['digest', 'size', 'urls', 'data', 'platform', 'architecture', 'os', 'os.version', 'os.features', 'variant'],
  ].map((name) => [fold(name), name]),
);

/** How many names there are; a name that comes twice in one object counts once. @throws ActionError IMAGE_INVALID for `OS` */
function countNames(value: unknown, where: string, isFree = false): number {
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + countNames(each, where), 0);
  if (!isFields(value)) return 0;
  return Object.entries(value).reduce((sum, [name, each]) => {
    const field = FIELDS.get(fold(name));
    if (!isFree && field !== undefined && field !== name) {
      throw invalid(`${where} has ${clean(name)}, which some clients read as "${field}"`);
    }
    return sum + 1 + countNames(each, where, name === 'annotations');
  }, 0);
}

/**
 * Parses an index or a manifest, by the media type that its descriptor gives. A document that could be read as the other
 * kind, that names another media type itself, or has a field twice is refused: two readers could see two images in it.
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
    throw invalid(`${where} says that it is ${clean(document.mediaType)}, but what refers to it says ${mediaType}`);
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
      manifests: manifests.map((each, at) => parseDescriptor(each, `${where}, manifests[${at}]`)),
    };
  }
  return {
    kind: 'manifest',
    ...(typeof document.artifactType === 'string' ? { artifactType: document.artifactType } : {}),
    config: parseDescriptor(document.config, `${where}, config`),
    layers: listOf(document.layers, `${where}, layers`).map((each, at) => ({
      ...parseDescriptor(each, `${where}, layers[${at}]`),
      urls: isFields(each) ? textsOf(each.urls) : [],
    })),
    ...(document.subject === undefined ? {} : { subject: parseDescriptor(document.subject, `${where}, subject`) }),
  };
}

/** Clients that read them as a map of texts read nothing of a document in which they are something else. */
function requireAnnotations(value: unknown, where: string): void {
  if (value === undefined || value === null) return;
  if (!isFields(value) || Object.values(value).some((each) => typeof each !== 'string')) {
    throw invalid(`${where} has annotations that are not a map of texts`);
  }
}

/** @throws ActionError IMAGE_INVALID */
export function parseDescriptor(value: unknown, where: string): Descriptor {
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

/** The platform of a descriptor or of an image config; what it does not say is `unknown`. */
export function platformFields(value: Fields): PlatformFields {
  const text = (key: string) => {
    const field = value[key];
    return typeof field === 'string' && field !== '' ? field : undefined;
  };
  const variant = text('variant');
  const version = text('os.version');
  return {
    os: text('os') ?? 'unknown',
    architecture: text('architecture') ?? 'unknown',
    ...(variant === undefined ? {} : { variant }),
    ...(version === undefined ? {} : { 'os.version': version }),
  };
}

/** The entries of an object whose values are text. */
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

/** Untrusted text for a message: short, and without control characters. */
export function clean(value: unknown): string {
  const text = typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? 'nothing');
  return text.slice(0, 120).replace(/[^\x20-\x7e]/g, '?');
}

/** A document that is what its digest says, and no client can use. */
export function invalid(message: string, cause?: unknown): ActionError {
  return new ActionError('IMAGE_INVALID', `${message}.`, { cause });
}

/** Bytes that are missing, or not those that a digest or size promises. */
export function corrupt(message: string, cause?: unknown): ActionError {
  return new ActionError('LAYOUT_CORRUPT', `${message}.`, { cause });
}

/** Where a blob lies in a layout. https://github.com/opencontainers/image-spec/blob/main/image-layout.md#blobs */
export function blobPath(digest: Digest): readonly ['blobs', string, string] {
  const at = digest.indexOf(':');
  return ['blobs', digest.slice(0, at), digest.slice(at + 1)];
}
