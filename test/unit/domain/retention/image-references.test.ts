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
  ['the tag of another image', 'a:\n  image: ghcr.io/acme/app\nb:\n  tag: 1.2\n', ['']],
  ['a map on one line', 'image: {repository: ghcr.io/acme/app, tag: "1.2", pullPolicy: Always}', ['1.2']],
  ['JSON on one line', '{"a":{"repository":"ghcr.io/acme/app","tag":"1.2"},"tag":"9"}', ['1.2']],
  ['a digest of Helm without its algorithm', `repository: ghcr.io/acme/app\nsha: ${'a'.repeat(64)}\n`, [DIGEST]],
  ['lines of Windows', 'image:\r\n  repository: ghcr.io/acme/app\r\n  tag: 1.2\r\n', ['1.2']],
  ['an anchor', 'image:\n  repository: ghcr.io/acme/app\n  tag: &tag "1.2"\n', ['1.2']],
  ['a type of YAML', 'image:\n  repository: ghcr.io/acme/app\n  tag: !!str 1.20\n', ['1.20']],
  ['a registry with a path', 'image:\n  registry: ghcr.io/acme\n  repository: app\n  tag: 1.2\n', ['1.2']],
  ['a registry elsewhere', 'global:\n  imageRegistry: ghcr.io\nimage:\n  repository: acme/app\n  tag: 1.2\n', ['1.2']],
  ['a registry that is a variable', 'registry: ${REGISTRY}\nrepository: acme/app\ntag: 1.2\n', ['1.2']],
  ['a host that is a variable', 'image: ${REGISTRY}/acme/app:1.2', ['1.2']],
  ['a host with a default', 'image: "${REGISTRY:-ghcr.io}/acme/app:1.2"', ['1.2']],
  ['a host of a template', 'image: "{{ .Values.global.registry }}/acme/app:1.2"', ['1.2']],
  ['a host of an environment', 'image: $REGISTRY/acme/app:1.2', ['1.2']],
  ['an organization that is a variable', 'image: ghcr.io/${{ github.repository_owner }}/app:1.2', ['1.2']],
  ['a host of another registry with a variable', 'image: quay.io/${ORG}/app:1.2', []],
  ['another name behind a variable', 'image: ${REGISTRY}/acme/web:1.2', []],
  ['a map of versions', 'versions:\n  ghcr.io/acme/app: 1.2\n  "ghcr.io/acme/web": 9\n', ['1.2']],
  ['a format of Terraform', 'image = format("%s:%s", "ghcr.io/acme/app", "1.2")', ['1.2']],
  ['several documents', 'image: ghcr.io/acme/app:1\n---\nimage: ghcr.io/acme/app:2\n...\n', ['1', '2']],
  ['an annotation in JSON', String.raw`x: "{\"image\":\"ghcr.io/acme/app:1.2\"}"`, ['1.2']],
  ['a folded text', 'image: >-\n  ghcr.io/acme/app:1.2\n', ['1.2']],
  ['a template around it', '{{- if .x }}\n    image: ghcr.io/acme/app:3\n{{ end }}\n', ['3']],
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

test.each([
  'image:\n  repository: ghcr.io/acme/app\n  tag: ""\n',
  'image:\n  repository: ghcr.io/acme/app\n  pullPolicy: Always\n',
  'images:\n  - name: app\n    newName: ghcr.io/acme/app\n',
  'set {\n  name  = "image.repository"\n  value = "ghcr.io/acme/app"\n}\n',
  'env:\n  - name: IMAGE_REPOSITORY\n    value: ghcr.io/acme/app\n',
])('a name whose tag comes from elsewhere is unclear: %s', (text) => {
  const { images, unclear } = found(text);
  expect(images).toEqual([]);
  expect(unclear).toMatchObject([{ reason: expect.stringContaining('ghcr.io/acme/app has no tag there') }]);
});

test.each(['image = join(":", ["ghcr.io/acme/app", var.tag])', 'image: "ghcr.io/acme/app:" + version,'])(
  'code that adds the tag is unclear: %s',
  (text) => expect(found(text)).toMatchObject({ images: [], unclear: [{ reason: expect.any(String) }] }),
);

test('a name that is a variable is unclear at the same registry, and nothing elsewhere', () => {
  const reasons = (text: string) => found(text).unclear.map(({ reason }) => reason);
  expect(reasons('image: ghcr.io/acme/${NAME}:1.2')).toEqual([expect.stringContaining('may be ghcr.io/acme/app')]);
  expect(reasons('image: ghcr.io/${{ github.repository }}:1.2')).toHaveLength(1);
  expect(reasons('image: ghcr.io/other/${NAME}:1.2')).toEqual([]);
  expect(reasons('image: ${IMAGE}:1.2')).toEqual([]);
  expect(reasons('image: quay.io/acme/${NAME}:1.2')).toEqual([]);
});

test('a host with variables inside it is the one of its kind', () => {
  const ecr = { host: '1234.dkr.ecr.eu-west-1.amazonaws.com', repository: 'app' };
  const repository = { ...ecr, name: `${ecr.host}/app` };
  expect(named('image = "1234.dkr.ecr.${var.region}.amazonaws.com/app:9"', repository)).toEqual(['9']);
  expect(named('image = "${local.account}.dkr.ecr.eu-west-1.amazonaws.com/app:9"', repository)).toEqual(['9']);
  expect(named('image = "5678.dkr.ecr.${var.region}.amazonaws.com/app:9"', repository)).toEqual([]);
});

test('a megabyte of almost references takes no time', () => {
  const started = Date.now();
  found(`${'a/'.repeat(250_000)}\n${'${a}/'.repeat(100_000)}\n${'image: '.repeat(50_000)}${'{'.repeat(10_000)}`);
  found('image: {repository: ghcr.io/acme/app '.repeat(20_000));
  expect(Date.now() - started).toBeLessThan(15_000);
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
