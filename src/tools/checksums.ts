import type { ErrorCode } from '../errors/catalogue.ts';

/** A program that this action may install: its release URL, and the SHA-256 of every accepted archive. */
export interface ToolRelease {
  /** Name of the program, without `.exe`. */
  readonly program: string;
  /** `<releases>/v<version>/<asset>` is the URL of an archive. */
  readonly releases: string;
  /** The default version. */
  readonly defaultVersion: string;
  /** Versions that must never run, with the reason. */
  readonly refused: Readonly<Record<string, string>>;
  /** version → `<os>/<arch>` in Node's terms → archive. */
  readonly versions: Readonly<Record<string, Readonly<Record<string, ToolArchive>>>>;
  /** Arguments that print its version, and the version's position in the output. */
  readonly version: { readonly arguments: readonly string[]; readonly pattern: RegExp };
  /** The input with the SHA-256 of another accepted build, and whether it applies to unlisted versions. */
  readonly accepts: { readonly input: string; readonly anyVersion: boolean };
  readonly errors: { readonly refused: ErrorCode; readonly unavailable: ErrorCode };
}

export interface ToolArchive {
  /** A tar or zip archive, or the program itself. */
  readonly asset: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** SHA-256 of the extracted program, if known. */
  readonly program?: string;
}

const COMPROMISED =
  'it was published by an attacker on 19 March 2026 and steals credentials (CVE-2026-33634, https://github.com/advisories/GHSA-69fq-xp46-6x23)';

/** https://github.com/aquasecurity/trivy/releases; no build exists for Windows on ARM. */
export const TRIVY: ToolRelease = {
  program: 'trivy',
  releases: 'https://github.com/aquasecurity/trivy/releases/download',
  defaultVersion: '0.76.0',
  refused: { '0.69.4': COMPROMISED, '0.69.5': COMPROMISED, '0.69.6': COMPROMISED },
  version: { arguments: ['--version'], pattern: /\b(\d+\.\d+\.\d+(?:-[\w.]+)?)/ },
  accepts: { input: 'trivy-sha256', anyVersion: false },
  errors: { refused: 'SCANNER_REFUSED', unavailable: 'SCANNER_UNAVAILABLE' },
  versions: {
    '0.76.0': {
      'linux/x64': {
        asset: 'trivy_0.76.0_Linux-64bit.tar.gz',
        sha256: 'e24b1c51293c1b15e4ba8d45bbc7891ba053f90278ec2698f3562c993e145fe7',
        program: '1f889576636db0623539cb339df7d06c40ebf39e7919489eafa1160e29808f19',
      },
      'linux/arm64': {
        asset: 'trivy_0.76.0_Linux-ARM64.tar.gz',
        sha256: 'aab21e677a7b7071fc79f1711480840754c18a1b9d9cefa7ccd06af63a0e8f4c',
      },
      'linux/arm': {
        asset: 'trivy_0.76.0_Linux-ARM.tar.gz',
        sha256: 'd25542149a0a50d2bc12fb7fa4c0ca58c42a0a9ae0cef4318f287aa3d1feb7fe',
      },
      'darwin/arm64': {
        asset: 'trivy_0.76.0_macOS-ARM64.tar.gz',
        sha256: 'e7ec0d21fe842553f59af99aba2efbcc822369fbaed27019c575408b6d135fce',
      },
      'darwin/x64': {
        asset: 'trivy_0.76.0_macOS-64bit.tar.gz',
        sha256: '89563d4d495cf4ef06a0d1950f8710b124e9f7bd2615ec6c47b03673f4ad45a2',
      },
      'win32/x64': {
        asset: 'trivy_0.76.0_windows-64bit.zip',
        sha256: '7b4762a5a5326cb4b83dfd2bb5d9aaf15a1ed867c75cad7dd8b38840a28e7be6',
      },
    },
    '0.74.0': {
      'linux/x64': {
        asset: 'trivy_0.74.0_Linux-64bit.tar.gz',
        sha256: '2ae6fe3ee734b7fdf11335663e18c75ea12dccc76062f09f164a3b0f8be4371a',
      },
      'linux/arm64': {
        asset: 'trivy_0.74.0_Linux-ARM64.tar.gz',
        sha256: 'b94ce1976bbf3c15b514b605ee88be7c6d94a29be2302847ff01cb794d47aad5',
      },
      'linux/arm': {
        asset: 'trivy_0.74.0_Linux-ARM.tar.gz',
        sha256: '99adbe319fa685cb4bff04dd0077e31cb94828338cab5db7f78fe6dcecca8ec1',
      },
      'darwin/arm64': {
        asset: 'trivy_0.74.0_macOS-ARM64.tar.gz',
        sha256: '1caada5e0e2091909357c7525d3aa76f4b660b13821bc143b190c7483e31cc11',
      },
      'darwin/x64': {
        asset: 'trivy_0.74.0_macOS-64bit.tar.gz',
        sha256: '472816f6888dda689d075c30254d4210b4d1035acf365aa72332f584c2f60485',
      },
      'win32/x64': {
        asset: 'trivy_0.74.0_windows-64bit.zip',
        sha256: '94c40e0696e4b907a74b7b2e1438d5d72ebaca83115817407f568a002d520842',
      },
    },
  },
};
