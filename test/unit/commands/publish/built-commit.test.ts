import { expect, test } from 'vitest';
import { requireCommit } from '../../../../src/commands/publish/build.ts';
import type { PlatformImage } from '../../../../src/oci/image/image.ts';

const [named, other] = ['a'.repeat(40), 'b'.repeat(40)] as const;
const manifest = {
  descriptor: { mediaType: '', digest: `sha256:${'0'.repeat(64)}`, size: 0 },
  bytes: new Uint8Array(),
} as const;

function image(commit?: string) {
  const digest = manifest.descriptor.digest;
  const statement = {
    manifest: digest,
    blob: manifest.descriptor,
    kind: 'provenance',
    predicateType: '',
    subjects: [],
    ...(commit === undefined ? {} : { commit }),
  } as const;
  const platform: PlatformImage = {
    name: 'linux/amd64',
    platform: { os: 'linux', architecture: 'amd64' },
    manifest,
    configDigest: digest,
    diffIds: [],
    layers: [],
    history: [],
    labels: {},
    compressedSize: 0,
    statements: [statement],
  };
  return { platforms: [platform] };
}

test('a branch of a git URL that moved while it was built is refused, with the commit that BuildKit records', () => {
  const context = { sha: named, source: 'context', isShallow: true } as const;
  expect(() => requireCommit(image(other), context)).toThrow(`BuildKit built ${other}`);
  expect(() => requireCommit(image(named), context)).not.toThrow();
  expect(() => requireCommit(image(), context)).not.toThrow();
  expect(() => requireCommit(image(other), { ...context, source: 'checkout' })).not.toThrow();
});
