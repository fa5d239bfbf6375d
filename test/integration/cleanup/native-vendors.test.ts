import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fieldsOf } from '../../../src/domain/fields.ts';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { runCleanup } from '../../support/cleanup/command.ts';
import { googleRow, harborRow } from '../../support/cleanup/native-rows.ts';
import { plainScene } from '../../support/cleanup/scene.ts';
import type { VendorRow } from '../../support/cleanup/vendor-api.ts';
import { vendorCommand } from '../../support/cleanup/vendor-command.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';
import type { TestRegistry } from '../../support/registry.ts';

const policyWith = (engine = 'native', match = '') => `
defaults: { engine: ${engine}, multi-tag: any, limits: { tagged: 100%, keep-newest-image: false } }
protect: { tags: ["v1*"], in-use: [] }
${match}rules:
  - { name: pull requests, select: { tags: ["pr-*"], kind: any }, remove: { older-than: 14d } }
`;

async function scene(row: VendorRow) {
  const opened = await vendorCommand(row);
  const { content } = opened;
  content.index([content.image('old')], 'pr-1');
  content.index([content.image('release')], 'v1.0.0');
  return opened;
}

const rulesOf = (json: string | undefined) => {
  const { nativeRules } = fieldsOf(JSON.parse(json ?? '{}'));
  const [first] = Array.isArray(nativeRules) ? nativeRules : [];
  return fieldsOf(first);
};

describe('Artifact Registry', () => {
  const OURS = {
    'registry-action-keep-protected': {
      id: 'registry-action-keep-protected',
      action: 'KEEP',
      condition: { tagState: 'TAGGED', tagPrefixes: ['v1', 'sha256-', 'sha512-'] },
    },
    'registry-action-delete-1': {
      id: 'registry-action-delete-1',
      action: 'DELETE',
      condition: { tagState: 'TAGGED', tagPrefixes: ['pr-'], olderThan: '1209600s' },
    },
  };
  const FOREIGN = { theirs: { id: 'theirs', action: 'KEEP', mostRecentVersions: { keepCount: 5 } } };

  test('ours come beside those of others, without effect first', async () => {
    const google = googleRow();
    const { run, cloud, problems } = await scene(google.row);
    google.set({ cleanupPolicies: FOREIGN });
    const plan = await run({ policy: policyWith() });
    expect(plan.outputs.outcome, plan.log).toBe('planned');
    expect(rulesOf(plan.outputs.json)).toMatchObject({
      scope: 'us-docker.pkg.dev/p/r',
      action: 'install',
      replaced: [],
    });
    expect(google.repository()).not.toHaveProperty('cleanupPolicyDryRun');
    const apply = await run({ policy: policyWith(), plan: plan.outputs.plan ?? '' });
    expect(apply.outputs.outcome, apply.log).toBe('cleaned');
    expect(google.repository()).toMatchObject({ cleanupPolicies: { ...FOREIGN, ...OURS }, cleanupPolicyDryRun: false });
    const patches = cloud.requests.filter(({ method }) => method === 'PATCH');
    expect(patches.map(({ body }) => fieldsOf(JSON.parse(body)).cleanupPolicyDryRun)).toEqual([true, false]);
    const next = await run({ policy: policyWith() });
    expect(rulesOf(next.outputs.json)).toMatchObject({ action: 'unchanged' });
    expect(problems()).toEqual([]);
  });

  test('a repository that runs its policies dry keeps doing so', async () => {
    const google = googleRow();
    const { run } = await scene(google.row);
    google.set({ cleanupPolicies: FOREIGN, cleanupPolicyDryRun: true });
    const apply = await run({ policy: policyWith(), 'dry-run': 'false' });
    expect(apply.outputs.outcome, apply.log).toBe('cleaned');
    expect(google.repository()).toMatchObject({ cleanupPolicies: { ...FOREIGN, ...OURS }, cleanupPolicyDryRun: true });
  });

  test('a run that is killed between its two requests is finished by the same plan', async () => {
    const google = googleRow();
    const { run } = await scene(google.row);
    google.set({ cleanupPolicies: FOREIGN });
    const plan = await run({ policy: policyWith() });
    google.set({ cleanupPolicies: { ...FOREIGN, ...OURS }, cleanupPolicyDryRun: true });
    const apply = await run({ policy: policyWith(), plan: plan.outputs.plan ?? '' });
    expect(apply.outputs.outcome, apply.log).toBe('cleaned');
    expect(google.repository()).toMatchObject({ cleanupPolicyDryRun: false });
  });

  test('other images of the repository are never given to Google', async () => {
    const google = googleRow({ packages: ['other/app'] });
    const { run } = await scene(google.row);
    const plan = await run({ policy: policyWith('auto'), 'dry-run': 'false' });
    expect(plan.outputs.outcome, plan.log).toBe('cleaned');
    expect(JSON.stringify(rulesOf(plan.outputs.json))).toContain('other/app is not in `images`');
    expect(google.repository()).not.toHaveProperty('cleanupPolicies');
  });

  test('an entry for one image only is not for a repository', async () => {
    const google = googleRow();
    const { run } = await scene(google.row);
    const policy = policyWith()
      .replace('rules:', 'repositories:\n  - match: [us-docker.pkg.dev/p/r/app]\n    rules:\n  ')
      .replace('  - { name: pull', '    - { name: pull');
    const plan = await run({ policy });
    expect(plan.outputs.outcome).toBe('refused');
    expect(plan.log).toContain('as `us-docker.pkg.dev/p/r/**` does');
  });

  test('what Google stores otherwise is taken back', async () => {
    const google = googleRow({
      stores: (repository) => {
        const policies = fieldsOf(repository.cleanupPolicies);
        return Object.keys(policies).length > 1
          ? { cleanupPolicies: { ...policies, extra: { id: 'extra', action: 'DELETE' } } }
          : {};
      },
    });
    const { run } = await scene(google.row);
    google.set({ cleanupPolicies: FOREIGN });
    const apply = await run({ policy: policyWith(), 'dry-run': 'false' });
    expect(apply.outputs.outcome).toBe('refused');
    expect(google.repository()).toMatchObject({ cleanupPolicies: FOREIGN, cleanupPolicyDryRun: false });
  });
});

