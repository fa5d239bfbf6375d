import { expect, test } from 'vitest';
import { parseMirrorConfig } from '../../../../src/domain/mirror/read-config.ts';
import { kindOf, selectTags } from '../../../../src/domain/mirror/select-tags.ts';

function mirrorOf(tags: readonly string[], more = '') {
  const text = `version: 1\nmirrors:\n  - from: docker.io/library/app\n    to: ghcr.io/acme/app\n    tags: ${JSON.stringify(tags)}\n${more}`;
  const config = parseMirrorConfig(text, 'mirror.yaml');
  if (!config.ok) throw new Error(config.problems.join('\n'));
  const [mirror] = config.value.mirrors;
  if (mirror === undefined) throw new Error('no mirror');
  return mirror;
}

const selected = (tags: readonly string[], listed: readonly string[], newest?: number) =>
  selectTags(mirrorOf(tags, newest === undefined ? '' : `    newest: ${newest}\n`), listed).tags.map(({ tag }) => tag);

const ALL = ['latest', 'edge', '1.2.0', '1.9.0', '1.10.0', '2.0.0-rc.1', 'v2.1.0', '11.26', '1.26', '1.25.3-alpine'];

test.each([
  ['a name', ['latest'], ['latest']],
  ['a glob', ['1.*.0'], ['1.2.0', '1.9.0', '1.10.0']],
  ['a list is a union', ['latest', '1.2*'], ['latest', '1.2.0', '1.26', '1.25.3-alpine']],
  [
    '`!` takes out, wherever it stands',
    ['!*-rc*', '*', '!*-alpine'],
    ['latest', 'edge', '1.2.0', '1.9.0', '1.10.0', 'v2.1.0', '11.26', '1.26'],
  ],
  ['`!` takes out a name as well', ['latest', 'edge', '!edge'], ['latest']],
  ['a regular expression is of the whole tag', ['/1.26/'], ['1.26']],
  ['a range of versions, with or without v', ['semver:>=1.9 <3'], ['1.9.0', '1.10.0', 'v2.1.0']],
  ['pre-releases only when the range names one', ['semver:>=2.0.0-rc.0 <2.1'], ['2.0.0-rc.1']],
])('%s', (_, tags, expected) => {
  expect(selected(tags, ALL)).toEqual(expected);
});

test.each([
  [['1.9.0', '1.10.0', '1.2.0', '0.1.0'], 3, ['1.10.0', '1.9.0', '1.2.0']],
  [['3.9', '3.20', '3.3'], 2, ['3.20', '3.9']],
  [['1.0.0', '1.0.0-rc.1', '0.9.0'], 2, ['1.0.0', '1.0.0-rc.1']],
  [['20240501', '20231231', '20240601'], 2, ['20240601', '20240501']],
  [['v1.2.3', 'v1.2.10'], 1, ['v1.2.10']],
  [['4f3a2b1', 'edge', '1.0.0'], 5, ['1.0.0']],
])('the newest of %j: %i', (tags, newest, expected) => {
  expect(selected(['*'], tags, newest)).toEqual(expected);
});

test('a tag that is named in full stays beside the newest', () => {
  expect(selected(['*', 'latest'], ['latest', '1.0.0', '2.0.0'], 1)).toEqual(['latest', '2.0.0']);
});

test('signatures, lists of referrers and states of mirrors are never selected', () => {
  const hex = 'a'.repeat(64);
  const own = [`sha256-${hex}`, `sha256-${hex}.sig`, `sha256-${hex}.att`, 'mirror-state-0123456789abcdef', 'v1'];
  expect(selected(['*'], own)).toEqual(['v1']);
});

test('patterns without a match are told; a name is asked for even when the list lacks it', () => {
  const selection = selectTags(mirrorOf(['9.*', 'v1']), ['v2']);
  expect(selection).toMatchObject({ tags: [{ tag: 'v1' }], unmatched: ['9.*'] });
});

test.each([
  ['1.2.3', 'version'],
  ['v1.2.3-alpine', 'version'],
  ['1.2.3.4', 'version'],
  ['sha-0123456', 'version'],
  ['a'.repeat(40), 'version'],
  ['1.2', 'moving'],
  ['3', 'moving'],
  ['latest', 'moving'],
  ['bookworm-slim', 'moving'],
])('%s is a %s tag', (tag, kind) => {
  expect(kindOf(tag)).toBe(kind);
});
