import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Change, type LayerSpec, writeLayers } from '../support/layers.ts';
import { tarOf, tarOfEntries } from '../support/tar.ts';
import { createSetting } from './setting.ts';

interface Broken {
  readonly layers?: readonly LayerSpec[];
  readonly config?: Change;
  readonly manifest?: Change;
  readonly root?: Change;
}

const LAYER = await tarOf({ 'app/server': 'x' });
const HUGE = await hugeEntry();

/** A tar whose only entry claims 10^12 bytes. */
async function hugeEntry(): Promise<Uint8Array> {
  const tar = await tarOfEntries([{ header: { name: 'app/huge' }, content: 'x' }]);
  tar.fill(0, 124, 136);
  tar[124] = 0x80;
  tar.writeUIntBE(10 ** 12, 130, 6);
  tar.fill(0x20, 148, 156);
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return tar;
}

const CASES: readonly (readonly [string, Broken, RegExp])[] = [
  ['`layers: null`', { manifest: (each) => ({ ...each, layers: null }) }, /layers/],
  [
    '`layers: []`',
    {
      manifest: (each) => ({ ...each, layers: [] }),
      config: (each) => ({ ...each, rootfs: { type: 'layers', diff_ids: [] } }),
    },
    /without layers/,
  ],
  [
    'a config without layers',
    { config: ({ architecture, os }) => ({ architecture, os }) },
    /the number of layers \(1\) and of diff_ids in the config/,
  ],
  [
    'a config with another type of rootfs',
    { config: (each) => ({ ...each, config: [] }) },
    /config that is not an object/,
  ],
  [
    'a config with diff ids that are no digests',
    { config: (each) => ({ ...each, rootfs: { diff_ids: ['x'] } }) },
    /no digest/,
  ],
  [
    'one manifest twice',
    { root: (each) => ({ ...each, manifests: [first(each), first(each)] }) },
    /lists the manifest sha256:\w+ more than once/,
  ],
  ['the architecture `x86_64`', { config: (each) => ({ ...each, architecture: 'x86_64' }) }, /x86_64.*amd64/],
  ['an entry that claims 10^12 bytes', { layers: [HUGE] }, /cannot be read/],
];

function first({ manifests }: Readonly<Record<string, unknown>>): unknown {
  return Array.isArray(manifests) ? manifests[0] : undefined;
}

describe('P7: a broken image is rejected with its cause', () => {
  test.each(CASES)('%s', async (_, { layers = [LAYER], ...changes }, said) => {
    await using setting = await createSetting();
    await writeLayers(join(setting.repository.directory, 'image'), layers, changes);
    const result = await setting.publish({ push: 'false' });
    expect(result).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
    expect(result.log).toMatch(said);
  });
});
