import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { fieldsOf } from '../../../../../src/domain/fields.ts';
import { parsePolicy } from '../../../../../src/domain/retention/read-policy.ts';
import { unreadEcr } from '../../../../../src/domain/setup/ecr/unread.ts';
import { ecrPublicStacks, ecrStacks } from '../../../../../src/domain/setup/export/cloudformation/registry-files.ts';
import { parseDesiredState } from '../../../../../src/domain/setup/read-desired-state.ts';
import { resolveRegistry } from '../../../../../src/domain/setup/resolve.ts';
import { readEcrHost } from '../../../../../src/registries/aws/ecr-host.ts';
import { setupDefinition } from '../../../../../src/registries/setup-vendors.ts';
import { vendorOf } from '../../../../../src/registries/vendors.ts';
import { cfnLint } from '../../../../support/cfn-lint.ts';
import { randomDesired, randomLive } from '../../../../support/setup/random-ecr.ts';
import { yamlExamples } from '../../../../support/workflows.ts';

const INSTALLATION = { timeout: 400_000 };

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'templates-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return {
    path,
    write: async (name: string, text: string) => {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), text);
    },
  };
}

test('cfn-lint has nothing to say against templates of random registries', INSTALLATION, async () => {
  const { lint } = await cfnLint();
  const { path, write } = await folder();
  const states = fc.sample(fc.tuple(randomDesired, randomLive), { numRuns: 60 });
  for (const [index, [desired, live]] of states.entries())
    for (const { path: name, text } of ecrStacks(desired, live, 'setup.yml').files)
      await write(`${index}/${name}`, text);
  expect(await lint(path)).toBe('');
});

test('nor against those of the examples in docs/setup.md, and it does against a wrong one', INSTALLATION, async () => {
  const { lint } = await cfnLint();
  const { path, write } = await folder();
  const cleanup = parsePolicy(
    'version: 1\nrepositories: [{match: "**", rules: [{delete: {untagged: true, olderThan: 7d}}]}]\n',
    'cleanup.yaml',
  );
  const page = await readFile(new URL('../../../../../docs/setup.md', import.meta.url), 'utf8');
  const found: string[] = [];
  for (const example of yamlExamples(page).filter((text) => fieldsOf(parse(text)).version === 1)) {
    const state = parseDesiredState(example, 'setup.yml');
    if (!state.ok) throw new Error(state.problems.join('\n'));
    for (const entry of state.value.registries) {
      const { id } = vendorOf(entry.at.split('/')[0] ?? '');
      const definition = await setupDefinition(id);
      if (definition === undefined || (id !== 'ecr' && id !== 'ecr-public')) continue;
      const policies = new Map(cleanup.ok ? [['.github/cleanup.yaml', cleanup.value]] : []);
      const { desired } = resolveRegistry(state.value, entry, definition, [], policies);
      const host = readEcrHost(desired.host);
      const { files } =
        host === undefined
          ? ecrPublicStacks(desired, { repositories: new Map() }, 'setup.yml')
          : ecrStacks(desired, unreadEcr(host, desired), 'setup.yml');
      for (const { path: name, text } of files) {
        found.push(`${desired.key}/${name}`);
        await write(`${found.length}/${name}`, text);
      }
    }
  }
  expect(found).toEqual(['ecr/template.yaml', 'copies/template.yaml', 'public/template.yaml']);
  expect(await lint(path)).toBe('');
  await write('wrong.yaml', 'Resources: {A: {Type: AWS::ECR::Repository, Properties: {Name: a}}}\n');
  expect(await lint(path)).toContain('E3002');
});

test.each([
  ['AWS::ECR::Repository', ['RepositoryName']],
  ['AWS::ECR::PublicRepository', ['RepositoryName']],
  ['AWS::ECR::PullThroughCacheRule', ['EcrRepositoryPrefix']],
  ['AWS::ECR::RepositoryCreationTemplate', ['Prefix']],
  ['AWS::ECR::ReplicationConfiguration', ['RegistryId']],
  ['AWS::ECR::RegistryPolicy', ['RegistryId']],
  ['AWS::ECR::RegistryScanningConfiguration', ['RegistryId']],
  ['AWS::ECR::SigningConfiguration', ['RegistryId']],
  ['AWS::ECR::PullTimeUpdateExclusion', ['PrincipalArn']],
] as const)('%s is imported by %s', INSTALLATION, async (type, identifier) => {
  const { schema } = await cfnLint();
  expect((await schema(type)).primaryIdentifier).toEqual(identifier.map((name) => `/properties/${name}`));
});
