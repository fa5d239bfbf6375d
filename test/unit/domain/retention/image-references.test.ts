import { expect, test } from 'vitest';
import { findReferences } from '../../../../src/domain/retention/image-references.ts';
import { readInUseList } from '../../../../src/domain/retention/in-use-list.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const GHCR = { name: 'ghcr.io/acme/app', host: 'ghcr.io', repository: 'acme/app' };
const HUB = { name: 'docker.io/acme/app', host: 'docker.io', repository: 'acme/app' };
const ALPINE = { name: 'docker.io/library/alpine', host: 'docker.io', repository: 'library/alpine' };
const PORT = { name: 'localhost:5000/app', host: 'localhost:5000', repository: 'app' };

const found = (text: string, repository = GHCR, path = 'deploy/app.yaml') =>
  findReferences({ path, text }, [repository]);
const named = (text: string, repository = GHCR) =>
  found(text, repository).images.map(({ tag, digest }) => [tag, digest].filter(Boolean).join('@'));

test.each([
  ['Kubernetes', '  - image: ghcr.io/acme/app:1.2', ['1.2']],
  ['a digest', `image: "ghcr.io/acme/app@${DIGEST}"`, [DIGEST]],
  ['tag and digest', `image: ghcr.io/acme/app:1.2@${DIGEST}`, [`1.2@${DIGEST}`]],
  ['a digest behind a variable tag', `image: ghcr.io/acme/app:$TAG@${DIGEST}`, [DIGEST]],
  ['neither: latest', 'image: ghcr.io/acme/app', ['']],
  ['JSON', '{"image":"ghcr.io/acme/app:1.2","port":8080}', ['1.2']],
  ['Terraform', 'image = "ghcr.io/acme/app:1.2"', ['1.2']],
  ['a scheme', 'url: oci://ghcr.io/acme/app:1.2', ['1.2']],
  ['a shell', 'docker pull ghcr.io/acme/app:1.2;', ['1.2']],
  ['two on a line', 'a: [ghcr.io/acme/app:1, ghcr.io/acme/app:2]', ['1', '2']],
  ['a default of Compose', 'image: ghcr.io/acme/app:${TAG:-1.2}', ['1.2']],
  ['capitals', 'image: GHCR.io/acme/app:V1', ['V1']],
  ['Helm values', 'image:\n  repository: ghcr.io/acme/app\n  # pinned\n  tag: "1.2" # now\n', ['1.2']],
  ['Helm values, the tag first', 'image:\n  tag: 1.2\n  pullPolicy: Always\n  repository: ghcr.io/acme/app\n', ['1.2']],
  ['Helm with a registry', 'image:\n  registry: ghcr.io\n  repository: acme/app\n  tag: 1.2\n', ['1.2']],
  [
    'Kustomize',
    'images:\n- name: x\n  newTag: 9\n- name: ghcr.io/acme/app\n  newTag: 1.2\n- name: y\n  newTag: 3\n',
    ['1.2'],
  ],
  ['Kustomize with a digest', `images:\n  - name: ghcr.io/acme/app\n    digest: ${DIGEST}\n`, [DIGEST]],
  ['the tag of another image', 'a:\n  repository: ghcr.io/acme/app\nb:\n  tag: 1.2\n', ['']],
  ['a longer name', 'image: ghcr.io/acme/app-web:1.2', []],
  ['a deeper name', 'image: ghcr.io/acme/app/web:1.2', []],
  ['a name that ends like it', 'image: xghcr.io/acme/app:1.2', []],
  ['a path of another host', 'image: quay.io/acme/app:1.2', []],
  ['another registry beside it', 'registry: quay.io\nrepository: acme/app\ntag: 1\n', []],
])('%s', (_, text, expected) => {
  expect(named(text)).toEqual(expected);
});

test('Docker Hub is also meant without its host, and official images without library/', () => {
  expect(named('image: acme/app:1.2', HUB)).toEqual(['1.2']);
  expect(named('image: docker.io/acme/app:1.2', HUB)).toEqual(['1.2']);
  expect(named('image: ghcr.io/acme/app:1.2', HUB)).toEqual([]);
  expect(named('FROM alpine:3.20', ALPINE)).toEqual(['3.20']);
  expect(named('image: index.docker.io/library/alpine:3.20', ALPINE)).toEqual(['3.20']);
  expect(named('image: localhost:5000/app:1.2', PORT)).toEqual(['1.2']);
});

test.each([
  'image: ghcr.io/acme/app:${TAG}',
  'image: "ghcr.io/acme/app:{{ .Values.tag }}"',
  'image = "ghcr.io/acme/app:${var.tag}"',
  'image: ghcr.io/acme/app:$TAG',
  'image: ghcr.io/acme/app:%VERSION%',
  'image: ghcr.io/acme/app:v${VERSION}',
  'image:\n  repository: ghcr.io/acme/app\n  tag: ${TAG}\n',
  'image:\n  repository: ghcr.io/acme/app\n  tag: *tag\n',
  '  repository = "ghcr.io/acme/app"\n  tag        = var.tag\n',
])('a tag that is a variable is unclear: %s', (text) => {
  const { images, unclear } = found(text);
  expect(images).toEqual([]);
  expect(unclear).toMatchObject([{ reason: expect.stringContaining('a variable') }]);
});

test('the source names the file, the line and its kind', () => {
  const source = (path: string) => found('x\nghcr.io/acme/app:1', GHCR, path).images[0]?.source;
  expect(source('deploy/app.yaml')).toEqual({ kind: 'kubernetes', where: 'deploy/app.yaml:2' });
  expect(source('compose.prod.yml')?.kind).toBe('compose');
  expect(source('chart/values-prod.yaml')?.kind).toBe('helm-values');
  expect(source('infra/main.tf')?.kind).toBe('terraform');
});

test('a list has one image a line; what is none is unclear, and images of others do not matter', () => {
  const text = `# running\nghcr.io/acme/app:1.2 # pod\nghcr.io/acme/app@${DIGEST}\n${DIGEST}\nnginx:1\nno image!\n`;
  const { images, unclear } = readInUseList({ path: 'in-use.txt', text }, [GHCR.name]);
  expect(images.map(({ tag, digest, source }) => [tag ?? digest, source.where])).toEqual([
    ['1.2', 'in-use.txt:2'],
    [DIGEST, 'in-use.txt:3'],
    [DIGEST, 'in-use.txt:4'],
  ]);
  expect(unclear).toMatchObject([{ where: 'in-use.txt:6' }]);
});
