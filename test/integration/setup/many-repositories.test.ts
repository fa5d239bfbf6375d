import { expect, test } from 'vitest';
import { ecrScene } from '../../support/setup/ecr-scene.ts';
import { ACCOUNT, ECR_HOST } from '../../support/vendors/ecr-settings.ts';

const COUNT = 200;
/** Of a summary that GitHub shows. */
const MAX_SUMMARY_BYTES = 1024 * 1024;
/** Reads of one repository: its policy, its lifecycle policy and its tags. */
const READS_EACH = 3;

const config = (repositories: string) => `version: 1
owner: platform
registries:
  ecr: {at: ${ECR_HOST}}
defaults:
  immutable: {except: [latest]}
  labels: {team: platform}
  pull: ["arn:aws:iam::${ACCOUNT}:role/task"]
repositories:
${repositories}`;

test('200 repositories: a match plans and applies all of them with few requests, and a second run writes nothing', async () => {
  const scene = await ecrScene();
  for (let index = 0; index < COUNT; index += 1) scene.repository(`acme/app-${index}`);
  const all = config('  - match: acme/*\n');
  const plan = await scene.run({ config: all });
  expect(plan.outputs).toMatchObject({ outcome: 'planned', drift: 'true' });
  expect(scene.state.asked.length).toBeLessThanOrEqual(COUNT * READS_EACH + 10);
  expect(scene.writes()).toEqual([]);
  expect(Buffer.byteLength(plan.summary)).toBeLessThan(MAX_SUMMARY_BYTES);
  expect(plan.summary).toContain('acme/app-0');

  const started = performance.now();
  const applied = await scene.run({ config: all, 'dry-run': 'false' });
  expect(applied.outputs.outcome).toBe('applied');
  expect(applied.log).not.toContain('::error');
  expect(performance.now() - started).toBeLessThan(60_000);
  // Three writes for each: mutability, tags, policy.
  expect(scene.writes()).toHaveLength(COUNT * 3);
  expect(Buffer.byteLength(applied.outputs.json ?? '')).toBeLessThanOrEqual(100 * 1024);
  expect(Buffer.byteLength(applied.summary)).toBeLessThan(MAX_SUMMARY_BYTES);

  const again = await scene.run({ config: all, 'dry-run': 'false' });
  expect(again.outputs.outcome).toBe('unchanged');
  expect(scene.writes()).toEqual([]);
  expect(scene.problems).toEqual([]);
}, 240_000);
