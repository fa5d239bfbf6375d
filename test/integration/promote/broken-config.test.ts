import { expect, test } from 'vitest';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { createScene, expectError, expectPromoted } from './scene.ts';

/** What a tool may write as the config of an image. */
const CONFIGS: readonly (readonly [string, string, RegExp])[] = [
  ['no JSON', 'not json', /is not JSON/],
  ['a list', '[]', /is not a JSON object/],
  ['null', 'null', /is not a JSON object/],
  ['one without a platform', '{}', /names no platform/],
  ['one whose architecture is a number', '{"architecture":5,"os":"linux"}', /architecture/],
  ['one of 9 MB', JSON.stringify({ a: 'x'.repeat(9_000_000) }), /9000008 bytes, more than the 4194304/],
];

test.each(CONFIGS)('an image whose config is %s is rejected as that, and not as damaged', async (_, text, said) => {
  await using scene = await createScene();
  const { image, blob } = scene.source;
  image(['one'], { config: { ...blob(text), mediaType: MEDIA_TYPES.ociConfig } }, 'v1');
  const run = await scene.promote('v1', { require: 'scan=now' });
  expect(expectError(run, 'image-rejected', 'IMAGE_INVALID')).toMatch(said);
  expect(run.summary).not.toMatch(/disk/);
  expect(scene.held()).toBeUndefined();
  // Where nothing has to be read it is copied as it is.
  expectPromoted(await scene.promote('v1'));
});
