import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digest, isDigest } from '../../src/domain/digest.ts';
import { fieldsOf } from '../../src/domain/fields.ts';
import type { PlanStep } from '../../src/domain/retention/plan.ts';
import type { CleanupTarget } from '../../src/run/inventory/collected.ts';
import { readInventory } from '../../src/run/inventory/read-inventory.ts';
import { applyAll } from '../support/cleanup/apply-all.ts';
import { plainTarget } from '../support/cleanup/plain-target.ts';
import { createTestRuntime, type TestRuntime } from '../support/runtime.ts';
import { run } from './programs.ts';
import { startReferrersRegistry, startRegistry } from './registry.ts';

/** Version 3 is not a package of Debian: only where it was put on the PATH. */
const REGISTRY_3 = process.env.E2E_REGISTRY_3;
const OFFLINE = ['--yes', '--use-signing-config=false', '--tlog-upload=false', '--allow-http-registry'] as const;
const ARCHITECTURES = ['amd64', 'arm64'] as const;

const stack = new AsyncDisposableStack();
let directory: string;
let runtime: TestRuntime;
const client = (program: string, ...args: readonly string[]) =>
  run(program, args, {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, COSIGN_PASSWORD: 'only for tests' },
  });
beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'e2e-cleanup-')));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  runtime = stack.use(await createTestRuntime({}));
  await client('cosign', 'generate-key-pair');
});
afterAll(() => stack.disposeAsync());

/** Each with the program that collects its garbage. */
const registries = [
  ['version 2', () => startRegistry({ home: join(directory, 'two'), env: process.env }), ['docker-registry', 'two']],
  [
    'with the referrers API',
    () => startReferrersRegistry({ home: join(directory, 'api'), env: process.env }),
    undefined,
  ],
  ...(REGISTRY_3 !== undefined && existsSync(REGISTRY_3)
    ? [
        [
          'version 3',
          () => startRegistry({ home: join(directory, 'three'), env: process.env, program: REGISTRY_3 }),
          [REGISTRY_3, 'three'],
        ] as const,
      ]
    : []),
] as const;

