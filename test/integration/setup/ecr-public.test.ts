import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runAction } from '../../support/action.ts';
import { startCloud } from '../../support/cloud.ts';
import { checked } from '../../support/contract/checked.ts';
import { readContract } from '../../support/contract/read.ts';
import { filesBelow, terraformParts } from '../../support/setup/exported.ts';
import { exampleOf } from '../../support/setup/vendor-run.ts';
import { ECR_PUBLIC_API, ecrPublicSettings } from '../../support/vendors/ecr-public-settings.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT', AWS_SECRET_ACCESS_KEY: 'environment-secret' };
const CI = 'arn:aws:iam::111122223333:role/ci';
const head = (alias = 'acme') =>
  `version: 1\nowner: platform\nregistries:\n  public: {at: public.ecr.aws/${alias}}\nrepositories:\n`;

async function scene() {
  const double = ecrPublicSettings();
  const api = checked(double.hosts[ECR_PUBLIC_API], await readContract('ecr-public'));
  const cloud = await startCloud({ [ECR_PUBLIC_API]: api });
  onTestFinished(() => cloud.close());
  const run = async (config: string, dryRun = 'false', more: { workspace?: string; export?: string } = {}) => {
    double.clear();
    const { workspace, ...inputs } = more;
    const done = await runAction({
      inputs: { command: 'setup', config, 'dry-run': dryRun, ...inputs },
      env: { ...cloud.env, ...KEYS },
      ...(workspace === undefined ? {} : { workspace }),
    });
    onTestFinished(done.dispose);
    return done;
  };
  return { ...double, run, problems: api.problems };
}

test('a public repository is made, described and changed, and a second run writes nothing', async () => {
  const { run, repositories, writes, problems } = await scene();
  const config = `${head()}  - name: acme/tools
    description: Tools of Acme
    visibility: public
    labels: {team: a}
    pull: [public]
    push: ["${CI}"]
    aws: {catalogData: {usageText: docker run it, architectures: [ARM 64]}}
`;
  const plan = await run(config, 'true');
  expect(plan.outputs.outcome).toBe('planned');
  expect(writes()).toEqual([]);
  expect((await run(config)).outputs.outcome).toBe('applied');
  expect(problems).toEqual([]);
  expect(repositories.get('tools')).toMatchObject({
    catalog: { description: 'Tools of Acme', usageText: 'docker run it', architectures: ['ARM 64'] },
    tags: { team: 'a' },
  });
  const policy = JSON.parse(repositories.get('tools')?.policy ?? '');
  expect(policy.Statement).toMatchObject([{ Sid: 'setup-platform-push', Principal: { AWS: [CI] } }]);
  expect(policy.Statement[0].Action).toContain('ecr-public:PutImage');
  expect((await run(config)).outputs.outcome).toBe('unchanged');
  expect(writes()).toEqual([]);

  const changed = await run(config.replace('Tools of Acme', 'More tools').replace('team: a', 'team: none'));
  expect(changed.outputs).toMatchObject({ outcome: 'applied', 'changed-settings': '1', 'removed-settings': '1' });
  expect(repositories.get('tools')).toMatchObject({
    catalog: { description: 'More tools', usageText: 'docker run it', architectures: ['ARM 64'] },
    tags: {},
  });
});

test('what Amazon ECR Public lacks is unsupported, with the alternative', async () => {
  const { run } = await scene();
  const done = await run(`${head()}  - {name: tools, immutable: true, scan: on-push, visibility: private}\n`);
  expect(done.outputs).toMatchObject({ outcome: 'partial', 'unsupported-settings': '3', 'created-settings': '1' });
  expect(done.log).toContain('no private repositories: use Amazon ECR.');
});

test("another account's alias is refused before anything is written", async () => {
  const { run, writes } = await scene();
  const done = await run(`${head('other')}  - {name: tools}\n`);
  expect(done.exitCode).toBe(1);
  expect(done.log).toContain('the account of these credentials has acme');
  expect(writes()).toEqual([]);
});

test.each([
  ['public.ecr.aws', '  - {name: tools}\n', 'has the alias of the account'],
  [
    'public.ecr.aws/acme',
    '  - {name: tools, push: [public]}\n',
    '`push` of Amazon ECR Public takes roles and accounts',
  ],
  ['public.ecr.aws/acme', '  - {name: tools, aws: {catalogData: {usagetext: x}}}\n', 'Did you mean `usageText`?'],
])('mistakes are told before any request: %s %s', async (at, repository, message) => {
  const { run, writes } = await scene();
  const done = await run(head().replace('public.ecr.aws/acme', at) + repository);
  expect(done.outputs.outcome).toBe('invalid-input');
  expect(done.log).toContain(message);
  expect(writes()).toEqual([]);
});

test('what setup has made is imported as a whole, from reads only, and a second export has the same bytes', async () => {
  const { run, repositories, writes, problems } = await scene();
  const workspace = await mkdtemp(join(tmpdir(), 'ecr-public-'));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  const config = exampleOf('Amazon ECR Public');
  const exported = async () => {
    const done = await run(config, 'true', { workspace, export: 'terraform' });
    expect(done.outputs.outcome, done.log).toBe('exported');
    expect(writes()).toEqual([]);
    return filesBelow(join(workspace, 'setup-export/terraform'));
  };
  const addresses = ['aws_ecrpublic_repository.tools', 'aws_ecrpublic_repository_policy.tools'];
  const nothing = terraformParts(await exported());
  expect(nothing.resources.toSorted()).toEqual(addresses);
  expect([...nothing.imports]).toEqual([]);

  expect((await run(config)).outputs.outcome).toBe('applied');
  const files = await exported();
  const { resources, imports, all } = terraformParts(files);
  expect(resources.toSorted()).toEqual(addresses);
  expect(Object.fromEntries(imports)).toEqual(Object.fromEntries(addresses.map((each) => [each, 'tools'])));
  expect(all).toContain('prevent_destroy = true');
  expect(await exported()).toEqual(files);

  // What others set since is in the code: Terraform would take it away.
  const tools = repositories.get('tools');
  if (tools === undefined) throw new Error('there is no repository');
  tools.tags.cost = 'shared';
  tools.catalog = { ...tools.catalog, aboutText: 'Written by hand' };
  const later = terraformParts(await exported());
  expect(later.all).toContain('"shared"');
  expect(later.all).toMatch(/about_text\s+= "Written by hand"/);
  expect(later.all).toContain('usage_text');
  expect(problems).toEqual([]);
});
