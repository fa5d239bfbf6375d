import type { Digest } from '../../domain/digest.ts';
import { isFields } from '../../domain/fields.ts';
import { configProblem } from '../../domain/image-config.ts';
import { type Descriptor, isImageConfig, isIndexType, type ManifestBytes, MEDIA_TYPES } from '../../domain/manifest.ts';
import { normalPlatform, platformName, platformProblem, spellingProblem } from '../../domain/platform.ts';
import { pullProblem, pullWarnings } from '../../domain/pullable.ts';
import { ActionError } from '../../errors/action-error.ts';
import { isAttestation, isRunnable, readAttestation } from './attestation-manifest.ts';
import {
  clean,
  corrupt,
  invalid,
  type LayerDescriptor,
  type ManifestDocument,
  parseDocument,
  parseManifest,
  platformFields,
  textFields,
  textsOf,
} from './document.ts';
import type { AttestationManifest, LocalImage, PlatformImage } from './image.ts';
import { type LayoutFiles, openLayoutFiles } from './layout-files.ts';
import { STATEMENT_LIMIT } from './statement.ts';

export interface Expectation {
  /** As requested by the user. */
  readonly platforms?: readonly string[];
  /** The digest that the builder reported. */
  readonly digest?: Digest;
}

/** A parsed manifest of the index. */
interface Child {
  readonly bytes: ManifestBytes;
  readonly document: ManifestDocument;
}

/**
 * Reads the single image of an OCI layout and validates its structure: every manifest, config and statement is hashed
 * and parsed, every layer is present with its size. Layers are hashed by their first reader: the scan, or the upload.
 * Content that the image does not refer to is ignored, as is the empty `ingest/` folder that buildx may leave.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 * @param directory with `oci-layout`, `index.json` and `blobs/`
 * @throws ActionError LAYOUT_CORRUPT, IMAGE_INVALID, IMAGE_UNPULLABLE, ATTESTATION_TOO_LARGE, FOREIGN_LAYERS,
 * PLATFORM_MISSING; SOURCE_INVALID for several images or a nested index; SOURCE_UNSAFE for links that lead out of the
 * folder
 */
export async function readLayout(directory: string, expect: Expectation = {}): Promise<LocalImage> {
  const files = openLayoutFiles(directory);
  const { descriptor, left } = await readEntry(files, directory, expect.digest);
  const root = await readManifest(files, descriptor);
  const document = parseManifest(root.bytes, descriptor.mediaType, `the manifest ${descriptor.digest}`);
  const children =
    document.kind === 'manifest'
      ? [{ bytes: root, document }]
      : await Promise.all(document.manifests.map((descriptor) => readChild(files, descriptor)));

  const images = children.filter((child) => isRunnable(child.bytes.descriptor));
  const others = children.filter((child) => !images.includes(child));
  if (images.length === 0) throw invalid(`The index ${descriptor.digest} of ${directory} has no image`);
  for (const child of others) refuseHiddenLayers(child);
  refuseRepeated(images, descriptor.digest);
  const blobs = new Map<Digest, Descriptor>();
  for (const { document: child } of children) {
    for (const blob of [child.config, ...child.layers]) {
      const known = blobs.get(blob.digest);
      if (known !== undefined && known.size !== blob.size) {
        throw invalid(`The blob ${blob.digest} has two sizes: ${known.size} bytes and ${blob.size} bytes`);
      }
      if (known === undefined)
        blobs.set(blob.digest, { mediaType: blob.mediaType, digest: blob.digest, size: blob.size });
    }
  }
  const attestations: AttestationManifest[] = [];
  const readStatement = (blob: Descriptor) => {
    if (blob.size > STATEMENT_LIMIT) throw tooLarge(blob);
    return files.readBlob(blob, STATEMENT_LIMIT);
  };
  for (const other of others) {
    // One at a time: a statement may be large, and each platform has at least one.
    const { descriptor: listed } = other.bytes;
    if (isAttestation(listed)) attestations.push(await readAttestation(listed, other.document, readStatement));
  }
  const platforms = await Promise.all(images.map((image) => readPlatform(files, image, attestations)));
  if (expect.platforms !== undefined && expect.platforms.length > 0) {
    const problem = platformProblem(
      expect.platforms,
      platforms.map(({ name }) => name),
    );
    if (problem !== undefined) throw new ActionError('PLATFORM_MISSING', problem);
  }
  await files.checkSizes([...blobs.values()]);
  return {
    directory,
    root,
    // Some registries accept a manifest only after its subject: https://github.com/moby/buildkit/issues/7007
    manifests: unique([...images, ...others].map((child) => child.bytes).concat(root)),
    blobs: [...blobs.values()],
    platforms,
    attestations,
    warnings: [
      ...left,
      ...pullWarnings(
        platforms.map(({ name, platform }, at) => ({
          name,
          version: platform['os.version'],
          layers: images[at]?.document.layers ?? [],
        })),
      ),
    ],
    open: files.open,
    verify: () => files.verify([...blobs.values()]),
    path: files.path,
  };
}