describe('Harbor', () => {
  const foreign = (pattern: string) => ({
    action: 'retain',
    template: 'latestPushedK',
    params: { latestPushedK: 9 },
    tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: '**', extras: '{"untagged":true}' }],
    scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern }] },
  });
  const store = (harbor: ReturnType<typeof harborRow>, ...rules: readonly unknown[]) =>
    harbor.stored().push({
      id: 1,
      project: 'team',
      policy: {
        algorithm: 'or',
        rules,
        scope: { level: 'project', ref: 3 },
        trigger: { kind: 'Schedule', settings: { cron: '0 0 1 * * *' } },
      },
    });
  const cronOf = (harbor: ReturnType<typeof harborRow>) =>
    fieldsOf(fieldsOf(harbor.stored()[0]?.policy.trigger).settings).cron;
  const rulesIn = (harbor: ReturnType<typeof harborRow>) => {
    const { rules } = harbor.stored()[0]?.policy ?? {};
    return Array.isArray(rules) ? rules.map(fieldsOf) : [];
  };

  test('plan, approve, apply: the rules run dry before they get a schedule', async () => {
    const harbor = harborRow(({ tags }) => !tags.some((tag) => tag.startsWith('pr-')));
    const { run, cloud, problems } = await scene(harbor.row);
    const plan = await run({ policy: policyWith() });
    expect(plan.outputs.outcome, plan.log).toBe('planned');
    expect(rulesOf(plan.outputs.json)).toMatchObject({ scope: 'harbor.example.com/team', action: 'install' });
    expect(harbor.stored()).toEqual([]);
    const apply = await run({ policy: policyWith(), plan: plan.outputs.plan ?? '' });
    expect(apply.outputs.outcome, apply.log).toBe('cleaned');
    expect(rulesIn(harbor).map(({ template }) => template)).toEqual([
      'always',
      'always',
      'always',
      'always',
      'nDaysSinceLastPush',
    ]);
    expect(cronOf(harbor)).toBe('0 0 0 * * *');
    const writes = cloud.requests.filter(({ method, url }) => method !== 'GET' && url.pathname.includes('/retentions'));
    expect(writes.map(({ method }) => method)).toEqual(['POST', 'POST', 'PUT']);
    const next = await run({ policy: policyWith() });
    expect(rulesOf(next.outputs.json)).toMatchObject({ action: 'unchanged' });
    expect(problems()).toEqual([]);
  });

  test('rules about other repositories stay, with their schedule; those about this one are replaced by an approved plan', async () => {
    const harbor = harborRow();
    const { run } = await scene(harbor.row);
    store(harbor, foreign('other'), foreign('services/app'));
    const atOnce = await run({ policy: policyWith(), 'dry-run': 'false' });
    expect(atOnce.outputs.outcome).toBe('refused');
    expect(rulesIn(harbor)).toHaveLength(2);
    const plan = await run({ policy: policyWith() });
    expect(plan.outputs.outcome, plan.log).toBe('planned');
    const apply = await run({ policy: policyWith(), plan: plan.outputs.plan ?? '' });
    expect(apply.log).not.toContain('::error');
    expect(rulesIn(harbor)[0]).toMatchObject(foreign('other'));
    expect(rulesIn(harbor)).toHaveLength(6);
    expect(cronOf(harbor)).toBe('0 0 1 * * *');
  });

  test('a dry run that would delete more puts the rules back', async () => {
    const harbor = harborRow(() => false);
    const { run } = await scene(harbor.row);
    store(harbor, foreign('other'));
    const apply = await run({ policy: policyWith(), 'dry-run': 'false' });
    expect(apply.outputs.outcome).toBe('refused');
    expect(apply.log).toContain('images of harbor.example.com/team/services/app, of which 0 go by the plan');
    expect(rulesIn(harbor)).toHaveLength(1);
    expect(cronOf(harbor)).toBe('0 0 1 * * *');
  });

  test('a run that is killed before the schedule is back is finished by the same plan', async () => {
    const harbor = harborRow(({ tags }) => !tags.some((tag) => tag.startsWith('pr-')));
    const { run } = await scene(harbor.row);
    store(harbor, foreign('other'));
    const plan = await run({ policy: policyWith() });
    const [stored] = harbor.stored();
    const after = fieldsOf(rulesOf(plan.outputs.json).after);
    if (stored !== undefined)
      stored.policy = { ...stored.policy, rules: after.rules, trigger: { kind: 'Schedule', settings: { cron: '' } } };
    const apply = await run({ policy: policyWith(), plan: plan.outputs.plan ?? '' });
    expect(apply.outputs.outcome, apply.log).toBe('cleaned');
    expect(cronOf(harbor)).toBe('0 0 1 * * *');
  });

  test('a run that is killed before the schedule leaves rules without effect, and the next one finishes', async () => {
    let isBroken = true;
    const harbor = harborRow(
      ({ tags }) => !tags.some((tag) => tag.startsWith('pr-')),
      ({ method, url }) =>
        isBroken && method === 'GET' && url.pathname.endsWith('/tasks')
          ? { status: 403, body: { errors: [{ code: 'FORBIDDEN', message: 'forbidden' }] } }
          : undefined,
    );
    const { run } = await scene(harbor.row);
    const first = await run({ policy: policyWith(), 'dry-run': 'false' });
    expect(first.outputs.outcome).toBe('registry-failed');
    expect(rulesIn(harbor)).toEqual([]);
    isBroken = false;
    const second = await run({ policy: policyWith(), 'dry-run': 'false' });
    expect(second.outputs.outcome, second.log).toBe('cleaned');
    expect(cronOf(harbor)).toBe('0 0 0 * * *');
  });
});

