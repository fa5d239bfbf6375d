import { expect, test } from 'vitest';
import { cleanupJson, renderCleanupOutputs } from '../../../../src/commands/cleanup/outputs.ts';
import type { CleanupResult } from '../../../../src/commands/cleanup/result.ts';
import { renderCleanupSummary } from '../../../../src/commands/cleanup/summary.ts';
import type { Digest } from '../../../../src/domain/digest.ts';
import { isDigest } from '../../../../src/domain/digest.ts';
import { planCleanup } from '../../../../src/domain/retention/plan-cleanup.ts';
import { parsePolicy } from '../../../../src/domain/retention/read-policy.ts';
import { registryTraits } from '../../../../src/domain/retention/registry-traits.ts';
import { digestOf } from '../../../../src/oci/image/digest-of.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY = 24 * 60 * 60 * 1000;
const digest = (text: string): Digest => {
  const found = digestOf(Buffer.from(text), 'sha256');
  if (!isDigest(found)) throw new Error(found);
  return found;
};

/** A plan of repositories with so many images, of which those older than 100 days go, each by a rule with an odd name. */
function planned(repositories: number, images: number): CleanupResult {
  const rule = 'old | `x` <b> "quoted"';
  const policy = parsePolicy(
    JSON.stringify({
      defaults: { limits: 'off' },
      rules: [{ name: rule, select: { tags: ['**'] }, remove: { 'older-than': '100d' } }],
    }),
    'policy',
  );
  if (!policy.ok) throw new Error(policy.problems.join('\n'));
  const inventories = Array.from({ length: repositories }, (_, at) => ({
    repository: `ghcr.io/org/app-${at}`,
    readAt: NOW,
    traits: registryTraits('ghcr'),
    gaps: [],
    tags: Array.from({ length: images }, (_tag, image) => ({ name: `build-${image}`, digest: digest(`${image}`) })),
    manifests: Array.from({ length: images }, (_image, image) => ({
      digest: digest(`${image}`),
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      kind: 'image' as const,
      presence: 'present' as const,
      children: [],
      size: 500,
      blobs: [{ digest: digest(`layer ${image}`), size: 1024 * 1024 }],
      pushedAt: NOW - image * DAY,
    })),
  }));
  const plan = planCleanup({
    policy: policy.value,
    inventories,
    inUse: { images: [], unreadable: [] },
    refs: {},
    now: NOW,
    sha256: digest,
  });
  return {
    outcome: 'planned',
    errors: [],
    warnings: Array.from({ length: 200 }, (_, at) => `warning ${at}`),
    steps: [],
    plan,
    planDigest: digest('plan'),
    planPath: 'plan.json',
    isDryRun: true,
    nativeRules: [],
    repositories: plan.repositories.map((each) => ({ plan: each })),
  };
}

test('a page of thousands of images stays readable and below the limit of a summary', () => {
  for (const [repositories, images] of [
    [1, 10_000],
    [300, 120],
  ] as const) {
    const page = renderCleanupSummary(planned(repositories, images));
    expect(Buffer.byteLength(page)).toBeLessThan(900_000);
    expect(page).toContain('more warnings are in the log');
  }
});

test('counts are whole, sizes are counted once, and names of others change no markup', () => {
  const result = planned(1, 1000);
  const page = renderCleanupSummary(result);
  expect(page).toContain(
    '**The plan deletes 899 manifests with 899 tags. That frees 899 MiB.** 101 manifests with 101 tags stay.',
  );
  expect(page).toContain('"go: old ? ?x? ?b? ?quoted?" : 899');
  expect(page).not.toContain('<b>');
  expect(page).toContain('and 799 more: see the plan file.');
  const outputs = renderCleanupOutputs(result);
  expect(outputs).toMatchObject({ 'deleted-manifests': '899', 'kept-manifests': '101', 'deleted-tags': '899' });
  expect(JSON.parse(JSON.stringify(cleanupJson(result)))).toMatchObject({
    counts: { deletedManifests: 899, isExact: true },
  });
  // The oldest first.
  expect(page.indexOf('<code>build-999</code>')).toBeLessThan(page.indexOf('<code>build-950</code>'));
});

test('after an apply, the page, its chart and its tables tell what was done, and not what was planned', () => {
  const { repositories, ...result } = planned(1, 103);
  const [first] = repositories;
  const steps = first?.plan.steps ?? [];
  expect(steps).toHaveLength(2);
  const results = steps.map((step, at) =>
    at === 0 ? ({ step, outcome: 'done' } as const) : ({ step, outcome: 'skipped', reason: 'its tag moved' } as const),
  );
  const page = renderCleanupSummary({
    ...result,
    outcome: 'cleaned',
    isDryRun: false,
    repositories: first === undefined ? [] : [{ ...first, report: { results, errors: [], broken: [], notices: [] } }],
  });
  expect(page).toContain(
    '**This run deleted 1 manifest with 1 tag. That freed 1.0 MiB.** 102 manifests with 102 tags stay.',
  );
  expect(page).toMatch(/"stay" : 102\n {2}"go: [^"]+" : 1\n/);
  const [deleted = '', left = ''] = page.slice(page.indexOf('#### What was deleted')).split('#### Not deleted');
  expect(deleted).toContain('<code>build-102</code>');
  expect(deleted).not.toContain('<code>build-101</code>');
  expect(left).toContain('<code>build-101</code>');
  expect(left).toContain('What stays by the plan: 101 images');
  expect(page).toContain('of 2026-06-01 00:00 UTC.');
});

test('what an interrupted run has deleted already is not counted among what stays', () => {
  const { repositories, ...result } = planned(1, 103);
  const [first] = repositories;
  const results = (first?.plan.steps ?? []).map(
    (step, at) => ({ step, outcome: at === 0 ? 'absent' : 'done' }) as const,
  );
  const outputs = renderCleanupOutputs({
    ...result,
    outcome: 'cleaned',
    isDryRun: false,
    repositories: first === undefined ? [] : [{ ...first, report: { results, errors: [], broken: [], notices: [] } }],
  });
  expect(outputs).toMatchObject({ 'deleted-manifests': '1', 'kept-manifests': '101', 'kept-tags': '101' });
});
