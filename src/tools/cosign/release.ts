import type { ToolRelease } from '../checksums.ts';

/** https://github.com/sigstore/cosign/releases; the assets are plain executables. */
export const COSIGN: ToolRelease = {
  program: 'cosign',
  releases: 'https://github.com/sigstore/cosign/releases/download',
  defaultVersion: '3.1.3',
  refused: {},
  version: { arguments: ['version'], pattern: /^GitVersion:\s+v?(\d+\.\d+\.\d+)\b/m },
  accepts: { input: 'cosign-sha256', anyVersion: true },
  errors: { refused: 'TOOL_REFUSED', unavailable: 'TOOL_UNAVAILABLE' },
  versions: {
    '3.1.3': {
      'linux/x64': program('cosign-linux-amd64', '4629c757b7618056f8ddd7e2625ae9fdd94c0372a65049520bc7d9df9efc7f71'),
      'linux/arm64': program('cosign-linux-arm64', 'c5d324e091826b0d7a78eb16fef316450b4eb9aaec045611c08ba06f5e73220a'),
      'darwin/arm64': program(
        'cosign-darwin-arm64',
        '5cf948c2f4dfe59687bdd0b8523709067383e03982cc543475c8a7dc70e92a76',
      ),
      'darwin/x64': program('cosign-darwin-amd64', '2347488e5d5b25336644024dfeca5601b190e91197a71a917bda44744aff106c'),
    },
  },
};

function program(asset: string, sha256: string) {
  return { asset, sha256, program: sha256 };
}