describe('registries that take no rules by their API', () => {
  const rowOf = (id: string) => {
    const row = VENDOR_ROWS.find((each) => each.id === id);
    if (row === undefined) throw new Error(id);
    return row;
  };

  test('Azure: the commands of a purge task, to copy', async () => {
    const { run } = await scene(rowOf('acr'));
    const plan = await run({ policy: policyWith('native').replace('multi-tag: any', 'multi-tag: untag') });
    expect(plan.outputs.outcome, plan.log).toBe('planned');
    const text = await readFile(plan.outputs['native-rules'] ?? '', 'utf8');
    expect(text).toContain("acr purge --filter 'org/app:^(?!(?:(?:v1[^/]*)");
    expect(plan.summary).toContain('to be set by you');
    expect(plan.summary).toContain('Azure CLI');
  });

  test.each(['ghcr', 'docker-hub', 'nexus', 'artifactory', 'ecr-public'])(
    '%s: `native` fails, `auto` does not',
    async (id) => {
      const { run } = await scene(rowOf(id));
      const native = await run({ policy: policyWith('native') });
      expect(native.outputs.outcome).toBe('refused');
      expect(native.log).toContain('has no retention rules of its own that its API sets');
      const auto = await run({ policy: policyWith('auto') });
      expect(auto.outputs.outcome, auto.log).toBe('planned');
    },
  );
});

