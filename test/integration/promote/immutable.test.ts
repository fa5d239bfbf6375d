import { describe, expect, test } from 'vitest';
import type { ActionRun } from '../../support/action.ts';
import { fill } from '../../support/copy-source.ts';
import { refusedWrites } from '../../support/recorded-answers.ts';
import { type FaultAction, startRegistry, type TestRegistry } from '../../support/registry.ts';
import { createPromotionJob, type PromotionJob } from './job.ts';
import { errorsOf, expectError, recordsAt } from './scene.ts';

const STYLES = ['ecr', 'harbor', 'quay', 'acr', 'artifactory'] as const;

/** Refusals to write a tag that never moves, word for word. */
const WORDINGS = refusedWrites('TAG_IMMUTABLE').map((each) => [each.from, each] as const);

const NAME = 'org/app';

/** A repository whose tags `1.2.3` and `staging` hold one image, and another image that is to be promoted. */
function stocked(registry: TestRegistry, name = NAME) {
  const { image } = fill(registry, name);
  const old = image(['old']);
  const held = old.descriptor.digest;
  const next = image(['next'], {}, 'next').descriptor.digest;
  const hold = (...tags: readonly string[]) => {
    for (const tag of tags) registry.putManifest(name, tag, old.descriptor.mediaType, old.bytes);
  };
  return { held, next, hold };
}

/** One error, and nothing else happened. */
function expectConflict(run: ActionRun, registry: TestRegistry, tags: Readonly<Record<string, string>>): void {
  expectError(run, 'tag-conflict', 'TAG_IMMUTABLE');
  expect(registry.tags(NAME)).toEqual(tags);
  expect(recordsAt(registry, NAME)).toBe(0);
  // An upload that was begun to ask for the right to push is cancelled.
  const deletes = registry.log.filter(({ method, path }) => method === 'DELETE' && !path.includes('/uploads/'));
  expect(deletes).toEqual([]);
}

async function promoteHere(job: PromotionJob, registry: TestRegistry, to: string): Promise<ActionRun> {
  return job.promote({ images: `${registry.host}/${NAME}`, from: 'next', environment: 'staging', to });
}

describe('case 45: a tag that never moves and holds another image', () => {
  test.each(STYLES)('a version, at %s: both digests are told, and nothing is written', async (style) => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers: true, immutable: { tags: /^\d/, style } });
    const { held, next, hold } = stocked(registry);
    hold('1.2.3', 'staging');
    const run = await promoteHere(job, registry, '1.2.3\nstaging');
    expectConflict(run, registry, { next, '1.2.3': held, staging: held });
    expect(errorsOf(run)[0]?.message).toContain(held);
    expect(errorsOf(run)[0]?.message).toContain(next);
    expect(registry.writes()).toEqual([]);
  });

  test.each(STYLES)('a version that somebody takes after the plan, at %s', async (style) => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers: true, immutable: { tags: /^\d/, style } });
    const { held, next, hold } = stocked(registry);
    hold('staging');
    registry.addFault({
      match: { method: 'PUT', path: /manifests\/1\.2\.3$/ },
      action: { moves: { repository: NAME, tag: '1.2.3', to: held }, when: 'before' },
    });
    const run = await promoteHere(job, registry, '1.2.3\nstaging');
    expectConflict(run, registry, { next, '1.2.3': held, staging: held });
  });

  test.each(STYLES)('a moving tag that the registry holds fast, at %s', async (style) => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers: true, immutable: { tags: /^staging$/, style } });
    const { held, next, hold } = stocked(registry);
    hold('staging', 'newest');
    const run = await promoteHere(job, registry, 'staging\nnewest');
    expectConflict(run, registry, { next, staging: held, newest: held });
    expect(errorsOf(run)[0]?.message).toContain('staging');
  });

  test('there are recorded wordings of every vendor', () => {
    const vendors = [
      'ECR',
      'Harbor',
      'Quay',
      'ACR',
      'Artifactory',
      'Artifact Registry',
      'GitLab',
      'Docker Hub',
      'Nexus',
    ];
    expect(vendors.filter((vendor) => !WORDINGS.some(([from]) => from.startsWith(vendor)))).toEqual([]);
  });

  test.each(WORDINGS)('a moving tag, refused as recorded: %s', async (_, { status, body }) => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers: true });
    const { held, next, hold } = stocked(registry);
    hold('staging', 'newest');
    registry.addFault({
      match: { method: 'PUT', path: /manifests\/staging$/, nth: 'all' },
      action: { status, body },
    });
    const run = await promoteHere(job, registry, 'staging\nnewest');
    expectConflict(run, registry, { next, staging: held, newest: held });
    expect(registry.writes()).toHaveLength(1);
    const { message } = JSON.parse(body).errors?.[0] ?? JSON.parse(body).error ?? JSON.parse(body);
    expect(errorsOf(run)[0]?.message).toContain(message.split(' (')[0]);
  });
});

