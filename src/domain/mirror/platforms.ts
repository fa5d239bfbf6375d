import { isDigest } from '../digest.ts';
import { type Fields, fieldsOf, isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { normalPlatform, platformName } from '../platform.ts';

/**
 * An index with only some of its platforms, and the attestations of those; everything else of the document stays as it is.
 * @param index parsed JSON
 * @param platforms normalised; `linux/arm` alone stands for none of its variants but the default one
 * @returns the document; the same object when nothing was left out
 */
export function withPlatforms(index: Fields, platforms: readonly string[]): Parsed<Fields> {
  const entries = Array.isArray(index.manifests) ? index.manifests.map(fieldsOf) : [];
  const kept = entries.filter((entry) => platforms.includes(platformOf(entry) ?? ''));
  const missing = platforms.filter((platform) => !kept.some((entry) => platformOf(entry) === platform));
  if (missing.length > 0) {
    const present = [...new Set(entries.flatMap((entry) => platformOf(entry) ?? []))];
    return problems(`it has no ${missing.join(', ')}, only ${present.join(', ') || 'entries without a platform'}`);
  }
  const digests = new Set(kept.map(({ digest }) => digest));
  const manifests = entries.filter((entry) => digests.has(entry.digest) || digests.has(subjectOf(entry)));
  return parsed(manifests.length === entries.length ? index : { ...index, manifests });
}

/** The platform of an entry; undefined for attestations and for entries without one. */
function platformOf({ platform }: Fields): string | undefined {
  const { os, architecture, variant } = fieldsOf(platform);
  if (typeof os !== 'string' || typeof architecture !== 'string' || os === 'unknown') return undefined;
  return normalPlatform(platformName({ os, architecture, ...(typeof variant === 'string' ? { variant } : {}) }));
}

/** The image that a BuildKit attestation in an index is about. */
function subjectOf({ annotations }: Fields): unknown {
  const reference = isFields(annotations) ? annotations['vnd.docker.reference.digest'] : undefined;
  return isDigest(reference) ? reference : undefined;
}
