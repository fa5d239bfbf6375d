import { mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ActionRun, runAction } from '../support/action.ts';
import { run } from './programs.ts';
import { startReferrersRegistry, startRegistry } from './registry.ts';

const OFFLINE = ['--yes', '--use-signing-config=false', '--tlog-upload=false', '--allow-http-registry'] as const;
const FORMS = [[], ['--new-bundle-format=false']] as const;
const ARCHITECTURES = ['amd64', 'arm64'] as const;
const POLICY = `
defaults: { limits: { tagged: 100% }, min-age: 0h }
rules:
  - { name: pull requests, select: { tags: ["pr-*"] }, remove: { older-than: 0d } }
  - { name: parts of builds, select: { tags: ["build-*"] }, remove: { older-than: 0d } }
  - { name: untagged, select: { tagged: false }, remove: { older-than: 0d } }
`;

const stack = new AsyncDisposableStack();
let directory: string;
const client = (program: string, ...args: readonly string[]) =>
  run(program, args, {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, COSIGN_PASSWORD: 'only for tests' },
  });
beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'e2e-cleanup-command-')));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  await client('cosign', 'generate-key-pair');
});
afterAll(() => stack.disposeAsync());

async function cleanup(inputs: Readonly<Record<string, string>>): Promise<ActionRun> {
  return stack.use(await runAction({ inputs: { command: 'cleanup', policy: POLICY, ...inputs } }));
}

/** An index of two platforms, which can share one with another index. */
async function push(image: string, tag: string, contents: Readonly<Record<(typeof ARCHITECTURES)[number], string>>) {
  const platforms: string[] = [];
  for (const architecture of ARCHITECTURES) {
    const content = contents[architecture];
    await writeFile(join(directory, content), content.repeat(1000));
    await client('tar', '--mtime=@0', '-cf', `${content}.tar`, content);
    const at = `${image}:build-${content}`;
    await client('crane', 'append', '--oci-empty-base', '--new_layer', `${content}.tar`, '--new_tag', at);
    await client('crane', 'mutate', '--set-platform', `linux/${architecture}`, '--tag', at, at);
    platforms.push((await client('crane', 'digest', at)).trim());
  }
  const manifests = platforms.flatMap((digest) => ['--manifest', `${image}@${digest}`]);
  await client('crane', 'index', 'append', ...manifests, '--tag', `${image}:${tag}`);
  return { index: (await client('crane', 'digest', `${image}:${tag}`)).trim(), platforms };
}

describe.each([
  ['version 2', startRegistry, 'two'],
  ['with the referrers API', startReferrersRegistry, 'api'],
] as const)('the built action and a registry %s', (_, start, folder) => {
  it('a plan deletes nothing; applied, what stays is pulled on every platform, and its signatures verify', async () => {
    const home = join(directory, folder);
    const registry = stack.use(await start({ home, env: process.env }));
    const image = `${registry.host}/team/app`;
    const kept = await push(image, 'v1.0.0', { amd64: 'shared', arm64: 'kept' });
    const old = await push(image, 'pr-1', { amd64: 'shared', arm64: 'old' });
    await client('crane', 'tag', `${image}:v1.0.0`, 'pr-2');
    for (const { index } of [kept, old]) {
      for (const form of FORMS) {
        await client('cosign', 'sign', ...OFFLINE, '--key', 'cosign.key', ...form, `${image}@${index}`);
      }
    }
    const tags = async () => (await client('crane', 'ls', image)).split('\n').filter((tag) => tag !== '');
    const before = (await tags()).toSorted();

    const plan = await cleanup({ images: image });
    expect(plan.log).not.toContain('::error');
    expect(plan.outputs.outcome).toBe('planned');
    expect((await tags()).toSorted()).toEqual(before);

    const apply = await cleanup({ images: image, plan: plan.outputs.plan ?? '' });
    expect(apply.log).not.toContain('::error');
    expect(apply.outputs).toMatchObject({ outcome: 'cleaned', 'skipped-steps': '0', 'blocked-steps': '0' });
    const left = await tags();
    expect(left.filter((tag) => /^(?:pr|build)-/.test(tag) || tag.includes(old.index.slice(7)))).toEqual([]);
    for (const architecture of ARCHITECTURES) {
      const file = `${folder}-${architecture}.tar`;
      await client('crane', 'pull', '--platform', `linux/${architecture}`, `${image}:v1.0.0`, file);
    }
    for (const form of FORMS) {
      const options = ['--insecure-ignore-tlog', '--allow-http-registry', '--key', 'cosign.pub', ...form];
      await client('cosign', 'verify', ...options, `${image}@${kept.index}`);
    }
    const own = old.platforms.filter((digest) => !kept.platforms.includes(digest));
    expect(own).toHaveLength(1);
    for (const gone of [old.index, ...own])
      await expect(client('crane', 'digest', `${image}@${gone}`)).rejects.toThrow();

    const again = await cleanup({ images: image, plan: plan.outputs.plan ?? '' });
    expect(again.outputs.outcome).toBe('unchanged');

    if (folder !== 'two') return;
    const layers = async () => (await readdir(home, { recursive: true })).filter((path) => path.endsWith('/data'));
    const held = (await layers()).length;
    await client('docker-registry', 'garbage-collect', join(home, 'config.yml'));
    expect((await layers()).length).toBeLessThan(held);
    const file = join(directory, 'after.tar');
    await client('crane', 'pull', '--platform', 'linux/arm64', `${image}:v1.0.0`, file);
  });
});