describe('case 45: a tag that never moves and holds this image', () => {
  test.each(STYLES)('nothing is to be done at %s, twice', async (style) => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers: true, immutable: { tags: /./, style } });
    const { next } = stocked(registry);
    const first = await promoteHere(job, registry, '1.2.3\nstaging');
    expect(first, first.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'promoted' } });
    const second = await promoteHere(job, registry, '1.2.3\nstaging');
    expect(second, second.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'unchanged' } });
    expect(registry.tags(NAME)).toEqual({ next, '1.2.3': next, staging: next });
    expect(recordsAt(registry, NAME)).toBe(1);
  });

  test.each(WORDINGS)(
    'another run has just written it, and the registry refuses as recorded: %s',
    async (_, { status, body }) => {
      await using job = await createPromotionJob();
      await using registry = await startRegistry({ referrers: true });
      const { held, next, hold } = stocked(registry);
      hold('staging');
      const put = { method: 'PUT', path: /manifests\/staging$/ };
      const actions: readonly FaultAction[] = [
        { moves: { repository: NAME, tag: 'staging', to: next }, when: 'before' },
        { status, body },
      ];
      for (const action of actions) registry.addFault({ match: put, action });
      const run = await promoteHere(job, registry, 'staging');
      expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'promoted' } });
      expect(registry.tags(NAME)).toEqual({ next, staging: next });
      expect(held).not.toBe(next);
      expect(recordsAt(registry, NAME)).toBe(1);
    },
  );
});

describe('two repositories, of which the second refuses', () => {
  test.each(STYLES)('what was written where is told, and the next run completes it: %s', async (style) => {
    await using job = await createPromotionJob();
    await using good = await startRegistry({ referrers: true });
    let isFast = true;
    const tags = { test: (tag: string) => isFast && tag === 'staging' };
    await using fast = await startRegistry({ referrers: true, immutable: { tags, style } });
    const { next, hold: holdGood } = stocked(good);
    const { held, hold } = stocked(fast);
    holdGood('staging');
    hold('staging');
    const at = {
      images: `${good.host}/${NAME}`,
      from: 'next',
      environment: 'staging',
      to: `${good.host}/${NAME}:staging\n${fast.host}/${NAME}:staging`,
    };
    const run = await job.promote(at);
    expectConflict(run, fast, { next, staging: held });
    expect(good.tags(NAME).staging).toBe(next);
    // What has moved has its record: without it there would be no way back.
    expect(recordsAt(good, NAME)).toBe(1);
    const { targets } = JSON.parse(run.outputs.json ?? '{}');
    expect(targets).toMatchObject([{ written: ['staging'] }, { written: [], error: { code: 'TAG_IMMUTABLE' } }]);
    isFast = false;
    const again = await job.promote(at);
    expect(again, again.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'promoted' } });
    expect([good.tags(NAME).staging, fast.tags(NAME).staging]).toEqual([next, next]);
    // Each has its own: records do not travel.
    expect([recordsAt(good, NAME), recordsAt(fast, NAME)]).toEqual([1, 1]);
    expect((await job.promote(at)).outputs.outcome).toBe('unchanged');
    const back = await job.promote({ ...at, from: '', rollback: 'true' });
    expect(back, back.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'rolled-back', digest: held } });
    expect([good.tags(NAME).staging, fast.tags(NAME).staging]).toEqual([held, held]);
  });
});
