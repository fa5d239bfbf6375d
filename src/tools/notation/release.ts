import type { ToolRelease } from '../checksums.ts';

/** https://github.com/notaryproject/notation/releases */
export const NOTATION: ToolRelease = {
  program: 'notation',
  releases: 'https://github.com/notaryproject/notation/releases/download',
  defaultVersion: '1.3.2',
  refused: {},
  version: { arguments: ['version'], pattern: /^Version:\s+v?(\d+\.\d+\.\d+)\b/m },
  accepts: { input: 'notation-sha256', anyVersion: true },
  errors: { refused: 'TOOL_REFUSED', unavailable: 'TOOL_UNAVAILABLE' },
  versions: {
    '1.3.2': {
      'linux/x64': {
        asset: 'notation_1.3.2_linux_amd64.tar.gz',
        sha256: 'e1a0f060308086bf8020b2d31defb7c5348f133ca0dba6a1a7820ef3cbb6dfe5',
      },
      'linux/arm64': {
        asset: 'notation_1.3.2_linux_arm64.tar.gz',
        sha256: '34143c7b816a50104824278080a5cf12bbf855488e003f62e6acf27ed25c423c',
      },
      'darwin/arm64': {
        asset: 'notation_1.3.2_darwin_arm64.tar.gz',
        sha256: '054bf6e9fb2619390dab9c74e5d6c511bde7609f3a060ee512c6aead2440c214',
      },
      'darwin/x64': {
        asset: 'notation_1.3.2_darwin_amd64.tar.gz',
        sha256: '72fade2ccb0765e2ff26b53c9ca663dd33dc4f2020b2b8493e703a9ccf6174a2',
      },
      'win32/x64': {
        asset: 'notation_1.3.2_windows_amd64.zip',
        sha256: '014f25a530eee17520c8e1eb7380e4bd02ff6fc04479a07a890954e3b7ddfdc7',
      },
    },
  },
};
