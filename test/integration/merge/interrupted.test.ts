import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { GOOD } from '../setting.ts';
import { createMergeJob, type MergeJob, single } from './job.ts';

const BOTH = ['linux/amd64', 'linux/arm64'] as const;
const REFUSED = { status: 403, body: { errors: [{ code: 'DENIED', message: 'not today' }] } };
const images = (...registries: readonly TestRegistry[]) => registries.map(({ host }) => `${host}/org/app`).join('\n');

let job: MergeJob;
beforeAll(async () => {
  job = await createMergeJob();
  for (const platform of BOTH) await job.image(single(platform), `layouts/${platform.slice(6)}`);
});
afterAll(() => job[Symbol.asyncDispose]());

/** Every tag leads to an image of which everything is there, for every platform. */
function expectWhole(registry: TestRegistry): void {
  for (const digest of Object.values(registry.tags('org/app'))) {
    const { manifests } = document(registry, digest);
    expect(manifests?.filter(({ platform }) => platform?.os === 'linux')).toHaveLength(BOTH.length);
    for (const { digest: child } of manifests ?? []) {
      const { config, layers = [] } = document(registry, child);
      for (const each of [...(config === undefined ? [] : [config]), ...layers]) {
        expect(registry.blob('org/app', each.digest), each.digest).toBeDefined();
      }
    }
  }
}

interface Entry {
  readonly digest: string;
  readonly platform?: { readonly os: string };
}
interface Document {
  readonly manifests?: readonly Entry[];
  readonly config?: Entry;
  readonly layers?: readonly Entry[];
}

function document(registry: TestRegistry, digest: string): Document {
  const found = registry.manifest('org/app', digest);
  if (found === undefined) throw new Error(`${digest} is not there.`);
  return JSON.parse(found.bytes.toString());
}

describe('two registries, of which one refuses in the middle of the push', () => {
  const BLOB = { method: 'PUT', path: /\/blobs\/uploads\// };
  const MANIFEST = { method: 'PUT', path: /\/manifests\/sha256:/ };

  test.each([
    ['a blob', { ...BLOB, nth: 5 }],
    ['the manifest of a platform', { ...MANIFEST, nth: 2 }],
    ['the merged index', { ...MANIFEST, nth: 5 }],
  ])('%s: the other one has no tag either, and a second run completes both', async (_, match) => {
    await using sound = await startRegistry();
    await using broken = await startRegistry({ faults: [{ match, action: REFUSED }] });
    const first = await job.merge({ images: images(sound, broken) });
    expect(first.outputs.outcome, first.log).toBe('registry-failed');
    const { targets, errors } = JSON.parse(first.outputs.json ?? '{}');
    expect(targets).toMatchObject([
      { host: sound.host, state: 'held-back', present: true, written: [] },
      { host: broken.host, state: 'failed', present: false, written: [], error: { code: 'DENIED' } },
    ]);
    expect(errors).toMatchObject([{ code: 'DENIED', facts: { registry: broken.host } }]);
    for (const registry of [sound, broken]) expect(registry.tags('org/app')).toEqual({});
    await expectCompleted(sound, broken);
  });

  test('a tag: what was written is told by registry, and a second run completes the other', async () => {
    await using sound = await startRegistry();
    const match = { method: 'PUT', path: /\/manifests\/main$/ };
    await using broken = await startRegistry({ faults: [{ match, action: REFUSED }] });
    const first = await job.merge({ images: images(sound, broken) });
    expect(first.outputs.outcome, first.log).toBe('registry-failed');
    expect(JSON.parse(first.outputs.json ?? '{}').targets).toMatchObject([
      { host: sound.host, state: 'written', written: [expect.stringMatching(/^sha-/), 'main'] },
      { host: broken.host, state: 'failed', present: true, written: [expect.stringMatching(/^sha-/)] },
    ]);
    expect(broken.tags('org/app')).not.toHaveProperty('main');
    await expectCompleted(sound, broken);
  });

  test('a tag that another image has: it stays on that image', async () => {
    await using sound = await startRegistry();
    await using broken = await startRegistry({ faults: [{ match: { ...MANIFEST, nth: 2 }, action: REFUSED }] });
    const earlier = new Map<TestRegistry, string>();
    const annotations = { 'org.opencontainers.image.revision': await job.repository.head() };
    const { directory } = await job.image({ ...GOOD, annotations }, 'earlier');
    for (const registry of [sound, broken]) {
      earlier.set(registry, await registry.putLayout('org/app', 'main', directory));
    }
    const first = await job.merge({ images: images(sound, broken) });
    expect(first.outputs.outcome, first.log).toBe('registry-failed');
    for (const [registry, digest] of earlier) expect(registry.tags('org/app')).toEqual({ main: digest });
    await expectCompleted(sound, broken);
  });
});

describe('killed in the middle of the push', () => {
  const moments = [
    ...[1, 5, 9].map((nth) => ['PUT', '/blobs/uploads/', nth] as const),
    ...[1, 3, 5].map((nth) => ['PUT', '/manifests/sha256:', nth] as const),
    ['PUT', '/manifests/sha-', 1],
    ['PUT', '/manifests/main', 1],
  ] as const;
  // The registry does what it was asked, or never gets to it.
  const cases = moments.map((moment, at) => [...moment, at % 2 === 0 ? 'done' : 'lost'] as const);

  test.each(cases)('at %s %s, number %i, which is %s: a second run completes it', async (method, part, nth, end) => {
    const path = new RegExp(part);
    await using registry = await startRegistry({
      faults: [{ match: { method, path, nth }, action: end === 'lost' ? { hang: 'before' } : { delay: 200 } }],
    });
    const killed = await job.merge(
      { images: images(registry) },
      {
        onSpawn: (child) => {
          const fits = (each: { readonly method: string; readonly path: string }) =>
            each.method === method && path.test(each.path);
          const timer = setInterval(() => {
            if (registry.log.filter(fits).length >= nth) child.kill('SIGKILL');
          }, 5);
          child.once('close', () => clearInterval(timer));
        },
      },
    );
    expect(killed.exitCode, killed.log).toBeNull();
    await sleep(250);
    expectWhole(registry);
    await expectCompleted(registry);
  });
});

async function expectCompleted(...registries: readonly TestRegistry[]): Promise<void> {
  const second = await job.merge({ images: images(...registries) });
  expect(second, second.log).toMatchObject({ exitCode: 0 });
  const { digest } = second.outputs;
  for (const registry of registries) {
    expectWhole(registry);
    expect(Object.values(registry.tags('org/app')), second.log).toEqual([digest, digest]);
  }
}