describe.each(registries)('a registry %s', (_, start, collector) => {
  let host: string;
  let image: string;
  let target: CleanupTarget;
  beforeAll(async () => {
    const registry = await start();
    stack.use(registry);
    ({ host } = registry);
    image = `${host}/team/app`;
    target = await plainTarget(host, 'team/app', runtime);
  });

  const digestOf = async (reference: string): Promise<Digest> => {
    const digest = (await client('crane', 'digest', reference)).trim();
    if (!isDigest(digest)) throw new Error(digest);
    return digest;
  };
  /** An index of two platforms, which can share one with another index. */
  const push = async (tag: string, contents: Readonly<Record<(typeof ARCHITECTURES)[number], string>>) => {
    const platforms: string[] = [];
    for (const architecture of ARCHITECTURES) {
      const content = contents[architecture];
      await writeFile(join(directory, content), content);
      await client('tar', '--mtime=@0', '-cf', `${content}.tar`, content);
      // The image without a platform would keep the layer.
      const plain = `${host}/build/app:${content}`;
      const at = `${image}:build-${content}`;
      await client('crane', 'append', '--oci-empty-base', '--new_layer', `${content}.tar`, '--new_tag', plain);
      await client('crane', 'mutate', '--set-platform', `linux/${architecture}`, '--tag', at, plain);
      if (collector !== undefined) await client('crane', 'delete', `${host}/build/app@${await digestOf(plain)}`);
      platforms.push(`${image}@${await digestOf(at)}`);
    }
    const manifests = platforms.flatMap((each) => ['--manifest', each]);
    await client('crane', 'index', 'append', ...manifests, '--tag', `${image}:${tag}`);
    return { index: await digestOf(`${image}:${tag}`), platforms: platforms.map((each) => each.split('@')[1] ?? '') };
  };

  it('what a plan names goes; what stays is pulled on every platform, and its signatures verify', async () => {
    const kept = await push('v1', { amd64: 'shared', arm64: 'kept' });
    const old = await push('pr-1', { amd64: 'shared', arm64: 'old' });
    await client('crane', 'tag', `${image}:v1`, 'pr-2');
    // In both forms: as a referrer, and under a tag of cosign's own.
    for (const { index } of [kept, old]) {
      for (const form of [[], ['--new-bundle-format=false']]) {
        await client('cosign', 'sign', ...OFFLINE, '--key', 'cosign.key', ...form, `${image}@${index}`);
      }
    }
    const { inventory, errors } = await readInventory(target, { clock: runtime.clock, log: runtime.log });
    expect(errors).toEqual([]);
    const found = new Map(inventory.manifests.map((each) => [each.digest, each]));
    expect(found.get(old.index)?.children.toSorted()).toEqual(old.platforms.toSorted());
    const attached = inventory.manifests.filter(({ subject }) => subject === old.index);
    expect(attached.length).toBeGreaterThanOrEqual(2);
    const tagsOf = (digest: Digest) => inventory.tags.filter((tag) => tag.digest === digest).map(({ name }) => name);
    const own = old.platforms.filter((each) => !kept.platforms.includes(each)).filter(isDigest);
    const step = (digest: Digest, role: 'root' | 'child' | 'referrer'): PlanStep => ({
      action: 'delete',
      digest,
      role,
      tags: tagsOf(digest),
    });
    const steps: PlanStep[] = [
      { action: 'untag', tag: 'pr-2', digest: kept.index },
      step(old.index, 'root'),
      ...own.map((digest) => step(digest, 'child')),
      ...attached.map(({ digest }) => step(digest, 'referrer')),
      // Listed under the fallback tag alone.
      ...attached.flatMap(({ children }) => children.map((digest) => step(digest, 'referrer'))),
    ];
    const unique = steps.filter(
      (each, at) => steps.findIndex((other) => JSON.stringify(other) === JSON.stringify(each)) === at,
    );
    const parsed: unknown = JSON.parse(await client('crane', 'manifest', `${image}@${own[0] ?? ''}`));
    const { layers } = fieldsOf(parsed);
    const layer = String(fieldsOf(Array.isArray(layers) ? layers[0] : undefined).digest);
    await client('crane', 'blob', `${image}@${layer}`);
    const report = await applyAll(target, unique, { clock: runtime.clock, log: runtime.log });
    expect(report.errors).toEqual([]);
    expect(report.results.filter(({ outcome }) => outcome !== 'done' && outcome !== 'absent')).toEqual([]);
    expect(report.broken).toEqual([]);

    const left = (await client('crane', 'ls', image)).split('\n').filter((tag) => tag !== '');
    expect(left.filter((tag) => tag.startsWith('pr-') || tag.includes(old.index.slice(7)))).toEqual([]);
    for (const architecture of ARCHITECTURES) {
      await client('crane', 'pull', '--platform', `linux/${architecture}`, `${image}:v1`, `${architecture}.image.tar`);
    }
    for (const form of [[], ['--new-bundle-format=false']]) {
      await client(
        'cosign',
        'verify',
        '--insecure-ignore-tlog',
        '--allow-http-registry',
        '--key',
        'cosign.pub',
        ...form,
        `${image}@${kept.index}`,
      );
    }
    for (const gone of [old.index, ...own]) await expect(digestOf(`${image}@${gone}`)).rejects.toThrow();

    if (collector !== undefined) {
      const [program, home] = collector;
      const env = { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' };
      await run(program, ['garbage-collect', join(directory, home, 'config.yml')], { env });
      await expect(client('crane', 'blob', `${image}@${layer}`)).rejects.toThrow();
      await client('crane', 'validate', '--remote', `${image}:v1`);
    }

    const again = await applyAll(target, unique, { clock: runtime.clock, log: runtime.log });
    expect(again.results.filter(({ outcome }) => outcome !== 'absent')).toEqual([]);
  });
});