describe('a registry without an API for rules', () => {
  const policy = `
defaults: { engine: auto, basis: created, multi-tag: untag, limits: { tagged: 100%, keep-newest-image: false } }
protect: { tags: ["v*"], in-use: [] }
rules: [{ name: builds, select: { tags: ["*"], kind: any }, remove: { older-than: 30d } }]
`;
  /** An image that was built at a time, or at a time that nobody knows. */
  const put = (registry: TestRegistry, tag: string, created?: string) => {
    const config = Buffer.from(
      JSON.stringify({ os: 'linux', architecture: 'amd64', tag, ...(created && { created }) }),
    );
    const digest = registry.putBlob('team/app', config);
    const manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { mediaType: MEDIA_TYPES.ociConfig, digest, size: config.length },
      layers: [],
    };
    registry.putManifest('team/app', tag, MEDIA_TYPES.ociManifest, Buffer.from(JSON.stringify(manifest)));
  };

  test('the fragment of zot, where every image has a build time', async () => {
    const { registry } = await plainScene();
    for (const tag of ['v1.0.0', 'build-1']) put(registry, tag, '2026-01-01T00:00:00Z');
    const run = await runCleanup({ images: `${registry.host}/team/app`, policy });
    expect(run.outputs.outcome, run.log).toBe('planned');
    expect(run.summary).toContain('storage.retention');
    expect(JSON.parse(await readFile(run.outputs['native-rules'] ?? '', 'utf8'))).toMatchObject([
      {
        action: 'export',
        rules: {
          policies: [{ repositories: ['team/app'], keepTags: [{}, { patterns: ['.*'], pushedWithin: '720h' }] }],
        },
      },
    ]);
    expect(run.outputs['rules-to-set']).toBe('0');
  });

  test('nothing, where the registry may know the age of an image that this action does not know', async () => {
    const { registry } = await plainScene();
    put(registry, 'v1.0.0', '2026-01-01T00:00:00Z');
    put(registry, 'build-1');
    const run = await runCleanup({ images: `${registry.host}/team/app`, policy });
    expect(run.outputs.outcome, run.log).toBe('planned');
    expect(run.log).toMatch(/The rule "builds" is not for the retention of zot .*build-1: its age is unknown/);
    expect(JSON.parse(await readFile(run.outputs['native-rules'] ?? '', 'utf8'))).toMatchObject([
      { action: 'none', rules: null },
    ]);
  });
});

test('a plan whose rules were changed is refused', async () => {
  const google = googleRow();
  const { run, cloud } = await scene(google.row);
  const plan = await run({ policy: policyWith() });
  const path = plan.outputs.plan ?? '';
  const text = await readFile(path, 'utf8');
  const changed = join(path, '..', 'changed.json');
  await writeFile(changed, text.replace('1209600s', '1s'));
  const apply = await run({ policy: policyWith(), plan: changed });
  expect(apply.outputs.outcome).toBe('invalid-input');
  expect(cloud.requests.filter(({ method }) => method === 'PATCH')).toEqual([]);
});
