import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { type Digest, splitDigest } from '../domain/digest.ts';
import { type Fields, fieldsOf } from '../domain/fields.ts';
import type { ScannedPlatform } from '../domain/gate/platform-report.ts';
import type { Scanner } from '../domain/gate/severity.ts';
import type { Descriptor, ManifestBytes } from '../domain/manifest.ts';
import { ActionError } from '../errors/action-error.ts';

/** An image on this machine, as far as a scan needs it; a `LocalImage` is one. */
export interface ScannableImage {
  /** OCI layout. */
  readonly directory: string;
  readonly platforms: readonly ScannablePlatform[];
  readonly open: (blob: Descriptor) => Readable;
}

export interface ScannablePlatform extends ScannedPlatform {
  readonly manifest: ManifestBytes;
}

/** What a view shows. */
export interface View {
  /** Digest of the image config in it. */
  readonly configDigest: Digest;
  /** The scanner will look for no secrets in the layers before the last but one `CMD`. */
  readonly skipsSecrets: boolean;
}

/**
 * Writes a layout of one platform, whose layers are those of the image. The image itself is not touched.
 *
 * Trivy takes what comes before a `CMD` in the history for a base image, and looks for no secrets there: a second `CMD`
 * would hide any. So the history is shown to it without the word where it looks for. Not so together with checks of the
 * history itself, which shall not be about the base image.
 * https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/image/image.go
 * @param directory is created
 */
export async function makeView(
  directory: string,
  image: ScannableImage,
  platform: ScannablePlatform,
  scanners: readonly Scanner[],
): Promise<View> {
  const { configDigest, manifest } = platform;
  const shown = scanners.includes('secret') ? await withoutCommands(image, platform) : undefined;
  const skipsSecrets = shown !== undefined && scanners.includes('misconfig');
  await mkdir(directory);
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const { mediaType, platform: of } = manifest.descriptor;
  const show = async ({ digest, size }: Pick<Descriptor, 'digest' | 'size'>) => {
    const entry = { mediaType, digest, size, ...(of === undefined ? {} : { platform: of }) };
    const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [entry] };
    await writeFile(join(directory, 'index.json'), JSON.stringify(index));
  };
  const blobs = join(directory, 'blobs');
  if (shown === undefined || skipsSecrets) {
    await show(manifest.descriptor);
    // A junction needs no privilege on Windows; elsewhere the type is ignored.
    await symlink(resolve(image.directory, 'blobs'), blobs, 'junction');
    return { configDigest, skipsSecrets };
  }
  const document = documentOf(manifest.bytes);
  for (const algorithm of ['sha256', 'sha512']) await mkdir(join(blobs, algorithm), { recursive: true });
  const put = async (content: Fields) => {
    const bytes = Buffer.from(JSON.stringify(content));
    const hex = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(blobs, 'sha256', hex), bytes);
    return { digest: `sha256:${hex}` as const, size: bytes.length };
  };
  const config = await put(shown);
  await show(await put({ ...document, config: { ...fieldsOf(document.config), ...config } }));
  const layers = new Set((Array.isArray(document.layers) ? document.layers : []).map((each) => fieldsOf(each).digest));
  for (const layer of layers) {
    const place = ['blobs', ...String(layer).split(':', 2)];
    const [from, to] = [resolve(image.directory, ...place), join(directory, ...place)];
    // Trivy opens no blob that is a symbolic link, and another disk takes no hard one.
    await link(from, to).catch(() => copyFile(from, to));
  }
  return { configDigest: config.digest, skipsSecrets };
}

/** The image config with a history in which Trivy finds no `CMD` before a layer; undefined when there is none anyway. */
async function withoutCommands(image: ScannableImage, platform: ScannablePlatform): Promise<Fields | undefined> {
  const { configDigest, manifest } = platform;
  const { size } = fieldsOf(documentOf(manifest.bytes).config);
  const chunks = await image.open({ mediaType: '', digest: configDigest, size: Number(size) }).toArray();
  const bytes = Buffer.concat(chunks);
  const { algorithm, hex } = splitDigest(configDigest);
  if (createHash(algorithm).update(bytes).digest('hex') !== hex) {
    throw new ActionError('LAYOUT_CORRUPT', `The image config ${configDigest} has changed since it was read.`);
  }
  const config = documentOf(bytes);
  let isChanged = false;
  const steps: readonly unknown[] = Array.isArray(config.history) ? config.history : [];
  const last = steps.findLastIndex((each) => fieldsOf(each).empty_layer !== true);
  const history = steps.map((each, at) => {
    const { created_by: by } = fieldsOf(each);
    if (at > last || typeof by !== 'string' || !/^(?:\/bin\/sh -c #\(nop\) {2})?CMD/.test(by)) return each;
    isChanged = true;
    return { ...fieldsOf(each), created_by: ` ${by}` };
  });
  return isChanged ? { ...config, history } : undefined;
}

function documentOf(bytes: Uint8Array): Fields {
  return fieldsOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
}
