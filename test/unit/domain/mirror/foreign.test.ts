import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { convertForeign } from '../../../../src/domain/mirror/foreign/convert.ts';
import { parseMirrorConfig } from '../../../../src/domain/mirror/read-config.ts';

/** Files as they are published: of the tools' own documentation, and of users. */
const FILES = {
  regsync: `
version: 1
creds:
  - registry: docker.io
    user: "{{env \\"HUB_USER\\"}}"
    pass: "{{file \\"/var/run/secrets/hub_token\\"}}"
defaults:
  ratelimit: {min: 60, retry: 1h}
  parallel: 2
  interval: 6h
sync:
  - source: busybox:latest
    target: registry.example.org/library/busybox:latest
    type: image
  - platform: linux/amd64
    source: docker.io/library/traefik
    target: registry.example.org/library/traefik
    type: repository
    tags:
      allow: ['2.\\d+', '3.\\d+', latest]
      deny: ['.*-rc\\d+$']
  - source: ghcr.io/acme/tool
    target: registry.example.org/acme/tool
    type: repository
    tags: {semverRange: [">=1.2.0 <2"]}
  - source: docker.io/library/alpine:3.19
    target: registry.example.org/library/alpine:stable
    type: image
  - {source: "{{.Ref}}", target: x, type: repository}
`,
  'skopeo sync': `
registry.example.com:
    images:
        busybox: []
        redis:
            - "1.0"
            - "2.0"
            - "sha256:0000000000000000000000000000000011111111111111111111111111111111"
    images-by-tag-regex:
        nginx: ^1\\.13\\.[12]-alpine-perl$
        pause: ^v?\\d+(\\.\\d+){0,2}(-.+)?$|^latest$
        tool: "stable"
    images-by-semver:
        alpine: ">= 3.12.0"
    credentials:
        username: john
        password: this is a secret
    tls-verify: true
quay.io:
    tls-verify: false
    images:
        coreos/etcd:
            - latest
`,
  'image-syncer': `
quay.io/coreos/kube-rbac-proxy: quay.io/ruohe/kube-rbac-proxy
quay.io/coreos/kube-rbac-proxy:v1.0: quay.io/ruohe/kube-rbac-proxy
quay.io/coreos/kube-rbac-proxy:v1.0,v2.0: quay.io/ruohe/kube-rbac-proxy
quay.io/coreos/etcd:/^v3\\.5\\./:
  - registry.example.com/one/etcd
  - registry.example.com/two/etcd
quay.io/coreos/other:v1.0: registry.example.com/other:stable
`,
  dregsy: `
relay: skopeo
skopeo: {binary: skopeo}
tasks:
  - name: task1
    interval: 60
    source: {registry: registry.hub.docker.com, auth: xxx}
    target: {registry: 1234567890.dkr.ecr.ap-northeast-1.amazonaws.com, auth-refresh: 10h}
    mappings:
      - from: ubuntu
        tags: ['bionic', 'focal']
      - from: spaceone/spacectl
        to: project/spaceone/spacectl
        platform: linux/arm64
        tags:
          - 'regex: 1\\.11\\.(?:[0-9]?[0-9]).*'
          - 'semver: >=1.31.0 <1.32.0'
          - 'keep: latest 5'
          - 'regex: !.*-rc'
      - from: regex:test/.*
        to: archive
`,
} as const;

const conversions = Object.entries(FILES).map(([tool, text]) => [tool, convertForeign(parse(text))] as const);

test.each(conversions)('a file of %s becomes a valid configuration', (tool, conversion) => {
  expect(conversion?.tool).toBe(tool);
  const read = parseMirrorConfig(conversion?.yaml ?? '', 'mirror.yaml');
  expect(read.ok ? [] : read.problems).toEqual([]);
  expect(conversion?.yaml).toMatchSnapshot();
});

test('the error for such a file shows the configuration, without its secrets', () => {
  const read = parseMirrorConfig(FILES['skopeo sync'], 'sync.yaml');
  const text = read.ok ? '' : read.problems.join();
  expect(text).toContain('sync.yaml:1:1: this is a file of skopeo sync');
  expect(text).toContain('  - from: quay.io/coreos/etcd');
  expect(text).not.toContain('this is a secret');
});

test.each(['version: 1\nmirrors: []', 'a: b', '[]', 'rules: [{select: {tags: ["*"]}}]'])(
  '%j is no such file',
  (text) => {
    expect(convertForeign(parse(text))).toBeUndefined();
  },
);

