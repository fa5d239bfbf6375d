import type { Digest } from '../digest.ts';
import { normalPlatform } from '../platform.ts';
import { END_OF_LIFE, type Finding, type FindingClass } from './finding.ts';

/** An image that an image is compared with, and what the same scanner found in it with the same database. */
export interface Baseline {
  /** As users write it: `ghcr.io/org/app:main`. */
  readonly image: string;
  readonly digest: Digest;
  /** The platforms that were scanned; one without findings is listed too. */
  readonly platforms: readonly string[];
  readonly findings: readonly Finding[];
}

export interface Comparison {
  readonly image: string;
  readonly digest: Digest;
  /** The baseline is the image itself, so that nothing can be new. */
  readonly isSameImage: boolean;
  /** Platforms of the image that the baseline has as well. */
  readonly platforms: readonly string[];
  /** Platforms that the baseline does not have: every finding of these is new. */
  readonly missing: readonly string[];
  /** Findings of the baseline that the image no longer has, on the platforms of both. */
  readonly fixed: readonly Finding[];
}

/**
 * What makes two findings one and the same, besides the platform; undefined: a finding that is never taken for known.
 * - Versions are left out: an update that leaves the vulnerability in place has not brought it in.
 * - The file of a package is left out as well, because applications move; {@link compare} counts the copies instead.
 * - A secret is its rule, its file and what is around it. The scanner does not report the secret itself.
 * - A system past its end of life is known by its family: 3.17 → 3.18 makes nothing worse.
 * - What the scanner could not look at may hide anything, and is never known.
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
 * Which findings of an image its baseline has on the same platform. Each finding of the baseline stands for one finding of the
 * image, the one at the same path first: a second copy of a vulnerable package is new.
 * @param findings of the image; `known` holds some of these very objects
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
