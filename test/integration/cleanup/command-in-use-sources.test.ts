import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { runCleanup } from '../../support/cleanup/command.ts';
import { commandScene, NAME } from '../../support/cleanup/command-scene.ts';
import { startService } from '../../support/loopback.ts';
import { GITHUB_TOKEN, gitHubRepositoryDouble } from '../../support/vendors/github-deployments.ts';

const policyWith = (source: string) => `
protect: { tags: [], in-use: [${source}] }
defaults: { limits: off }
rules:
  - { select: { tags: ["**"] }, remove: { older-than: 0d } }
`;
const DEPLOYMENTS = policyWith('{ kind: github-deployments, environments: [production] }');
const NOW = '2026-01-02T12:00:00Z';

/** The repository of the job at GitHub, with deployments to production. */
async function gitHub(
  deployments: readonly { readonly description: string; readonly state: string }[],
  broken = false,
) {
  const all = deployments.map(({ description, state }, at) => ({
    id: 100 - at,
    sha: 'b'.repeat(40),
    environment: 'production',
    createdAt: NOW,
    statuses: [{ state, description, createdAt: NOW }],
  }));
  const before = () => (broken ? { status: 502, body: { message: 'Server Error' } } : undefined);
  const server = await startService(gitHubRepositoryDouble({ deployments: all, before }).service);
  const env = { GITHUB_API_URL: server.url, GITHUB_REPOSITORY: 'org/app' };
  return { env, inputs: { 'github-token': GITHUB_TOKEN, 'dry-run': 'false' }, [Symbol.asyncDispose]: server.close };
}

test('what is deployed to an environment at GitHub survives every policy', async () => {
  const { registry, images, image } = await commandScene();
  await using service = await gitHub([
    { state: 'in_progress', description: `${images.other} from org/app:pr-2` },
    { state: 'success', description: `${images.old} from org/app:pr-1` },
    { state: 'success', description: `${images.kept} from org/app:v1.0.0` },
  ]);
  const { env, inputs } = service;
  const run = await runCleanup({ images: image, policy: DEPLOYMENTS, ...inputs }, { env });
  expect(run.outputs.outcome, run.log).toBe('cleaned');
  expect(run.summary).toContain('in use: GitHub deployments to production');
  // The newest image stays by itself.
  expect(registry.tags(NAME)).toMatchObject({ 'pr-1': images.old, 'pr-2': images.other });
  expect(registry.tags(NAME)).not.toHaveProperty('pr-3');
});

test.each([
  ['an API that fails', [], true, 'did not list them'],
  ['no deployment', [], false, 'check the name of the environment'],
  ['a deployment that names no image', [{ state: 'success', description: '' }], false, 'names no image'],
] as const)('%s deletes nothing and fails', async (_, deployments, broken, reason) => {
  const { registry, image } = await commandScene();
  await using service = await gitHub(deployments, broken);
  const { env, inputs } = service;
  const run = await runCleanup({ images: image, policy: DEPLOYMENTS, ...inputs }, { env });
  expect(run.exitCode).toBe(1);
  expect(run.log).toContain(reason);
  expect(run.outputs['deleted-manifests']).toBe('0');
  expect(registry.writes()).toEqual([]);
});

test('a deployment between plan and apply keeps its image', async () => {
  const { registry, images, image, approve } = await commandScene();
  await using before = await gitHub([{ state: 'success', description: `${images.kept} from x` }]);
  const inputs = { images: image, policy: DEPLOYMENTS };
  const planned = await runCleanup({ ...inputs, ...before.inputs, 'dry-run': 'true' }, { env: before.env });
  const plan = await approve(planned);
  await using after = await gitHub([{ state: 'success', description: `${images.old} from x` }]);
  const run = await runCleanup({ ...inputs, ...after.inputs, plan }, { env: after.env });
  expect(run.log).toMatch(/skipped: in use now: GitHub deployments to production/);
  expect(registry.tags(NAME)).toMatchObject({ 'pr-1': images.old });
  expect(registry.tags(NAME)).not.toHaveProperty('pr-2');
});

/** Files of a checkout, each with what it keeps beside the newest image. */
const FILES: Readonly<Record<string, (image: string, digest: string) => string>> = {
  'deploy/app.yaml': (image) =>
    `kind: Service\n---\nkind: Pod\nspec:\n  containers:\n  - {name: a, image: "${image}:pr-1"}\n`,
  'compose.yaml': (image) => `services:\n  app:\n    image: ${image}:\${TAG:-pr-1}\n`,
  'chart/values.yaml': (image) => `image: {repository: ${image}, tag: "pr-1"}\n`,
  'chart/values-parts.yaml': (image) =>
    `image:\n  registry: ${image.split('/')[0]}\n  repository: ${NAME}\n  # renovate\n  tag: pr-1\n`,
  'kustomization.yaml': (image, digest) => `images:\n- name: app\n  newName: ${image}\n  digest: ${digest}\n`,
  'infra/main.tf': (image) => `locals {\n  image = format("%s:%s", "${image}", "pr-1")\n}\n`,
  'infra/host.tf': () => `locals {\n  image = "\${var.registry}/${NAME}:pr-1"\n}\n`,
};

test.each(Object.entries(FILES))('%s of the checkout keeps what it names', async (path, text) => {
  const { registry, images, image, directory } = await commandScene();
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await writeFile(join(directory, path), text(image, images.old));
  const policy = policyWith(`{ kind: files, paths: ["${path}"] }`);
  const run = await runCleanup({ images: image, policy, 'dry-run': 'false' }, { workspace: directory });
  expect(run.outputs.outcome, run.log).toBe('cleaned');
  expect(registry.tags(NAME)).toMatchObject({ 'pr-1': images.old });
  expect(registry.tags(NAME)).not.toHaveProperty('pr-2');
});

test.each([
  ['a variable', (image: string) => `image: ${image}:\${TAG}\n`, 'is a variable'],
  ['an empty tag', (image: string) => `image:\n  repository: ${image}\n  tag: ""\n`, 'has no tag there'],
])('%s in a file stops the run', async (_, text, reason) => {
  const { registry, image, directory } = await commandScene();
  await writeFile(join(directory, 'app.yaml'), text(image));
  const policy = policyWith('{ kind: files, paths: ["*.yaml"] }');
  const run = await runCleanup({ images: image, policy, 'dry-run': 'false' }, { workspace: directory });
  expect(run.exitCode).toBe(1);
  expect(run.log).toContain(reason);
  expect(registry.writes()).toEqual([]);
});
