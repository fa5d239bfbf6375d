import type { ReportedImage } from '../../domain/report/content.ts';
import { contentOf } from '../../domain/report/content.ts';
import { compareResults, type ScanComparison, type ScanResult } from '../../domain/report/scan.ts';
import type { RegistryUsage } from '../../domain/report/usage.ts';
import { registryTraits } from '../../domain/retention/registry-traits.ts';
import { ActionError } from '../../errors/action-error.ts';
import { readBuildTimes } from '../../run/inventory/build-times.ts';
import type { CleanupTarget } from '../../run/inventory/collected.ts';
import { type OpenTarget, withExistence } from '../../run/inventory/open-targets.ts';
import { type InventoryReading, readContents, readInventory } from '../../run/inventory/read-inventory.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { ReportInputs } from './inputs.ts';
import type { RepositoryReport, WatchedImage } from './result.ts';
import type { Scanners } from './scanners.ts';
import type { UsageReader } from './usage.ts';

/** Images that are looked at closely, in each repository: each costs requests, or a scan. */
const MAX_WATCHED = 50;

/** Images whose promotion records are read, to find the newest one of each environment. */
const MAX_PROMOTED = 50;

/**
 * Reads one repository. Errors are part of the result.
 * @param isListed the registry says that it exists, so that it may be empty
 * @throws ActionError CANCELLED
 */
export async function readRepository(
  runtime: Runtime,
  inputs: ReportInputs,
  open: OpenTarget,
  scanners: Scanners,
  readUsage: UsageReader,
  { isListed }: { readonly isListed: boolean },
): Promise<RepositoryReport> {
  const { name, target } = open;
  const listed = countingSizes(target);
  const found = {
    repository: name.name,
    host: name.host,
    path: name.repository,
    vendor: target.vendor.id,
  };
  const reading = await readAll(runtime, inputs, { name, target: listed.target }, isListed);
  const { inventory, errors, requests } = reading;
  const content = contentOf(inventory);
  const own = (await readUsage(target)) ?? {};
  const usage: RegistryUsage =
    own.repository !== undefined || listed.bytes() === 0
      ? own
      : { ...own, repository: { bytes: listed.bytes(), counts: "the sizes in the registry's list, added up" } };
  if (errors.length > 0 && content.images.length === 0) {
    return { ...found, usage, watched: [], errors, promoted: [], requests };
  }
  const watched: WatchedImage[] = [];
  for (const [image, tags] of watchedImages(inputs, name.name, content.images, runtime)) {
    const scans = await scanners.results(open, image);
    watched.push({ tags, image, scans, comparisons: comparisonsOf(scans) });
  }
  const hasRecord = new Set(reading.promoted);
  // Newest first.
  const promoted = content.images.flatMap(({ digest }) => (hasRecord.has(digest) ? digest : [])).slice(0, MAX_PROMOTED);
  return { ...found, content, usage, watched, errors, promoted, requests };
}

async function readAll(
  runtime: Runtime,
  { exactSizes }: ReportInputs,
  open: OpenTarget,
  isListed: boolean,
): Promise<InventoryReading> {
  const { target } = open;
  const { vendor } = target;
  const listed = await readInventory(target, runtime);
  const known = isListed
    ? listed
    : await withExistence(open, listed, 'Check the name in `images`, and remove a repository that is empty.');
  if (known.errors.length > 0) return known;
  const { manifests = 'free' } = vendor.reading ?? {};
  const isRead = manifests === 'free' || exactSizes || vendor.capabilities.size !== 'yes';
  const unread = known.inventory.manifests.filter(
    ({ presence, blobs }) => presence !== 'missing' && blobs === undefined,
  );
  const digests = unread.map(({ digest }) => digest);
  const sized = isRead ? await readContents(target, known, digests).then(withoutAbsent).catch(keeping(known)) : known;
  return registryTraits(vendor.id).pushed === 'unknown' ? readBuildTimes(target, sized).catch(keeping(sized)) : sized;
}

/** An index does not show whether its platforms exist; reading them does. */
function withoutAbsent(reading: InventoryReading): InventoryReading {
  const { absent = new Set(), inventory } = reading;
  const manifests = inventory.manifests.map((manifest) =>
    absent.has(manifest.digest) ? { ...manifest, presence: 'missing' as const } : manifest,
  );
  return { ...reading, inventory: { ...inventory, manifests } };
}

/** What could not be read in addition leaves what is known. */
function keeping(known: InventoryReading) {
  return (error: unknown): InventoryReading => {
    if (!(error instanceof ActionError) || error.code === 'CANCELLED') throw error;
    return { ...known, errors: [...known.errors, error] };
  };
}

/** Adds up the sizes in the vendor's list while it is read. */
function countingSizes(target: CleanupTarget): { readonly target: CleanupTarget; readonly bytes: () => number } {
  const { managed } = target;
  let bytes = 0;
  const list = async function* () {
    for await (const image of managed.list()) {
      bytes += image.size ?? 0;
      yield image;
    }
  };
  return { target: { ...target, managed: { ...managed, list } }, bytes: () => bytes };
}

/** The images with a watched tag, with those of their tags that are watched. */
function watchedImages(
  { watch, environments }: ReportInputs,
  repository: string,
  images: readonly ReportedImage[],
  { log }: Runtime,
): readonly (readonly [ReportedImage, readonly string[]])[] {
  const own = new Set(
    environments.flatMap(({ tag, image }) => (image === undefined || image.name === repository ? tag : [])),
  );
  const found = images
    .map((image) => [image, image.tags.filter((tag) => own.has(tag) || watch.matches(tag))] as const)
    .filter(([, tags]) => tags.length > 0)
    // Images of environments come first, if there are too many.
    .toSorted(([, a], [, b]) => Number(b.some((tag) => own.has(tag))) - Number(a.some((tag) => own.has(tag))));
  if (found.length > MAX_WATCHED)
    log.warning(
      `${repository}: ${found.length} images have a watched tag; the newest ${MAX_WATCHED} are looked at. Narrow \`watch\`.`,
    );
  return found.slice(0, MAX_WATCHED);
}

function comparisonsOf(scans: readonly ScanResult[]): readonly ScanComparison[] {
  return scans.flatMap((first, at) => scans.slice(at + 1).flatMap((second) => compareResults(first, second) ?? []));
}
