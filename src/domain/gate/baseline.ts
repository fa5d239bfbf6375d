import type { Digest } from '../digest.ts';
import { normalPlatform } from '../platform.ts';
import { END_OF_LIFE, type Finding, type FindingClass } from './finding.ts';

/** An image to compare with, and the findings of the same scanner with the same database. */
export interface Baseline {
  /** As users write it: `ghcr.io/org/app:main`. */
  readonly image: string;
  readonly digest: Digest;
  /** The scanned platforms, including those without findings. */
  readonly platforms: readonly string[];
  readonly findings: readonly Finding[];
}

export interface Comparison {
  readonly image: string;
  readonly digest: Digest;
  /** The baseline is the image itself, so nothing can be new. */
  readonly isSameImage: boolean;
  /** Platforms of the image that the baseline also has. */
  readonly platforms: readonly string[];
  /** Platforms missing from the baseline: all their findings are new. */
  readonly missing: readonly string[];
  /** Findings of the baseline that the image no longer has, on platforms of both. */
  readonly fixed: readonly Finding[];
}

/**
 * The identity of a finding, besides the platform; undefined: a finding that always counts as new.
 * - Versions are ignored: an update that keeps the vulnerability did not introduce it.
 * - The file of a package is ignored too, because applications move; {@link compare} counts the copies instead.
 * - A secret is identified by rule, file and surroundings. The scanner does not report the secret itself.
 * - A system past its end of life is identified by its family: 3.17 → 3.18 makes nothing worse.
 * - Unscanned content may hide anything, and always counts as new.
 */
const IDENTITIES: Readonly<Record<FindingClass, (finding: Finding) => readonly (string | undefined)[] | undefined>> = {
  vulnerability: ({ id, package: pkg }) => [id, pkg?.type, pkg?.name],
  secret: ({ id, path, target, context }) => [id, path ?? target, context],
  misconfiguration: ({ id, path, target }) => [id, path ?? target],
  license: ({ id, package: pkg, path }) => [id, pkg?.type, pkg?.name ?? path],
  'operating-system': ({ id, target }) => (id === END_OF_LIFE ? [id, target.split(' ', 1)[0]] : undefined),
  unscanned: () => undefined,
};

/**
 * Findings that the baseline has on the same platform. Each finding of the baseline matches one finding of the image,
 * preferably at the same path: a second copy of a vulnerable package is new.
 * @param findings of the image; `known` contains some of these very objects
 */
export function compare(
  baseline: Baseline,
  image: { readonly digest: Digest; readonly platforms: readonly string[]; readonly findings: readonly Finding[] },
): { readonly known: ReadonlySet<Finding>; readonly comparison: Comparison } {
  const compared = new Set(baseline.platforms.map(normalPlatform));
  const has = (platform: string) => compared.has(normalPlatform(platform));
  const before = Map.groupBy(baseline.findings, keyOf);
  const now = Map.groupBy(image.findings, keyOf);
  const known = new Set<Finding>();
  for (const [key, found] of now) {
    const left = key === undefined ? [] : [...(before.get(key) ?? [])];
    const moved = found.filter((finding) => {
      const at = left.findIndex(({ path }) => path === finding.path);
      if (at === -1) return true;
      left.splice(at, 1);
      known.add(finding);
      return false;
    });
    for (const finding of moved.slice(0, left.length)) known.add(finding);
  }
  const own = new Set(image.platforms.map(normalPlatform));
  const fixed = [...before].flatMap(([key, found]) =>
    key === undefined || now.has(key) ? [] : found.filter(({ platform }) => own.has(normalPlatform(platform))),
  );
  return {
    known,
    comparison: {
      image: baseline.image,
      digest: baseline.digest,
      isSameImage: baseline.digest === image.digest,
      platforms: image.platforms.filter(has),
      missing: image.platforms.filter((platform) => !has(platform)),
      fixed,
    },
  };
}

function keyOf(finding: Finding): string | undefined {
  const identity = IDENTITIES[finding.class](finding);
  return identity === undefined
    ? undefined
    : JSON.stringify([finding.class, normalPlatform(finding.platform), ...identity]);
}
