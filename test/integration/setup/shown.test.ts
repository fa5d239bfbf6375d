import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ecrScene } from '../../support/setup/ecr-scene.ts';
import { exampleOf, openVendor } from '../../support/setup/vendor-run.ts';
import { VENDOR_SCENES } from '../../support/setup/vendor-scenes.ts';
import { ACCOUNT, ECR_HOST } from '../../support/vendors/ecr-settings.ts';

const HEAD = `version: 1\nregistries: {ecr: {at: ${ECR_HOST}}}\nrepositories:\n`;
const NIGHT = { event: { name: 'schedule', ref: 'refs/heads/main', sha: 'a'.repeat(40), payload: {} } } as const;
const APPLY = { 'dry-run': 'false' } as const;
const headingOf = (summary: string) => summary.split('\n', 1)[0];

describe('a `match` that selects nothing', () => {
  const warning = (pattern: string) => `\`match\` "${pattern}" finds no repository in \`ecr\`, and creates none`;

  test.each(['plan', 'export'])('is a warning with its line in a run of %s', async (kind) => {
    const scene = await ecrScene();
    scene.repository('acme/api');
    const config = `${HEAD}  - {match: acme/*, immutable: true}\n  - {match: amce/*, immutable: true}\n`;
    const run = await scene.run({ config, ...(kind === 'export' ? { export: 'terraform' } : {}) });
    expect(run.log).toContain(`::warning::config:5: ${warning('amce/*')}`);
    expect(run.log).not.toContain(warning('acme/*'));
  });

  test('is none where it selects what a `name` creates, or where nobody may list', async () => {
    const scene = await ecrScene();
    const named = `${HEAD}  - {match: acme/*, immutable: true}\n  - {name: acme/new}\n`;
    expect((await scene.run({ config: named })).log).not.toContain('finds no repository');
    scene.state.listDenied = true;
    const only = `${HEAD}  - {match: amce/*, immutable: true}\n`;
    expect((await scene.run({ config: only })).log).not.toContain('finds no repository');
  });
});

describe('what the summary says', () => {
  const one = `${HEAD}  - {name: acme/api, immutable: true}\n`;

  test('a plan, an apply, and one with nothing to do', async () => {
    const scene = await ecrScene();
    const plan = await scene.run({ config: one });
    expect(headingOf(plan.summary)).toBe(`## ✅ Dry run: ${ECR_HOST}`);
    expect(plan.summary).toContain('**Settings: 2 to make.**');
    expect(plan.summary).toContain('To apply it');
    const done = await scene.run({ config: one, ...APPLY });
    expect(done.summary).toContain('**Settings: 2 made.**');
    const again = await scene.run({ config: one });
    expect(again.summary).toContain('**Nothing differs, 2 as they should be.**');
    expect(again.summary).not.toContain('To apply it');
    expect(again.log).toContain('nothing differs, 2 settings are as they should be.');
  });

  test('drift of one setting, and values as people write them', async () => {
    const scene = await ecrScene();
    scene.repository('acme/api', { imageTagMutability: 'IMMUTABLE' });
    const config = `${HEAD}  - {name: acme/api, immutable: {except: [latest, "v*"]}, pull: ["arn:aws:iam::${ACCOUNT}:role/a"]}\n`;
    const night = await scene.run({ config: config.replace(/, pull.*\]/, '') }, NIGHT);
    expect(headingOf(night.summary)).toBe(`## ❌ Drift: ${ECR_HOST}`);
    expect(night.log).toContain('1 setting differs from the desired state');
    expect(night.log).toContain('1 setting is as it should be, 1 is listed below.');
    expect(night.log).toContain('~ acme/api immutable: true → except latest, v*');
    expect((await scene.run({ config })).log).toContain(`+ acme/api pull: arn:aws:iam::${ACCOUNT}:role/a (line 4)`);
  });

  test.each([
    [
      'a setting that the vendor lacks',
      'quota: 5GB',
      undefined,
      '⚠️ Dry run, in part:',
      '1 that the vendor does not support',
    ],
    [
      'a read that is denied',
      'labels: {team: a}',
      'ListTagsForResource',
      '⚠️ Dry run, in part:',
      '1 that could not be read',
    ],
  ])('%s is no clean plan', async (_name, setting, denied, heading, text) => {
    const scene = await ecrScene();
    scene.repository('acme/api');
    if (denied !== undefined) scene.state.denied.add(denied);
    const run = await scene.run({ config: `${HEAD}  - {name: acme/api, immutable: false, ${setting}}\n` });
    expect(run.outputs.outcome).toBe('partial');
    expect(headingOf(run.summary)).toBe(`## ${heading} ${ECR_HOST}`);
    expect(run.summary).toContain(text);
  });

  test('a write that is denied fails the job, and the heading says so', async () => {
    const scene = await ecrScene();
    scene.state.denied.add('SetRepositoryPolicy');
    const config = `${HEAD}  - {name: acme/api, immutable: true, pull: ["arn:aws:iam::${ACCOUNT}:role/a"]}\n`;
    const run = await scene.run({ config, ...APPLY });
    expect(run.exitCode).toBe(1);
    expect(run.outputs.outcome).toBe('partial');
    expect(headingOf(run.summary)).toBe(`## ❌ Set up in part: ${ECR_HOST}`);
    expect(run.summary).toContain('Part of the plan was done');
    expect(run.summary).toContain('**Settings: 2 made, 1 not done.**');
  });

  test('an export that leaves something out', async () => {
    const scene = await ecrScene();
    const run = await scene.run({ config: `${HEAD}  - {name: acme/api, quota: 5GB}\n`, export: 'terraform' });
    expect(headingOf(run.summary)).toBe('## ⚠️ Exported in part');
  });
});