/** The descriptor of the image. An image with several tags has several entries with the same digest. */
async function readEntry(
  files: LayoutFiles,
  directory: string,
  wanted: Digest | undefined,
): Promise<{ readonly descriptor: Descriptor; readonly left: readonly string[] }> {
  const { imageLayoutVersion } = parseDocument(await files.read('oci-layout'), `${directory}/oci-layout`);
  if (imageLayoutVersion !== '1.0.0') {
    throw invalid(`${directory}/oci-layout has imageLayoutVersion ${clean(imageLayoutVersion)}, not "1.0.0"`);
  }
  const index = parseManifest(await files.read('index.json'), MEDIA_TYPES.ociIndex, `${directory}/index.json`);
  const listed = index.kind === 'index' ? index.manifests : [];
  const artifacts = await artifactsAmong(files, listed);
  const entries = listed.filter((each) => !artifacts.includes(each));
  const digests = [...new Set(entries.map((entry) => entry.digest))];
  const entry = wanted === undefined ? entries[0] : entries.find(({ digest }) => digest === wanted);
  if (entries.length === 0) throw invalid(`${directory}/index.json has no image`);
  if (entry === undefined) {
    throw corrupt(`The builder reported ${wanted}, but ${directory}/index.json has ${digests.join(', ')}`);
  }
  if (wanted === undefined && digests.length > 1) {
    const named = entries.map(
      (entry) =>
        `${clean(entry.annotations?.['io.containerd.image.name'] ?? entry.annotations?.['org.opencontainers.image.ref.name'] ?? 'without a name')} (${entry.digest})`,
    );
    throw new ActionError(
      'SOURCE_INVALID',
      `${directory} contains ${digests.length} images, but only one is expected: ${[...new Set(named)].slice(0, 20).join(', ')}.`,
    );
  }
  const left = artifacts.map(
    ({ digest, artifactType, annotations }) =>
      `${directory} also contains the artifact ${digest} (${clean(artifactType ?? annotations?.['org.opencontainers.image.ref.name'] ?? 'without a type')}), such as a signature or an SBOM. It is not published: attach it to the image in the registry.`,
  );
  return { descriptor: { mediaType: entry.mediaType, digest: entry.digest, size: entry.size }, left };
}

/** Entries of index.json that are not images, as `oras cp --recursive` writes them: referrers and artifacts. */
async function artifactsAmong(files: LayoutFiles, entries: readonly Descriptor[]): Promise<readonly Descriptor[]> {
  if (new Set(entries.map(({ digest }) => digest)).size < 2) return [];
  const are = await Promise.all(
    entries.map(async (entry) => {
      if (entry.artifactType !== undefined && !isIndexType(entry.mediaType)) return true;
      // An unreadable one is reported with the others.
      const read = await readManifest(files, entry).catch(() => undefined);
      if (read === undefined) return false;
      const document = parseManifest(read.bytes, entry.mediaType, `the manifest ${entry.digest}`);
      return document.kind === 'manifest' && (document.subject !== undefined || !isImageConfig(document.config));
    }),
  );
  return entries.filter((_, at) => are[at]);
}

function tooLarge({ digest, size, annotations }: Descriptor): ActionError {
  const type = annotations?.['in-toto.io/predicate-type'] ?? 'unknown';
  const what = type.startsWith('https://spdx.dev/') ? 'SBOM' : `statement of type ${clean(type)}`;
  const limit = STATEMENT_LIMIT / 1024 ** 2;
  return new ActionError(
    'ATTESTATION_TOO_LARGE',
    `The ${what} ${digest} has ${(size / 1024 ** 2).toFixed(1)} MiB, more than the ${limit} MiB that BuildKit and this action allow.`,
  );
}

async function readManifest(files: LayoutFiles, descriptor: Descriptor): Promise<ManifestBytes> {
  return { descriptor, bytes: await files.readBlob(descriptor) };
}

async function readChild(files: LayoutFiles, descriptor: Descriptor): Promise<Child> {
  if (isIndexType(descriptor.mediaType)) {
    // Flattening it would change the digest that its builder gave it (P2), and few tools support a nested index.
    throw new ActionError(
      'SOURCE_INVALID',
      `The index contains another index (${descriptor.digest}). Give an image whose index names the manifest of each platform.`,
    );
  }
  const bytes = await readManifest(files, descriptor);
  const document = parseManifest(bytes.bytes, descriptor.mediaType, `the manifest ${descriptor.digest}`);
  if (document.kind !== 'manifest') throw invalid(`${descriptor.digest} is not a manifest`);
  return { bytes, document };
}

