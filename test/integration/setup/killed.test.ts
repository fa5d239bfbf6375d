import type { ChildProcess } from 'node:child_process';
import { expect, test } from 'vitest';
import { ecrScene } from '../../support/setup/ecr-scene.ts';
import { ACCOUNT, ECR_HOST } from '../../support/vendors/ecr-settings.ts';

const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
const CONFIG = `version: 1
registries:
  ecr:
    at: ${ECR_HOST}
    replicate: [{to: [us-east-1], only: [acme/], existing: copy}]
    receive: [{from: ["444455556666"]}]
    cache: [{prefix: hub, from: docker.io, secret: ecr-pullthroughcache/hub, pull: [o-a1b2c3d4e5]}]
    aws: {accountSettings: {BLOB_MOUNTING: ENABLED}}
defaults:
  immutable: {except: [latest]}
  scan: on-push
repositories:
  - name: acme/new
    pull: ["${role('task')}"]
    aws: {lifecyclePolicy: {rules: [{rulePriority: 1, selection: {tagStatus: untagged, countType: sinceImagePushed, countUnit: days, countNumber: 7}, action: {type: expire}}]}}
  - name: acme/old
    labels: {team: a, gone: none}
    push: ["${role('ci')}"]
`;
const WRITES = 14;

const scene = async () => {
  const opened = await ecrScene();
  opened.repository('acme/old', {}, { tags: { gone: 'x' } });
  return opened;
};

test('the file takes this many writes', async () => {
  const { run, writes } = await scene();
  expect((await run({ config: CONFIG, 'dry-run': 'false' })).outputs.outcome).toBe('applied');
  expect(writes()).toHaveLength(WRITES);
});

test.each(Array.from({ length: WRITES }, (_, at) => at + 1))(
  'killed at write %i, a second run of the same plan comes to the same end',
  async (nth) => {
    const { run, state, writes, problems } = await scene();
    const plan = await run({ config: CONFIG, 'plan-file': 'plan.json' });
    let child: ChildProcess | undefined;
    let count = 0;
    state.onWrite = () => {
      count += 1;
      if (count === nth) child?.kill('SIGKILL');
      // Half of the time AWS still does what it was asked, half of the time it does not.
      return count === nth && nth % 2 === 0 ? { status: 503, body: {} } : undefined;
    };
    const given = { config: CONFIG, plan: 'plan.json' };
    const killed = await run(given, { workspace: plan.workspace, onSpawn: (process) => (child = process) });
    expect(killed.exitCode).toBeNull();

    state.onWrite = undefined;
    const resumed = await run(given, { workspace: plan.workspace });
    // Settings of a repository that an interrupted run made are part of the plan, as those of its creation.
    expect(resumed.log).not.toContain('::error');
    await run({ config: CONFIG, 'dry-run': 'false' });
    const end = await run({ config: CONFIG, 'dry-run': 'false' });
    expect(end.outputs.outcome).toBe('unchanged');
    expect(writes()).toEqual([]);
    expect(problems).toEqual([]);
    expect([...state.repositories.keys()].toSorted()).toEqual(['acme/new', 'acme/old']);
    expect(state.backfills).toHaveLength(1);
  },
);
