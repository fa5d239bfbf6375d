import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { fieldsOf } from '../../src/domain/fields.ts';
import { ecrState } from '../../src/domain/setup/ecr/after-apply.ts';
import { unreadEcr } from '../../src/domain/setup/ecr/unread.ts';
import type { ExportedRegistry } from '../../src/domain/setup/export/exported-file.ts';
import { exportTerraform } from '../../src/domain/setup/export/terraform/export.ts';
import { hclOf, jsonencode, renderFile } from '../../src/domain/setup/export/terraform/hcl.ts';
import { output } from '../../src/domain/setup/export/terraform/module.ts';
import { runAction } from '../support/action.ts';
import { desiredRegistry } from '../support/setup/desired.ts';
import { filesBelow } from '../support/setup/exported.ts';
import { exampleOf, openVendor } from '../support/setup/vendor-run.ts';
import { VENDOR_SCENES } from '../support/setup/vendor-scenes.ts';
import { yamlExamples } from '../support/workflows.ts';
import { find, run } from './programs.ts';
import { terraform } from './terraform.ts';

const page = await readFile(new URL('../../docs/setup.md', import.meta.url), 'utf8');
const examples = yamlExamples(page).filter((example) => fieldsOf(parse(example)).version === 1);

/** Nothing is asked there that could say what they are. */
const TYPES = 'harbor.acme.example=harbor\nnexus.acme.example=nexus\nacme.jfrog.io=artifactory';

/** Enough of a cleanup policy for the examples that name one. */
const POLICY = `version: 1
defaults: {multi-tag: any, basis: pushed}
repositories:
  - match: ["**"]
    rules:
      - {name: builds, select: {kind: any, tags: ["build-*"]}, remove: {older-than: 30d}}
      - {name: untagged, select: {kind: any, tagged: false}, remove: {older-than: 7d}}
`;

async function exported(config: string, more: Readonly<Record<string, string>> = {}) {
  const workspace = await realpath(await mkdtemp(join(tmpdir(), 'export-')));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  await mkdir(join(workspace, '.github'), { recursive: true });
  await writeFile(join(workspace, '.github/cleanup.yaml'), POLICY);
  for (const [path, text] of Object.entries(more)) {
    await mkdir(dirname(join(workspace, path)), { recursive: true });
    await writeFile(join(workspace, path), text);
  }
  const done = await runAction({
    inputs: { command: 'setup', config, export: 'terraform', 'registry-type': TYPES },
    workspace,
  });
  onTestFinished(done.dispose);
  return { ...done, folder: join(workspace, 'setup-export/terraform') };
}

describe('terraform validates', () => {
  test.each(examples)('%s', async (config) => {
    const check = await terraform();
    const { folder, outputs, log } = await exported(config);
    expect(outputs.outcome, log).toMatch(/^(?:exported|partial)$/);
    for (const [path] of await filesBelow(folder).catch(() => new Map<string, string>())) {
      if (!path.endsWith('/versions.tf')) continue;
      expect(await check(join(folder, dirname(path))), path).toEqual([]);
    }
  });
});

/** What the examples of the documentation do not have: caches that need no password, and kinds of repositories besides. */
const WITHOUT_LOGIN = `version: 1
registries:
  nexus:
    at: nexus.acme.example
    cache: [{prefix: hub, from: docker.io}, {prefix: quay, from: quay.io}]
  artifactory:
    at: acme.jfrog.io
    cache: [{prefix: hub, from: docker.io}]
repositories:
  - name: all
    on: [nexus]
    nexus: {memberNames: [images, hub, elsewhere], writableMember: images, httpsPort: 8443, subdomain: all}
  - {name: images, on: [nexus], immutable: {except: [latest]}, nexus: {policyNames: [old], blobStoreName: fast}}
  - name: all
    on: [artifactory]
    artifactory: {repositories: [hub, images], defaultDeploymentRepo: images, includesPattern: "acme/**"}
  - name: images
    on: [artifactory]
    artifactory: {dockerTagRetention: 2, blockPushingSchema1: true, excludesPattern: "x/**", projectKey: acme}
`;

