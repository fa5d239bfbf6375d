import pep440 from '@renovate/pep440';

/** A parsed PEP 440 version. https://packaging.python.org/en/latest/specifications/version-specifiers */
export interface Pep440Version {
  /** Normalised. */
  readonly text: string;
  /** Major, minor and further numbers. */
  readonly release: readonly number[];
  readonly stage: 'final' | 'pre' | 'post';
  /** Of a pre-release: `a`, `b`, `rc`, `dev`. */
  readonly channel?: string;
}

/** Reads a version; undefined when it is not one. */
export function readPep440(text: string): Pep440Version | undefined {
  if (pep440.valid(text) === null) return undefined;
  // The library joins the parts of an invalid local version with commas.
  const [given = '', local] = text.split('+', 2);
  const release = pep440.clean(given);
  const found = release === null ? null : pep440.explain(release);
  if (release === null || found === null) return undefined;
  // https://packaging.python.org/en/latest/specifications/version-specifiers/#local-version-segments
  const clean = local === undefined ? release : `${release}+${local.toLowerCase().replace(/[-_]/g, '.')}`;
  return {
    text: clean,
    release: found.release,
    stage: found.is_prerelease ? 'pre' : found.is_postrelease ? 'post' : 'final',
    ...(found.is_prerelease ? { channel: /(?:a|b|rc|dev)(?=\d)/.exec(clean)?.[0] ?? '' } : {}),
  };
}

/** Negative when `a` is lower. Both must be versions. */
export function comparePep440(a: string, b: string): number {
  return pep440.compare(a, b);
}
