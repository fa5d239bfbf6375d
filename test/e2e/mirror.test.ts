import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ActionRun, runAction } from '../support/action.ts';
import { run } from './programs.ts';
import { startReferrersRegistry, startRegistry } from './registry.ts';

const OFFLINE = ['--yes', '--use-signing-config=false', '--tlog-upload=false', '--allow-http-registry'] as const;
/** As a referrer, and under a tag `sha256-….sig`. */
const FORMS = [[], ['--new-bundle-format=false']] as const;
const ARCHITECTURES = ['amd64', 'arm64'] as const;

const stack = new AsyncDisposableStack();
let directory: string;
const client = (program: string, ...args: readonly string[]) =>
  run(program, args, {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, COSIGN_PASSWORD: 'only for tests' },
  });
beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'e2e-mirror-')));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  await client('cosign', 'generate-key-pair');
});
afterAll(() => stack.disposeAsync());

async function mirror(config: string, inputs: Readonly<Record<string, string>> = {}): Promise<ActionRun> {
  return stack.use(await runAction({ inputs: { command: 'mirror', config, ...inputs } }));
}

/** An index of two platforms. */
async function push(
  image: string,
  tag: string,
): Promise<{ readonly index: string; readonly platforms: readonly string[] }> {
  const platforms: string[] = [];
  for (const architecture of ARCHITECTURES) {
    const content = `${tag}-${architecture}`;
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

const sign = async (name: string) => {
  for (const form of FORMS) await client('cosign', 'sign', ...OFFLINE, '--key', 'cosign.key', ...form, name);
};
const verify = async (name: string) => {
  for (const form of FORMS) {
    const options = ['--insecure-ignore-tlog', '--allow-http-registry', '--key', 'cosign.pub', ...form];
    await client('cosign', 'verify', ...options, name);
  }
};

const KINDS = { two: startRegistry, api: startReferrersRegistry } as const;

describe.each([
  ['two', 'two'],
  ['two', 'api'],
  ['api', 'two'],
  ['api', 'api'],
] as const)('from a registry of the kind %s to one of the kind %s', (from, to) => {
  it('images, signatures of both forms and attachments arrive, also those that are added later, and removals follow', async () => {
    const home = (name: string) => join(directory, `${from}-${to}-${name}`);
    const source = stack.use(await KINDS[from]({ home: home('source'), env: process.env }));
    const target = stack.use(await KINDS[to]({ home: home('target'), env: process.env }));
    const image = `${source.host}/library/app`;
    const copy = `${target.host}/mirror/app`;
    const first = await push(image, '1.0.0');
    await push(image, '1.1.0');
    await client('crane', 'tag', `${image}:1.1.0`, 'latest');
    await sign(`${image}@${first.index}`);
    const config = [
      'version: 1',
      'mirrors:',
      `  - {from: ${image}, to: ${copy}, tags: ["semver:*", latest], delete: untag-missing}`,
    ].join('\n');
    const key = { 'state-key': 'only for tests, not a secret' };

    const initial = await mirror(config, { ...key, 'metrics-file': 'm.prom' });
    await run('promtool', ['check', 'metrics'], { input: await readFile(join(initial.workspace, 'm.prom'), 'utf8') });
    expect(initial.log).not.toContain('::error');
    expect(initial.outputs).toMatchObject({ outcome: 'mirrored', 'copied-tags': '3' });
    for (const tag of ['1.0.0', '1.1.0', 'latest']) {
      expect(await client('crane', 'manifest', `${copy}:${tag}`)).toBe(
        await client('crane', 'manifest', `${image}:${tag}`),
      );
    }
    await client('crane', 'validate', '--remote', `${copy}:1.0.0`);
    await verify(`${copy}@${first.index}`);
    expect((await mirror(config, key)).outputs.outcome).toBe('unchanged');

    const [, arm64 = ''] = first.platforms;
    await sign(`${image}@${arm64}`);
    await writeFile(join(directory, 'report.json'), '{"of":"the index"}');
    const type = 'application/vnd.example.report';
    const attach = ['attach', '--plain-http', '--artifact-type', type, `${image}@${first.index}`, 'report.json'];
    await client('oras', ...attach);
    const late = await mirror(config, key);
    expect(late.outputs.outcome).toBe('mirrored');
    await verify(`${copy}@${arm64}`);
    const listed = async (name: string) => {
      const { referrers } = JSON.parse(await client('oras', 'discover', '--plain-http', '--format', 'json', name));
      return referrers.map(({ digest }: { readonly digest: string }) => digest).toSorted();
    };
    const attached = await listed(`${image}@${first.index}`);
    expect(attached.length).toBeGreaterThan(1);
    expect(await listed(`${copy}@${first.index}`)).toEqual(attached);
    expect((await mirror(config, key)).outputs.outcome).toBe('unchanged');

    // What the source removes is untagged at the target, and no image goes with it.
    await client('crane', 'tag', `${image}:1.0.0`, 'kept');
    const { index } = await push(image, '1.2.0');
    expect((await mirror(config, key)).outputs['copied-tags']).toBe('1');
    await client('crane', 'delete', `${image}@${index}`);
    if (from === 'api') await client('crane', 'delete', `${image}:1.2.0`).catch(() => undefined);
    const removed = await mirror(config, key);
    expect(removed.log).not.toContain('::error');
    expect(removed.outputs['removed-tags']).toBe('1');
    const tags = (await client('crane', 'ls', copy)).split('\n');
    expect(tags).toEqual(expect.arrayContaining(['1.0.0', '1.1.0', 'latest']));
    expect(tags).not.toContain('1.2.0');
    await verify(`${copy}@${first.index}`);
    expect((await mirror(config, key)).outputs.outcome).toBe('unchanged');
  });
});