async function readPlatform(
  files: LayoutFiles,
  { bytes, document }: Child,
  attestations: readonly AttestationManifest[],
): Promise<PlatformImage> {
  const { descriptor } = bytes;
  const where = `the manifest ${descriptor.digest}`;
  if (!isImageConfig(document.config)) {
    throw invalid(`${where} is not an image: its config is of media type ${clean(document.config.mediaType)}`);
  }
  refuseForeignLayers(document.layers, where);
  const config = parseDocument(await files.readBlob(document.config), `the image config ${document.config.digest}`);
  const shape = configProblem(config);
  if (shape !== undefined) throw invalid(`The image config ${document.config.digest} has ${shape}`);
  const own = platformFields(config);
  const platform = descriptor.platform ?? own;
  const misspelled = spellingProblem(own) ?? spellingProblem(platform);
  if (misspelled !== undefined) throw invalid(`${where} is for a platform that clients do not look for: ${misspelled}`);
  const [said, is] = [platform, own].map(({ os, architecture }) => normalPlatform(`${os}/${architecture}`));
  if (own.os === 'unknown' || own.architecture === 'unknown') {
    throw invalid(`The image config ${document.config.digest} names no platform`);
  }
  if (said !== is) throw invalid(`In the index, ${descriptor.digest} is for ${said}; in its config, for ${is}`);
  const diffIds = isFields(config.rootfs) ? textsOf(config.rootfs.diff_ids) : [];
  if (diffIds.length !== document.layers.length) {
    throw invalid(
      `${where}: the number of layers (${document.layers.length}) and of diff_ids in the config (${diffIds.length}) differ`,
    );
  }
  if (diffIds.length === 0) throw new ActionError('IMAGE_EMPTY', `${where} is an image without layers.`);
  const problem = pullProblem(descriptor.mediaType, document.layers);
  if (problem !== undefined)
    throw new ActionError('IMAGE_UNPULLABLE', `${where} cannot be pulled by every client: ${problem}.`);
  return {
    name: platformName(platform),
    platform,
    manifest: bytes,
    configDigest: document.config.digest,
    diffIds,
    layers: document.layers.map(({ digest }) => digest),
    history: historyOf(config.history),
    labels: textFields(isFields(config.config) ? config.config.Labels : undefined),
    compressedSize: document.layers.reduce((sum, layer) => sum + layer.size, 0),
    statements: attestations.filter((each) => each.reference === descriptor.digest).flatMap((each) => each.statements),
  };
}

/** Maximum length of a history step, in characters. */
const MAX_STEP = 300;

function historyOf(value: unknown): PlatformImage['history'] {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [];
  return entries.map((entry) => {
    const { created_by: by, empty_layer: isEmpty } = isFields(entry) ? entry : {};
    const createdBy =
      typeof by === 'string'
        ? by.slice(0, MAX_STEP).replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ')
        : '';
    return { createdBy, isEmpty: isEmpty === true };
  });
}

/** An entry without a platform is not scanned, yet could be run by digest: it may therefore only contain statements. */
function refuseHiddenLayers({ bytes, document }: Child): void {
  const layer = document.layers.find(({ mediaType }) => mediaType !== MEDIA_TYPES.inToto);
  if (layer !== undefined) {
    throw invalid(
      `${bytes.descriptor.digest} is for no platform, so it is not scanned, and its layer ${layer.digest} has the media type ${clean(layer.mediaType)}. An attestation has layers of ${MEDIA_TYPES.inToto} only`,
    );
  }
}

/**
 * Each platform has one report, so an image listed twice would have two. Attestations of two platforms may be
 * identical.
 */
function refuseRepeated(images: readonly Child[], index: Digest): void {
  const digests = images.map(({ bytes }) => bytes.descriptor.digest);
  const repeated = digests.find((digest, at) => digests.indexOf(digest) !== at);
  if (repeated !== undefined) throw invalid(`The index ${index} lists the manifest ${repeated} more than once`);
}

function refuseForeignLayers(layers: readonly LayerDescriptor[], where: string): void {
  const foreign = layers.find(
    ({ mediaType, urls }) => urls.length > 0 || /\.nondistributable\.|\.foreign\./.test(mediaType),
  );
  if (foreign !== undefined) {
    throw new ActionError(
      'FOREIGN_LAYERS',
      `${where} has the layer ${foreign.digest} of type ${clean(foreign.mediaType)}, which is stored elsewhere.`,
    );
  }
}

function unique(manifests: readonly ManifestBytes[]): readonly ManifestBytes[] {
  return [...new Map(manifests.map((manifest) => [manifest.descriptor.digest, manifest])).values()];
}
