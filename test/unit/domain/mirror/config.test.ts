import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { mirrorConfigSchema, parseMirrorConfig } from '../../../../src/domain/mirror/read-config.ts';

const HEAD = 'version: 1\nmirrors:\n';
const entry = (more = '', tags = '["*"]', to = 'ghcr.io/acme/app') =>
  `  - from: alpine\n    to: ${to}\n    tags: ${tags}\n${more}`;

test('everything that a configuration may say', () => {
  const text = `
version: 1
defaults: {moved: keep, referrers: [application/spdx+json]}
mirrors:
  - from: docker.io/library/alpine
    to: [ghcr.io/acme/mirror/alpine, 123456789012.dkr.ecr.eu-west-1.amazonaws.com/mirror/alpine]
    tags: ["3.*", "semver:>=3.20 <4", {semver: "*", pre-releases: only}, "!*-rc*", latest, "/3\\\\.\\\\d+/"]
    newest: 10
    platforms: [linux/arm64/v8, amd64]
    digest: changes
    referrers: true
    moved: {moving: update, versions: keep}
    delete: untag-missing
  - {from: quay.io/acme/tool, to: ghcr.io/acme/tool, tags: v1}
limits: {docker.io: {keep-pulls: 40, max-pulls: 90}, max-bytes: 20GiB, parallel: 4}
`;
  const config = parseMirrorConfig(text, 'mirror.yaml');
  expect(config).toMatchObject({
    ok: true,
    value: {
      mirrors: [
        {
          from: { name: 'docker.io/library/alpine' },
          newest: 10,
          platforms: ['linux/arm64', 'linux/amd64'],
          referrers: true,
          moved: { moving: 'update', versions: 'keep' },
          deletion: 'untag-missing',
        },
        { moved: { moving: 'keep', versions: 'fail' }, referrers: ['application/spdx+json'], deletion: 'none' },
      ],
      limits: { maxBytes: 20 * 1024 ** 3, parallel: 4 },
    },
  });
  const limits = config.ok ? Object.fromEntries(config.value.limits.hosts) : {};
  expect(limits).toEqual({ 'docker.io': { keepPulls: 40, maxPulls: 90 } });
  const validate = new Ajv2020({ strict: false }).compile(mirrorConfigSchema());
  expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
});

test.each([
  ['an unknown key', `${HEAD}${entry('    tag: x\n')}`, /:6:5: unknown key "tag".*Did you mean `tags`/],
  ['a number as tag', `${HEAD}${entry('', '[3.20]')}`, /:5:12: .*found the number 3.2: put it in quotes/],
  ['no version', `mirrors:\n${entry()}`, /`version` is missing/],
  ['a tag in `from`', `${HEAD}  - {from: "alpine:3.20", to: ghcr.io/a/b, tags: ["*"]}\n`, /:3:12: .*leave out the tag/],
  ['a copy to itself', `${HEAD}${entry('', '["*"]', 'docker.io/library/alpine')}`, /is copied to itself/],
  ['a target twice', `${HEAD}${entry('', '["*"]', '[ghcr.io/a/b, ghcr.io/a/b]')}`, /names ghcr.io\/a\/b twice/],
  ['only `!`', `${HEAD}${entry('', '["!a"]')}`, /only takes out/],
  ['platforms without consent', `${HEAD}${entry('    platforms: [linux/arm64]\n')}`, /add `digest: changes`/],
  ['consent without platforms', `${HEAD}${entry('    digest: changes\n')}`, /no meaning without a list/],
  ['no platform', `${HEAD}${entry('    platforms: ["arm 64"]\n    digest: changes\n')}`, /this is no platform/],
  [
    'a digest alone',
    `${HEAD}${entry('', `["sha256:${'a'.repeat(64)}"]`)}`,
    /cannot be mirrored: write the tag in front/,
  ],
  ['a digest of a pattern', `${HEAD}${entry('', `["1.*@sha256:${'a'.repeat(64)}"]`)}`, /belongs to one tag/],
  ['a half-anchored expression', `${HEAD}${entry('', '["/^1/"]')}`, /has `\^` at one end only/],
  ['look-around', `${HEAD}${entry('', '["/(?!rc).*/"]')}`, /RE2 has no look-around/],
  ['a wrong range', `${HEAD}${entry('', '["semver:>>1"]')}`, /not a range of versions/],
  ['a range that takes out', `${HEAD}${entry('', '["*", "!semver:<1"]')}`, /cannot take out/],
  ['a size without a unit', `${HEAD}${entry()}limits: {max-bytes: "20"}\n`, /write a number with its unit/],
  [
    'limits of a host that nothing copies from',
    `${HEAD}${entry()}limits: {quay.io: {keep-pulls: 1}}\n`,
    /:6:10: no mirror copies from quay.io/,
  ],
  ['an unknown limit', `${HEAD}${entry()}limits: {docker.io: {keep: 1}}\n`, /unknown key "keep"/],
  ['an alias', `${HEAD}${entry('    newest: *n\n')}`, /aliases/],
  ['an empty file', '', /the file is empty/],
  ['no YAML', 'version: [', /mirror.yaml:1:/],
])('%s is an error with its place', (_, text, message) => {
  const config = parseMirrorConfig(text, 'mirror.yaml');
  expect(config.ok ? [] : config.problems.join('\n')).toMatch(message);
});

const two = (first: string, second: string) =>
  `${HEAD}  - {from: alpine, to: ghcr.io/a/b, tags: ${first}}\n  - {from: busybox, to: ghcr.io/a/b, tags: ${second}}\n`;

test.each([
  ['["*"]', '["*"]'],
  ['[latest]', '["*"]'],
  ['["1.*"]', '["1.2"]'],
  ['["/1.*/"]', '["/1.*/"]'],
])('two mirrors that write the same tag, %s and %s, are an error', (first, second) => {
  const config = parseMirrorConfig(two(first, second), 'mirror.yaml');
  expect(config.ok ? '' : config.problems.join()).toMatch(
    /^mirror.yaml:4:5: .*is written to ghcr.io\/a\/b by this mirror and by the one from alpine/,
  );
});

test('two mirrors may share a target when their tags differ', () => {
  expect(parseMirrorConfig(two('[a]', '[b, "!a"]'), 'mirror.yaml').ok).toBe(true);
  expect(parseMirrorConfig(two('["a-*"]', '["b-*"]'), 'mirror.yaml').ok).toBe(true);
});