test('caches without a login are valid, with repositories that refer to them', async () => {
  const check = await terraform();
  const { folder, outputs, log } = await exported(WITHOUT_LOGIN);
  expect(outputs.outcome, log).toMatch(/^(?:exported|partial)$/);
  for (const key of ['nexus', 'artifactory']) {
    expect(await readFile(join(folder, key, 'repositories.tf'), 'utf8')).toMatch(/^resource .*(?:proxy|remote)/m);
    expect(await check(join(folder, key)), key).toEqual([]);
  }
});

/** Applies a configuration without providers. */
async function valuesOf(files: Readonly<Record<string, string>>): Promise<unknown> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'values-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
  const program = find('terraform', process.env.PATH ?? '') ?? 'tofu';
  await writeFile(join(folder, 'empty.tfrc'), '');
  // That of the machine may name a file that is not there, which OpenTofu says in the middle of its JSON.
  const env = { ...process.env, CHECKPOINT_DISABLE: '1', TF_CLI_CONFIG_FILE: join(folder, 'empty.tfrc') };
  await run(program, [`-chdir=${folder}`, 'init', '-no-color', '-input=false'], { env });
  await run(program, [`-chdir=${folder}`, 'apply', '-auto-approve', '-no-color', '-input=false'], { env });
  const all = fieldsOf(JSON.parse(await run(program, [`-chdir=${folder}`, 'output', '-json'], { env })));
  return Object.fromEntries(Object.entries(all).map(([name, each]) => [name, fieldsOf(each).value]));
}

const HOSTILE = [
  'plain',
  '',
  '"',
  '\\',
  '\\"',
  '\\n \\u0041 \\${a}',
  'two\nlines\r\n\tand a tab',
  '${path.module}',
  '%{ for a in [1] }%{ endfor }',
  '$${a} $$${a} $$$${a}',
  '%%{a} %%%{a}',
  '$',
  '%',
  '$%{a}%${b}',
  '{${',
  '<<EOT\nEOT\n',
  '/* */ # // ',
  'a\u0000b\u0007\u001b[31m\u007f',
  'a\u202eb\u2028c\u2029d\ufeff',
  '日本語 \u{1f98a} e\u0301',
  'x'.repeat(5000),
];

test('every text comes out of Terraform as it went in, as a value and as a key', async () => {
  const blocks = [
    output('texts', 'Texts', hclOf(HOSTILE)),
    output(
      'keys',
      'Keys',
      jsonencode(Object.fromEntries(HOSTILE.map((text, at) => [`${text} ${at}`, { [text]: at }]))),
    ),
  ];
  const values = fieldsOf(await valuesOf({ 'outputs.tf': renderFile(['head'], blocks) }));
  // Terraform writes composed characters.
  const composed = (text: string) => text.normalize('NFC');
  expect(values.texts).toEqual(HOSTILE.map(composed));
  expect(JSON.parse(String(values.keys))).toEqual(
    Object.fromEntries(HOSTILE.map((text, at) => [composed(`${text} ${at}`), { [composed(text)]: at }])),
  );
});

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
const name = fc
  .array(word, { minLength: 1, maxLength: 3 })
  .chain((parts) => fc.constantFrom('/', '-', '_', '.').map((sign) => parts.join(sign)));
