import { describe, expect, test } from 'vitest';
import type { WrittenLayout } from '../../support/layout.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import type { Fault, FaultAction } from '../../support/registry-faults.ts';
import { createMergeJob, single } from './job.ts';

const AMD = 'linux/amd64';
const ARM = 'linux/arm64';
const NOT_FOUND: FaultAction = {
  status: 404,
  body: { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] },
};
/** Answers to reads of what is asked for by a digest. */
const missing = (digest: string | undefined, nth: number | 'all'): Fault => ({
  match: { method: 'GET', path: new RegExp(String(digest)), nth },
  action: NOT_FOUND,
});

/** A merge job whose platforms are in the registry, without tags. */
async function pushed() {
  const job = await createMergeJob();
  const registry = await startRegistry();
  const parts: WrittenLayout[] = [];
  for (const platform of [AMD, ARM]) {
    const layout = await job.image(single(platform), 'image');
    const run = await job.publish({ images: `${registry.host}/org/app`, 'push-by-digest': 'true', scan: 'off' });
    expect(run, run.log).toMatchObject({ exitCode: 0 });
    parts.push(layout);
  }
  registry.clearLog();
  const [amd, arm] = parts;
  const digests = `${AMD}=${amd?.digest}\n${ARM}=${arm?.digest}`;
  const inputs = { images: `${registry.host}/org/app`, layouts: '', digests };
  return {
    registry,
    arm,
    merge: (options = {}) => job.merge(inputs, options),
    [Symbol.asyncDispose]: async () => {
      await registry.close();
      await job[Symbol.asyncDispose]();
    },
  };
}

const parts: readonly (readonly [string, (arm: WrittenLayout | undefined) => string | undefined])[] = [
  ['the index', (arm) => arm?.digest],
  ['the manifest of the image', (arm) => arm?.platforms[0]?.digest],
  ['the attestation manifest', (arm) => arm?.platforms[0]?.attestation],
  ['a layer', (arm) => arm?.platforms[0]?.layers[0]],
];

describe('a registry that has a digest only after a while', { timeout: 60_000 }, () => {
  test.each(parts)('%s: it is asked again, and the image is published', async (_, of) => {
    await using it = await pushed();
    for (const nth of [1, 2]) it.registry.addFault(missing(of(it.arm), nth));
    const run = await it.merge();
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(run.log).toMatch(/not complete yet\. Trying again in 1 s/);
  });
});

describe('a digest that was there, and is not any more', { timeout: 60_000 }, () => {
  test.each(parts.slice(0, 2))('%s: what is missing is named, and no tag is written', async (_, of) => {
    await using it = await pushed();
    it.registry.addFault(missing(of(it.arm), 'all'));
    const run = await it.merge();
    const { errors } = JSON.parse(run.outputs.json ?? '{}');
    expect(errors, run.log).toMatchObject([
      { code: 'MANIFEST_UNKNOWN', message: expect.stringContaining(`${of(it.arm)}`), facts: { platform: ARM } },
    ]);
    expect(errors[0].message).toMatch(/for linux\/arm64\.$/);
    expect(run.summary).toMatch(/If a cleanup deletes untagged images/);
    expect(it.registry.writes()).toEqual([]);
  });

  test.each(parts.slice(1, 3))('%s, deleted while the merge scans: it is pushed again', async (_, of) => {
    await using it = await pushed();
    const run = await it.merge({
      onLine: (line: string) => {
        if (line.startsWith('Merged sha256:')) it.registry.drop('org/app', `${of(it.arm)}`);
      },
    });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expectWhole(it.registry, `${run.outputs.digest}`);
  });
});

interface Document {
  readonly manifests?: readonly { readonly digest: string }[];
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
}

/** The tag leads to an image of which everything is there. */
function expectWhole(registry: TestRegistry, digest: string): void {
  expect(registry.tags('org/app').main).toBe(digest);
  const read = (of: string): Document => JSON.parse(registry.manifest('org/app', of)?.bytes.toString() ?? 'null');
  for (const { digest: child } of read(digest).manifests ?? []) {
    const { config, layers = [] } = read(child);
    for (const blob of [config, ...layers]) {
      expect(registry.blob('org/app', `${blob?.digest}`), blob?.digest).toBeDefined();
    }
  }
}
