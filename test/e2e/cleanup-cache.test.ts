import { copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAction } from '../support/action.ts';
import { find, run } from './programs.ts';
import { type Registry, startRegistry } from './registry.ts';

const BUILDER = `e2e-cleanup-cache-${process.pid}`;
const DOCKERFILE = `FROM scratch AS build
COPY --chmod=755 busybox /bin/busybox
COPY source /source
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox cat /source /source >/built"]
FROM scratch
COPY --from=build /built /built
`;
const policy = (kind: string) => `
defaults: { limits: off, min-age: 0h }
rules:
  - { name: caches, select: { tags: ["cache-pr-*"]${kind} }, remove: { older-than: 0d } }
`;

const stack = new AsyncDisposableStack();
let directory: string;
let home: string;
let registry: Registry;
beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'e2e-cleanup-cache-')));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
  home = join(directory, 'registry');
  registry = stack.use(await startRegistry({ home, env: process.env }));
  const host = ['--driver', 'docker-container', '--driver-opt', 'network=host'];
  await run('docker', ['buildx', 'create', '--name', BUILDER, ...host]);
  stack.defer(async () => void (await run('docker', ['buildx', 'rm', '--force', BUILDER])));
  await mkdir(join(directory, 'app'));
  await writeFile(join(directory, 'app', 'Dockerfile'), DOCKERFILE);
  await copyFile(find('busybox', process.env.PATH ?? '') ?? '', join(directory, 'app', 'busybox'));
});
afterAll(() => stack.disposeAsync());

/** Builds with the real buildx. @returns what it said */
async function build(source: string, ...more: readonly string[]): Promise<string> {
  await writeFile(join(directory, 'app', 'source'), source);
  const options = ['--builder', BUILDER, '--progress', 'plain', '--provenance=false', ...more, join(directory, 'app')];
  // Its progress goes to stderr.
  return run('sh', ['-c', 'exec docker buildx build "$@" 2>&1', 'build', ...options], { timeout: 300_000 });
}

/** Whether the step that takes a command was taken from a cache. */
function isRunCached(said: string): boolean {
  const [, step] = /^#(\d+) \[build \d\/\d\] RUN/m.exec(said) ?? [];
  if (step === undefined) throw new Error(said);
  return new RegExp(`^#${step} CACHED`, 'm').test(said);
}

const prune = () => run('docker', ['buildx', 'prune', '--builder', BUILDER, '--all', '--force']);
const tagsOf = async (image: string) =>
  (await run('crane', ['ls', image]))
    .split('\n')
    .filter((tag) => tag !== '')
    .toSorted();

describe.each([
  { form: 'an image', manifest: true, type: 'application/vnd.oci.image.manifest.v1+json' },
  { form: 'an index of layers', manifest: false, type: 'application/vnd.oci.image.index.v1+json' },
])("BuildKit's cache as $form", ({ manifest, type }) => {
  it('is removed as a whole by a rule that names caches, and what stays is still imported', async () => {
    const image = `${registry.host}/team/app-${manifest}`;
    const cacheTo = (tag: string) => [
      '--cache-to',
      `type=registry,ref=${image}:${tag},mode=max,image-manifest=${manifest},oci-mediatypes=true`,
    ];
    const push = ['--output', `type=image,name=${image}:v1.0.0,push=true`];
    await build('main', ...cacheTo('cache-main'), ...push);
    await build('request', ...cacheTo('cache-pr-1'));
    await run('crane', ['copy', `${image}:cache-main`, `${image}:cache-pr-2`]);
    const kept = JSON.parse(await run('crane', ['manifest', `${image}:cache-main`]));
    expect(kept.mediaType).toBe(type);

    const cleanup = async (kind: string, more: Readonly<Record<string, string>> = {}) =>
      stack.use(await runAction({ inputs: { command: 'cleanup', images: image, policy: policy(kind), ...more } }));
    const blind = await cleanup('');
    expect(blind.outputs).toMatchObject({ outcome: 'planned', 'deleted-manifests': '0', 'untagged-tags': '0' });
    const plan = await cleanup(', kind: [cache]');
    // An index of layers lists no manifest, so nothing but the cache itself goes.
    expect(plan.outputs).toMatchObject({ 'deleted-manifests': '1', 'deleted-tags': '2', 'untagged-tags': '1' });
    expect(plan.log).not.toContain('::error');
    const applied = await cleanup(', kind: [cache]', { plan: plan.outputs.plan ?? '' });
    expect(applied.outputs).toMatchObject({ outcome: 'cleaned', 'skipped-steps': '0', 'blocked-steps': '0' });
    expect(await tagsOf(image)).toEqual(['cache-main', 'v1.0.0']);
    await run('docker-registry', ['garbage-collect', join(home, 'config.yml')], {
      env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
    });

    await prune();
    const from = ['--cache-from', `type=registry,ref=${image}:cache-main`];
    expect(isRunCached(await build('main', ...from))).toBe(true);
    await prune();
    expect(isRunCached(await build('main'))).toBe(false);
    await run('crane', ['validate', '--remote', `${image}:v1.0.0`]);
  });
});