const text = fc.oneof(
  fc.constantFrom(...HOSTILE.filter((each) => each.length < 200)),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const glob = fc.constantFrom('latest', 'v*', 'sha256-*', 'main-*');
const role = fc.constantFrom(
  'arn:aws:iam::111122223333:role/a',
  '222233334444',
  'o-a1b2c3d4e5',
  'arn:aws:lambda:eu-west-1:111122223333:function:*',
);
const repository = fc.record(
  {
    name,
    immutable: fc.oneof(
      fc.constantFrom({ mode: 'all' } as const, { mode: 'off' } as const),
      fc.record({ mode: fc.constantFrom('except', 'only'), tags: fc.uniqueArray(glob, { minLength: 1 }) }),
    ),
    scan: fc.constantFrom('on-push', 'continuous', 'off'),
    key: fc.constantFrom('alias/ecr', 'arn:aws:kms:eu-west-1:111122223333:key/1234', 'AES256'),
    labels: fc.dictionary(text, text, { maxKeys: 4 }),
    pull: fc.uniqueArray(role),
    push: fc.uniqueArray(role),
    own: fc.record(
      {
        aws: fc.record({
          policyStatements: fc.array(
            fc.record({ Sid: text, Effect: fc.constant('Deny'), Action: fc.constant('ecr:*') }),
            { maxLength: 2 },
          ),
        }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['name'] },
);

test('random desired states are valid Terraform, the same bytes each time', async () => {
  const check = await terraform();
  const states = fc.sample(fc.uniqueArray(repository, { selector: (each) => each.name, minLength: 1, maxLength: 12 }), {
    numRuns: 20,
    seed: SEED,
  });
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'random-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const registries = states.map((repositories, at): ExportedRegistry => {
    const desired = desiredRegistry('111122223333.dkr.ecr.eu-west-1.amazonaws.com', repositories, { key: `r${at}` });
    const live = unreadEcr({ account: '111122223333', region: 'eu-west-1' }, desired);
    return {
      vendor: 'ecr',
      title: 'Amazon ECR',
      desired,
      existing: at % 2 === 0 ? undefined : [],
      state: ecrState(desired, live),
    };
  });
  const source = { registries, configName: 'se\ntup*/ ${x}.yml' };
  const { files } = exportTerraform(source);
  expect(exportTerraform(source).files).toEqual(files);
  for (const file of files) {
    await mkdir(dirname(join(folder, file.path)), { recursive: true });
    await writeFile(join(folder, file.path), file.text);
  }
  for (const { desired } of registries)
    expect(await check(join(folder, desired.key)), `seed ${SEED} ${desired.key}`).toEqual([]);
});

const SEED = Number(process.env.E2E_SEED ?? Math.trunc(Math.random() * 1e9));

describe.each([
  'Google Artifact Registry',
  'Azure Container Registry',
  'Harbor',
  'Docker Hub',
  'Sonatype Nexus',
  'JFrog Artifactory',
])('%s as setup made it', (heading) => {
  test('is valid Terraform with its imports', async () => {
    const check = await terraform();
    const scene = await VENDOR_SCENES[heading]?.();
    if (scene === undefined) throw new Error(heading);
    const vendor = await openVendor(scene);
    const config = exampleOf(heading);
    await vendor.run({ config, 'dry-run': 'false' });
    await vendor.run({ config, export: 'terraform' });
    const folder = join(vendor.workspace, 'setup-export/terraform');
    const files = await filesBelow(folder);
    const modules = [...files.keys()].filter((path) => path.endsWith('/imports.tf'));
    expect(modules).toHaveLength(1);
    for (const path of modules) expect(await check(join(folder, dirname(path)))).toEqual([]);
  });
});

test('a mistake is found: an argument that the provider does not have, and another format', async () => {
  const check = await terraform();
  const { folder } = await exported(examples[0] ?? '');
  const [path = ''] = [...(await filesBelow(folder)).keys()].filter((each) => each.endsWith('/repositories.tf'));
  const file = join(folder, path);
  await writeFile(file, (await readFile(file, 'utf8')).replace('image_tag_mutability', 'image_tag_mutabillity'));
  const said = (await check(dirname(file))).join('\n');
  expect(said).toContain('Unsupported argument');
  expect(said).toContain('not formatted');
});