/** The mirrors of a converted file, and its comments. */
function converted(text: string) {
  const read = parseMirrorConfig(text, 'theirs.yaml');
  const shown = read.ok ? '' : read.problems.join('\n');
  const yaml = shown.slice(shown.indexOf('\n\n') + 2);
  const valid = parseMirrorConfig(yaml, 'mirror.yaml');
  return { shown, yaml, problems: valid.ok ? [] : valid.problems, mirrors: parse(yaml)?.mirrors ?? [] };
}

test('regsync: anchors and merged maps, as its documentation recommends', () => {
  const { mirrors, problems, shown } = converted(`
x-backup: &backup "old-{{.Ref.Tag}}"
x-usual: &usual
  type: repository
  tags: {allow: [latest, 'v[0-9.]+']}
sync:
  - <<: *usual
    source: quay.io/acme/a
    target: registry.example.org/a
  - <<: *usual
    source: quay.io/acme/b
    target: registry.example.org/b
    backup: *backup
`);
  expect(shown).toContain('this is a file of regsync');
  expect(problems).toEqual([]);
  expect(mirrors).toMatchObject([
    { from: 'quay.io/acme/a', tags: ['latest', '/v[0-9.]+/'] },
    { from: 'quay.io/acme/b', tags: ['latest', '/v[0-9.]+/'] },
  ]);
});

test('regsync: any of several sets selects a tag, and each criterion within a set has to match', () => {
  const entry = (more: string) => `
sync:
  - {source: quay.io/acme/a, target: registry.example.org/a, type: repository, ${more}}
  - {source: quay.io/acme/b, target: registry.example.org/b, type: repository}
`;
  const sets = converted(entry('tagSets: [{allow: [latest, edge]}, {semverRange: [">=3.5.1 <4"]}]'));
  expect(sets.problems).toEqual([]);
  expect(sets.mirrors[0].tags).toEqual(['latest', 'edge', 'semver:>=3.5.1 <4']);
  const both = converted(entry('tagSets: [{allow: [latest]}, {semverRange: [">=3"], allow: ["v.*"]}]'));
  expect(both.mirrors[0].tags).toEqual(['latest']);
  expect(both.yaml).toMatch(/# Not converted: a set of tags of quay\.io\/acme\/a, because .*both/);
  const only = converted(entry('tags: {semverRange: [">=3"], allow: ["v.*"]}'));
  expect(only.mirrors).toHaveLength(1);
  const deny = converted(entry('tagSets: [{allow: [latest]}, {deny: ["rc.*"]}]'));
  expect(deny.mirrors[0].tags).toEqual(['latest']);
  expect(deny.yaml).toContain('`deny` belongs to one of several sets');
  const renamed = converted(entry('targetTag: "{{.Tag}}-copy"'));
  expect(renamed.mirrors).toMatchObject([{ from: 'quay.io/acme/b' }]);
  expect(renamed.yaml).toContain('because of `targetTag`');
});

test('skopeo sync: lists of ranges, commas, a `v` in front, and names without a folder', () => {
  const { mirrors, problems, yaml } = converted(`
docker.io:
  cert-dir: /etc/certs
  images: {centos: ["8.1.1911"], bitnami/redis: ["6.0.9-debian-10-r13"]}
  images-by-semver:
    alpine: ["3.12 - 3.13", ">= 3.17"]
    aquasec/trivy: ">= v0.37.2, < 1"
`);
  expect(problems).toEqual([]);
  expect(yaml).toContain('# `cert-dir`');
  expect(mirrors.map(({ tags }: { readonly tags: readonly string[] }) => tags)).toEqual([
    ['8.1.1911'],
    ['6.0.9-debian-10-r13'],
    ['semver:3.12 - 3.13', 'semver:>= 3.17'],
    ['semver:>= v0.37.2 < 1'],
  ]);
});

test('aliases that stand for a thousand others are no file of another tool', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [at, letter] of [...'bcdefgh'].entries()) {
    const before = [...'abcdefgh'][at];
    bomb.push(`${letter}: &${letter} [${Array.from({ length: 9 }, () => `*${before}`).join(', ')}]`);
  }
  const read = parseMirrorConfig(`${bomb.join('\n')}\nsync: *h\n`, 'bomb.yaml');
  expect(read.ok ? '' : read.problems.join()).toContain('aliases');
});