test('a host of no known kind: every setting is shown, with the input that would say what it is', async () => {
  const { run } = await openVendor({
    hosts: { 'harbor.acme.example': () => ({ status: 500 }) },
    inputs: {},
    problems: () => [],
  });
  const config = `version: 1
registries: {r: {at: harbor.acme.example, replicate: [{to: [eu]}]}}
repositories: [{name: a/b, immutable: true, scan: off}]
`;
  const done = await run({ config });
  expect(done.outputs).toMatchObject({ outcome: 'partial', 'unsupported-settings': '3' });
  expect(done.log).toContain('set `registry-type: harbor.acme.example=harbor`');
  expect(done.log).toContain('harbor.acme.example: replicate, a/b repository, a/b immutable: ');
  expect(done.log).not.toContain('Distribution');
});

describe('the file for credentials', () => {
  test.each([
    ['without its folder', 'missing/credentials.json', 'its folder does not exist'],
    ['a folder', 'folder', 'it is a folder'],
  ])('%s is refused before any request', async (_name, file, reason) => {
    const scene = await VENDOR_SCENES.Harbor?.();
    if (scene === undefined) throw new Error('Harbor');
    const { run, cloud, workspace } = await openVendor(scene);
    await mkdir(join(workspace, 'folder'));
    const done = await run({ config: exampleOf('Harbor'), ...APPLY, 'credentials-file': file });
    expect(done.outputs.outcome).toBe('invalid-input');
    expect(done.log).toContain('`credentials-file`');
    expect(done.log).toContain(reason);
    expect(cloud.requests).toEqual([]);
  });

  test('that exists is left as it is by a run without new credentials, and nothing is left beside it', async () => {
    const scene = await VENDOR_SCENES.Harbor?.();
    if (scene === undefined) throw new Error('Harbor');
    const { run, workspace } = await openVendor(scene);
    await writeFile(join(workspace, 'credentials.json'), 'mine');
    await run({ config: exampleOf('Harbor'), 'credentials-file': 'credentials.json' });
    expect(await readFile(join(workspace, 'credentials.json'), 'utf8')).toBe('mine');
    expect((await readdir(workspace)).filter((name) => name.startsWith('credentials'))).toEqual(['credentials.json']);
  });
});

describe('scanning that is switched off, and then exported', () => {
  const filter = (name: string) => ({ filter: name, filterType: 'WILDCARD' as const });
  const config = `${HEAD}  - {name: acme/api, scan: off}\n`;
  const registryOf = async (run: { readonly outputs: Readonly<Record<string, string>> }) =>
    readFile(join(run.outputs['export-directory'] ?? '', 'ecr/registry.tf'), 'utf8').catch(() => '');

  test('the filters of others stay in the code: without it Terraform would remove them', async () => {
    const scene = await ecrScene();
    scene.repository('acme/api', { imageScanningConfiguration: { scanOnPush: true } });
    scene.state.scanning = {
      scanType: 'BASIC',
      rules: [{ scanFrequency: 'SCAN_ON_PUSH', repositoryFilters: [filter('acme/api'), filter('theirs/*')] }],
    };
    const before = await registryOf(await scene.run({ config, export: 'terraform' }));
    expect(before).toContain('theirs/*');
    expect(before).not.toContain('acme/api"');
    const applied = await scene.run({ config, ...APPLY });
    expect(applied.outputs).toMatchObject({ outcome: 'applied', 'changed-settings': '1' });
    const after = await registryOf(await scene.run({ config, export: 'terraform' }));
    expect(after).toBe(before);
  });

  test('a registry that has nothing of it gets nothing', async () => {
    const scene = await ecrScene();
    scene.repository('acme/api');
    expect(await registryOf(await scene.run({ config, export: 'terraform' }))).toBe('');
  });
});
