import { sortedByKey } from '../compare-text.ts';
import type { Digest } from '../digest.ts';
import { type Descriptor, MEDIA_TYPES } from '../manifest.ts';
import { normalPlatform, platformName } from '../platform.ts';
import type { MergePlan } from './plan.ts';

const ANNOTATION = /^(?<level>[a-z-]+)(?:\[(?<platform>[^\]]*)\])?:(?<key>[^=]+)=(?<value>.*)$/s;

/**
 * The document of a merged index. Pure; equal plans and annotations give equal bytes.
 * @param annotations `index:key=value` and `manifest-descriptor[linux/arm64]:key=value`; the last of equal keys wins.
 *   Those of other levels are left out: annotations inside a manifest would change its digest.
 */
export function indexDocument({ mediaType, entries }: MergePlan, annotations: readonly string[]): string {
  // A Docker manifest list has no annotations.
  if (mediaType === MEDIA_TYPES.dockerIndex) {
    return JSON.stringify({ schemaVersion: 2, mediaType, manifests: entries });
  }
  const index: Record<string, string> = {};
  const added = new Map<Digest, Record<string, string>>();
  for (const line of annotations) {
    const { level, platform, key = '', value = '' } = ANNOTATION.exec(line)?.groups ?? {};
    if (level === 'index') index[key] = value;
    if (level !== 'manifest-descriptor') continue;
    for (const { digest } of entries.filter((entry) => isFor(entry, platform))) {
      added.set(digest, { ...added.get(digest), [key]: value });
    }
  }
  const manifests = entries.map((entry) => {
    const more = added.get(entry.digest);
    return more === undefined ? entry : { ...entry, annotations: sorted({ ...entry.annotations, ...more }) };
  });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType,
    manifests,
    ...(Object.keys(index).length === 0 ? {} : { annotations: sorted(index) }),
  });
}

/** Whether an annotation of descriptors is for this entry: an image, of the platform if one is named. */
function isFor({ platform }: Descriptor, wanted: string | undefined): boolean {
  if (platform === undefined || platform.os === 'unknown') return false;
  return wanted === undefined || normalPlatform(platformName(platform)) === normalPlatform(wanted);
}

function sorted(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(sortedByKey(Object.entries(values)));
}
