import { expect, test } from 'vitest';
import { scanReferences } from '../../../../src/domain/retention/scan-references.ts';

const HEX = 'a'.repeat(64);

function found(path: string, text: string): readonly string[] {
  return scanReferences(text, path).images.map(
    ({ repository, tag, digest, source }) =>
      `${source.kind} ${source.where.split(':').at(-1)} ${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest.slice(0, 9)}`}`,
  );
}

test.each([
  [
    'Kubernetes',
    'deploy/app.yaml',
    `apiVersion: apps/v1\nkind: Deployment\nspec:\n  containers:\n    - image: ghcr.io/acme/app:1.2\n    - {name: x, image: "nginx"}\n  initContainers:\n    - image: 'registry:5000/a/b@sha256:${HEX}'\n---\nkind: Pod\nspec:\n  containers:\n  - image: ghcr.io/acme/app:1.2@sha256:${HEX}\n`,
    [
      'kubernetes 5 ghcr.io/acme/app:1.2',
      'kubernetes 8 registry:5000/a/b@sha256:aa',
      'kubernetes 13 ghcr.io/acme/app:1.2@sha256:aa',
      'kubernetes 6 docker.io/library/nginx',
    ],
  ],
  [
    'an environment variable of an operator',
    'deploy/op.yaml',
    'env:\n  - name: RELATED_IMAGE\n    value: quay.io/acme/db:v3\n',
    ['kubernetes 3 quay.io/acme/db:v3'],
  ],
  [
    'Compose with defaults',
    'compose.prod.yaml',
    'services:\n  app:\n    image: ghcr.io/acme/app:${TAG:-1.10}\n  db:\n    image: postgres:16\n',
    ['compose 3 ghcr.io/acme/app:1.10', 'compose 5 docker.io/library/postgres:16'],
  ],
  [
    'Helm values in parts, with a tag that is a number',
    'chart/values.yaml',
    `image:\n  registry: ghcr.io\n  repository: acme/app\n  tag: 1.10\nside:\n  image: {repository: ghcr.io/acme/side, digest: "sha256:${HEX}"}\n`,
    ['helm-values 2 ghcr.io/acme/app:1.10', 'helm-values 6 ghcr.io/acme/side@sha256:aa'],
  ],
  [
    'Kustomize',
    'kustomization.yaml',
    'images:\n  - name: app\n    newName: ghcr.io/acme/app\n    newTag: "7"\n',
    ['kubernetes 3 ghcr.io/acme/app', 'kubernetes 2 ghcr.io/acme/app:7'],
  ],
  [
    'Terraform',
    'infra/main.tf',
    'container {\n  image = "1234.dkr.ecr.eu-west-1.amazonaws.com/app:v9"\n}\nlocals { image_uri = "gcr.io/p/x@sha256:' +
      HEX +
      '" }\n',
    ['terraform 2 1234.dkr.ecr.eu-west-1.amazonaws.com/app:v9', 'terraform 4 gcr.io/p/x@sha256:aa'],
  ],
  [
    'a task definition in JSON',
    'task.json',
    '{"containerDefinitions":[{"image":"ghcr.io/acme/app:5"}]}',
    ['other 1 ghcr.io/acme/app:5'],
  ],
  [
    'a list',
    'in-use.txt',
    `# running\nghcr.io/acme/app:1\n  alpine\nghcr.io/acme/app@sha256:${HEX} # rollback\n`,
    ['list 2 ghcr.io/acme/app:1', 'list 4 ghcr.io/acme/app@sha256:aa', 'list 3 docker.io/library/alpine'],
  ],
  [
    'a template that is no YAML',
    'templates/pod.yaml',
    '{{- if .x }}\n    image: ghcr.io/acme/app:3\n{{ end }}\n',
    ['kubernetes 2 ghcr.io/acme/app:3'],
  ],
])('finds the images of %s', (_, path, text, expected) => {
  expect([...found(path, text)].sort()).toEqual([...expected].sort());
});

test('a reference that a variable completes is reported', () => {
  const { images, unresolved } = scanReferences(
    'image: ghcr.io/acme/app:${TAG}\nimage: "{{ .Values.image }}"\n',
    'a.yaml',
  );
  expect(images).toEqual([]);
  expect(unresolved.map(({ where }) => where)).toEqual(['a.yaml:1', 'a.yaml:2']);
});

test('a megabyte of almost references takes no time', () => {
  const started = Date.now();
  scanReferences(`${'a/'.repeat(250_000)}\n${'image: '.repeat(50_000)}${'{'.repeat(10_000)}`, 'x.txt');
  expect(Date.now() - started).toBeLessThan(3000);
});
