/** What a scan may have missed, by kind. Each can hide a package, so each fails the gate unless accepted. */
export const BLIND_SPOTS = {
  'hard-link': 'a file behind a link that cannot be shown to the scanner: too large, sparse, or the target is missing',
  'analysis-error': 'a file that the scanner cannot parse',
  'package-database': 'packages that a package database lists and the scan report does not',
  'second-package-manager':
    'packages of another package manager than that of the operating system, such as conda, Nix or Homebrew',
  'unknown-release':
    'an operating system release that the vulnerability database has no advisories for (the glob matches its name: `wolfi *`)',
  'lock-file': 'a lock file of an application whose packages are not installed beside it, so they may be bundled',
  'packed-packages':
    'packages that are stored as archives: the Yarn cache (Plug’n’Play), `.asar`, `.pex`, `.pyz`, `.phar`, plugins of Jenkins (`.hpi`, `.jpi`)',
} as const;

export type BlindSpotKind = keyof typeof BLIND_SPOTS;

/** Accepted blind spots. */
export interface AcceptedSpot {
  readonly kind: BlindSpotKind;
  /** Files in the image, without a leading slash. */
  readonly glob: string;
}

export function isBlindSpotKind(text: string): text is BlindSpotKind {
  return Object.hasOwn(BLIND_SPOTS, text);
}
