import { describe, expect, test } from 'vitest';
import { ecrScene } from '../../support/setup/ecr-scene.ts';
import { ACCOUNT, ECR_HOST } from '../../support/vendors/ecr-settings.ts';

const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
const file = (registry = '', repositories = '', owner = 'platform') =>
  `version: 1\nowner: ${owner}\nregistries:\n  ecr: {at: ${ECR_HOST}${registry}}\n${repositories === '' ? '' : `repositories:\n${repositories}`}`;
const one = (settings: string, registry = '', owner = 'platform') =>
  file(registry, `  - {name: acme/api, ${settings}}\n`, owner);
const APPLY = { 'dry-run': 'false' };
const document = (...statements: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements });

describe('what several teams share', () => {
  test('two files of two owners take turns, and neither changes what the other did', async () => {
    const scene = await ecrScene();
    const team = (name: string) =>
      file(
        `, replicate: [{to: [us-east-1], only: [${name}/]}], receive: [{from: ["444455556666"], only: [${name}/]}]`,
        `  - {name: ${name}/app, scan: on-push, pull: ["${role(name)}"]}\n  - {match: shared/*, pull: ["${role(name)}"]}\n`,
        name,
      );
    scene.repository('shared/base');
    for (const name of ['alpha', 'beta']) {
      const run = await scene.run({ config: team(name), ...APPLY });
      expect(run.log).not.toContain('::error');
      expect(run.outputs.outcome).toBe('applied');
    }
    for (const name of ['alpha', 'beta', 'alpha', 'beta']) {
      const run = await scene.run({ config: team(name), ...APPLY });
      expect(run.outputs.outcome, name).toBe('unchanged');
      expect(scene.writes()).toEqual([]);
    }
    expect(scene.state.replication).toHaveLength(2);
    expect(scene.state.repositories.get('shared/base')?.policy).toContain('setup-alpha-pull');
    expect(scene.state.repositories.get('shared/base')?.policy).toContain('setup-beta-pull');
    expect(scene.problems).toEqual([]);
  });

  test('replication that another team writes between reading and writing is not overwritten', async () => {
    const scene = await ecrScene();
    const theirs = {
      destinations: [{ region: 'us-west-2', registryId: ACCOUNT }],
      repositoryFilters: [{ filter: 'team-b/', filterType: 'PREFIX_MATCH' }],
    };
    scene.state.onWrite = (operation) => {
      if (operation === 'CreateRepository') scene.state.replication = [theirs];
      return undefined;
    };
    const config = one('immutable: false', ', replicate: [{to: [us-east-1], only: [acme/]}]');
    const run = await scene.run({ config, ...APPLY });
    expect(run.exitCode).toBe(1);
    expect(run.log).toContain('because somebody else changed it since it was read');
    expect(scene.state.replication).toEqual([theirs]);
    const again = await scene.run({ config, ...APPLY });
    expect(again.outputs.outcome).toBe('applied');
    expect(scene.state.replication).toHaveLength(2);
  });

  test('a policy with statements without a `Sid` keeps them, and a second run writes nothing', async () => {
    const scene = await ecrScene();
    const foreign = { Effect: 'Allow', Principal: { AWS: 'AROAEXAMPLEID1234567' }, Action: 'ecr:BatchGetImage' };
    const stored = scene.repository('acme/api', {}, { policy: document(foreign, { ...foreign, Principal: '*' }) });
    const config = one(`pull: ["${role('task')}"]`);
    const run = await scene.run({ config, ...APPLY });
    expect(run.outputs.outcome).toBe('applied');
    expect(JSON.parse(stored.policy ?? '').Statement.slice(0, 2)).toEqual([foreign, { ...foreign, Principal: '*' }]);
    expect((await scene.run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
    expect(scene.writes()).toEqual([]);
  });

  test('filters of immutability that the file does not name are shown before they go', async () => {
    const scene = await ecrScene();
    const filters = ['latest', 'cache'].map((filter) => ({ filterType: 'WILDCARD', filter }));
    scene.repository('acme/api', {
      imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
      imageTagMutabilityExclusionFilters: filters,
    });
    const run = await scene.run({ config: one('immutable: {except: [latest]}') });
    expect(run.outputs).toMatchObject({ outcome: 'planned', 'changed-settings': '1' });
    expect(run.summary).toContain('cache');
  });
});

describe('what to know before it is too late', () => {
  test.each([
    ['an organization that may push', one('push: [o-a1b2c3d4e5]'), 'every account of it could push'],
    ['a template for pushes', file(', templates: [{prefix: acme/, for: [push]}]'), 'make repositories by a push'],
    ['immutable tags and cosign', one('immutable: true'), 'write `immutable: {except: ["sha256-*"]}`'],
  ])('%s is a warning with its line', async (_, config, message) => {
    const scene = await ecrScene();
    const run = await scene.run({ config });
    expect(run.outputs.outcome).toBe('planned');
    expect(run.annotations.filter(({ level }) => level === 'warning').map((each) => each.message)).toContainEqual(
      expect.stringContaining(message),
    );
    expect(run.log).toMatch(/::warning::config:\d+:/);
  });

  test('a cache whose pullers are an organization comes with the policy and the template that they need', async () => {
    const scene = await ecrScene();
    const config = file(
      ', cache: [{prefix: hub, from: docker.io, secret: ecr-pullthroughcache/hub, pull: [o-a1b2c3d4e5]}]',
    );
    const run = await scene.run({ config, ...APPLY });
    expect(run.outputs.outcome).toBe('applied');
    expect([...scene.state.caches.keys()]).toEqual(['hub']);
    const { registryPolicy, templates } = scene.state;
    for (const action of ['ecr:BatchImportUpstreamImage', 'ecr:CreateRepository'])
      expect(registryPolicy).toContain(action);
    expect(registryPolicy).toContain('repository/hub/*');
    expect(String(templates.get('hub')?.repositoryPolicy)).toContain('o-a1b2c3d4e5');
    expect(templates.get('hub')?.appliedFor).toEqual(['PULL_THROUGH_CACHE']);
    expect((await scene.run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
  });
});

describe('scanning filters that AWS does not take', () => {
  const rule = (...filters: readonly string[]) => ({
    scanFrequency: 'SCAN_ON_PUSH',
    repositoryFilters: filters.map((filter) => ({ filter, filterType: 'WILDCARD' })),
  });
  const named = (name: string, scan: string) => `  - {name: ${name}, scan: ${scan}}\n`;

  test.each(['acme/a--b', 'acme/a__b'])('with basic scanning, %s is scanned by its own flag', async (name) => {
    const scene = await ecrScene();
    const stored = scene.repository(name);
    scene.state.scanning.rules = [rule('team-b/*')];
    const run = await scene.run({ config: file('', named(name, 'on-push')), ...APPLY });
    expect(run.outputs.outcome).toBe('applied');
    expect(stored.settings).toMatchObject({ imageScanningConfiguration: { scanOnPush: true } });
    expect(scene.state.scanning.rules).toEqual([rule('team-b/*')]);
    expect((await scene.run({ config: file('', named(name, 'on-push')), ...APPLY })).outputs.outcome).toBe('unchanged');
    expect(scene.problems).toEqual([]);
  });

  test.each(['acme/a--b', 'acme/a__b'])(
    'with enhanced scanning, %s is left out, and all others are scanned',
    async (name) => {
      const scene = await ecrScene();
      for (const each of [name, 'acme/api']) scene.repository(each);
      const config = file(', scanning: enhanced', named(name, 'continuous') + named('acme/api', 'continuous'));
      const run = await scene.run({ config, ...APPLY });
      expect(run.outputs).toMatchObject({ outcome: 'partial', 'unsupported-settings': '1' });
      expect(run.log).toContain('AWS takes names with `--` or `__` in no scanning filter');
      expect(scene.state.scanning.rules).toMatchObject([{ repositoryFilters: [{ filter: 'acme/api' }] }]);
      expect(scene.problems).toEqual([]);
      scene.state.scanning.rules = [{ ...rule('acme/*'), scanFrequency: 'CONTINUOUS_SCAN' }];
      expect((await scene.run({ config, ...APPLY })).outputs.outcome).toBe('unchanged');
    },
  );

  test('more filters than AWS takes are never sent, also where the flag of a repository counts for nothing', async () => {
    const scene = await ecrScene();
    scene.repository('acme/api');
    const full = rule(...Array.from({ length: 100 }, (_, at) => `other/r${at}`));
    scene.state.scanning = { scanType: 'ENHANCED', rules: [full] };
    const run = await scene.run({ config: file('', named('acme/api', 'on-push')), ...APPLY });
    expect(run.outputs).toMatchObject({ outcome: 'partial', 'unsupported-settings': '1' });
    expect(scene.writes()).toEqual([]);
    scene.state.scanning.scanType = 'BASIC';
    const flag = await scene.run({ config: file('', named('acme/api', 'on-push')), ...APPLY });
    expect(flag.outputs.outcome).toBe('applied');
    expect(scene.writes()).toEqual(['PutImageScanningConfiguration']);
  });
});

describe('copies in another region', () => {
  const COPIES = ECR_HOST.replace('eu-west-1', 'us-east-1');
  const both = (templates: string, settings: string) => `version: 1
registries:
  ecr: {at: ${ECR_HOST}, replicate: [{to: [us-east-1], only: [acme/]}]}
  copies: {at: ${COPIES}${templates}}
repositories:
  - {name: acme/api, on: [ecr], ${settings}}
`;
  test('a registry that is not in the file gets none of the settings', async () => {
    const scene = await ecrScene();
    const run = await scene.run({ config: one('immutable: true', ', replicate: [{to: [us-east-1], only: [acme/]}]') });
    expect(run.log).toContain(`Replication copies images, not settings: add \`${COPIES}\` to \`registries\``);
  });

  test.each([
    [
      'moving tags where the copies are immutable',
      ', templates: [{prefix: acme/, for: [replication], immutable: true}]',
      'immutable: {except: [latest]}',
      'a tag that moves at the source would silently stay on the old image there. This is about acme/api',
    ],
    [
      'copies without a template',
      '',
      'immutable: true',
      'has neither these repositories nor a template `for: [replication]` for them',
    ],
    [
      'copies that can be overwritten',
      ', templates: [{prefix: ROOT, for: [replication]}]',
      'immutable: true',
      'tags of the copies in `copies` can be moved, and those of the source cannot',
    ],
    [
      'copies that nothing expires',
      ', templates: [{prefix: acme/, for: [replication], immutable: true}]',
      'immutable: true, aws: {lifecyclePolicy: {rules: [{rulePriority: 1, selection: {tagStatus: untagged, countType: sinceImagePushed, countUnit: days, countNumber: 7}, action: {type: expire}}]}}',
      'have no `retention`, so nothing expires there',
    ],
  ])('%s are told', async (_, templates, settings, message) => {
    const scene = await ecrScene(['us-east-1']);
    const run = await scene.run({ config: both(templates, settings) });
    expect(run.annotations.filter(({ level }) => level === 'error')).toEqual([]);
    expect(run.log).toContain(message);
    expect(run.log).not.toContain('to `registries` with a template');
  });

  test('the same settings on both sides need no warning', async () => {
    const scene = await ecrScene(['us-east-1']);
    const run = await scene.run({
      config: both(
        ', templates: [{prefix: acme/, for: [replication], immutable: {except: [latest]}}]',
        'immutable: {except: [latest]}',
      ),
    });
    expect(run.outputs.outcome).toBe('planned');
    expect(run.log).not.toContain('copies images, not settings');
  });
});
