import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { type Digest, splitDigest } from '../../domain/digest.ts';
import { type Fields, fieldsOf } from '../../domain/fields.ts';
import type { ScannedPlatform } from '../../domain/gate/platform-report.ts';
import type { Scanner } from '../../domain/gate/severity.ts';
import type { Descriptor, ManifestBytes } from '../../domain/manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { OverlayLayers } from './overlay-layer.ts';

/** An image on this machine, as far as a scan needs it; implemented by `LocalImage`. */
export interface ScannableImage {
  /** OCI layout. */
  readonly directory: string;
  readonly platforms: readonly ScannablePlatform[];
  readonly open: (blob: Descriptor) => Readable;
}

export interface ScannablePlatform extends ScannedPlatform {
  readonly manifest: ManifestBytes;
}

/** The content of a view. */
export interface View {
  /** Digest of its image config. */
  readonly configDigest: Digest;
  /** Its layers: those of the image, and the overlay. */
  readonly diffIds: readonly string[];
  /** The scanner will skip secrets in all layers before the last but one `CMD`. */
  readonly skipsSecrets: boolean;
}

/** Options of a view. */
export interface ViewOptions {
  readonly scanners: readonly Scanner[];
  /** Layers to add to those of the image. */
  readonly overlay?: OverlayLayers | undefined;
}

/**
 * Writes a layout of one platform with the layers of the image and any overlay. The image itself is not changed.
 *
 * Trivy treats everything before a `CMD` in the history as a base image and does not search it for secrets: a second
 * `CMD` would hide any. So the view's history leaves out the word it looks for, except together with checks of the
 * history itself, which should not cover the base image.
 * https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/image/image.go
 * @param directory is created
 */
export async function makeView(
  directory: string,
  image: ScannableImage,
  platform: ScannablePlatform,
  { scanners, overlay }: ViewOptions,
): Promise<View> {
  const { configDigest, diffIds, manifest } = platform;
  const original = scanners.includes('secret') || overlay !== undefined ? await readConfig(image, platform) : {};
  const isHidden = scanners.includes('secret') && !scanners.includes('misconfig');
  const history = withoutCommands(original);
  const skipsSecrets = scanners.includes('secret') && scanners.includes('misconfig') && history !== undefined;
  await mkdir(directory);
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const { mediaType, platform: of } = manifest.descriptor;
  const show = async ({ digest, size }: Pick<Descriptor, 'digest' | 'size'>) => {
    const entry = { mediaType, digest, size, ...(of === undefined ? {} : { platform: of }) };
    const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [entry] };
    await writeFile(join(directory, 'index.json'), JSON.stringify(index));
  };
  const blobs = join(directory, 'blobs');
  if (overlay === undefined && (history === undefined || !isHidden)) {
    await show(manifest.descriptor);
    // A junction needs no privilege on Windows; elsewhere the type is ignored.
    await symlink(resolve(image.directory, 'blobs'), blobs, 'junction');
    return { configDigest, diffIds, skipsSecrets };
  }
  const document = documentOf(manifest.bytes);
  for (const algorithm of ['sha256', 'sha512']) await mkdir(join(blobs, algorithm), { recursive: true });
  const put = async (content: Fields) => {
    const bytes = Buffer.from(JSON.stringify(content));
    const hex = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(blobs, 'sha256', hex), bytes);
    return { digest: `sha256:${hex}` as const, size: bytes.length };
  };
  const steps = isHidden && history !== undefined ? { ...original, history } : original;
  const shown = overlay === undefined ? steps : withLayers(steps, diffIds, overlay);
  const config = await put(shown);
  const layers: readonly unknown[] = Array.isArray(document.layers) ? document.layers : [];
  const [below, above] = [overlay?.below, overlay?.above].map((layer) =>
    layer === undefined ? [] : [{ mediaType: OVERLAY_TYPE, digest: layer.digest, size: layer.size }],
  );
  const shownLayers = [...(below ?? []), ...layers, ...(above ?? [])];
  await show(await put({ ...document, config: { ...fieldsOf(document.config), ...config }, layers: shownLayers }));
  // Trivy does not open blobs that are symbolic links, and hard links do not work across disks.
  const linkBlob = (from: string, digest: string) => {
    const to = join(directory, 'blobs', ...digest.split(':', 2));
    return link(from, to).catch(() => copyFile(from, to));
  };
  for (const layer of new Set(layers.map((entry) => String(fieldsOf(entry).digest)))) {
    await linkBlob(resolve(image.directory, 'blobs', ...layer.split(':', 2)), layer);
  }
  for (const layer of [overlay?.below, overlay?.above])
    if (layer !== undefined) await linkBlob(layer.file, layer.digest);
  return { configDigest: config.digest, diffIds: diffIdsOf(shown), skipsSecrets };
}

const OVERLAY_TYPE = 'application/vnd.oci.image.layer.v1.tar';

/** The image config, verified again: it may have changed on disk. */
async function readConfig(image: ScannableImage, { configDigest, manifest }: ScannablePlatform): Promise<Fields> {
  const { size } = fieldsOf(documentOf(manifest.bytes).config);
  const chunks = await image.open({ mediaType: '', digest: configDigest, size: Number(size) }).toArray();
  const bytes = Buffer.concat(chunks);
  const { algorithm, hex } = splitDigest(configDigest);
  if (createHash(algorithm).update(bytes).digest('hex') !== hex) {
    throw new ActionError('LAYOUT_CORRUPT', `The image config ${configDigest} has changed since it was read.`);
  }
  return documentOf(bytes);
}

/** A history in which Trivy finds no `CMD` before a layer; undefined when nothing has to change. */
function withoutCommands(config: Fields): readonly unknown[] | undefined {
  let isChanged = false;
  const steps: readonly unknown[] = Array.isArray(config.history) ? config.history : [];
  const last = steps.findLastIndex((step) => fieldsOf(step).empty_layer !== true);
  const history = steps.map((step, at) => {
    const { created_by: by } = fieldsOf(step);
    if (at > last || typeof by !== 'string' || !/^(?:\/bin\/sh -c #\(nop\) {2})?CMD/.test(by)) return step;
    isChanged = true;
    return { ...fieldsOf(step), created_by: ` ${by}` };
  });
  return isChanged ? history : undefined;
}

function withLayers(config: Fields, diffIds: readonly string[], { below, above }: OverlayLayers): Fields {
  const ids = [...(below === undefined ? [] : [below.digest]), ...diffIds, above.digest];
  // The number of steps alone assigns layers to steps.
  const step = { created_by: 'files of the image as a container sees them' };
  const steps: readonly unknown[] = Array.isArray(config.history) ? config.history : [];
  const history = steps.length === 0 ? steps : [...(below === undefined ? [] : [step]), ...steps, step];
  return {
    ...config,
    rootfs: { ...fieldsOf(config.rootfs), diff_ids: ids },
    ...(steps.length === 0 ? {} : { history }),
  };
}

function diffIdsOf(config: Fields): readonly string[] {
  const ids: unknown = fieldsOf(config.rootfs).diff_ids;
  return Array.isArray(ids) ? ids.map(String) : [];
}

function documentOf(bytes: Uint8Array): Fields {
  return fieldsOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
}
