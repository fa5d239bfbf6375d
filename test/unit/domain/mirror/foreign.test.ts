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
