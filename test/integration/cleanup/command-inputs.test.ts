import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCleanup } from '../../support/cleanup/command.ts';
import { commandScene, NAME, policyWith } from '../../support/cleanup/command-scene.ts';

const IMAGE = 'registry.invalid/team/app';

test('every problem of an inline policy has its line and column, beside those of the other inputs', async () => {
  const policy = `version: 1
rules:
  - name: pull requests
    select: { tags: ["pr-*"] }
    remove: { older-than: 2 months }
  - { select: { tag: ["v*"] }, keep: { newest: 20 } }
`;
  const run = await runCleanup({ images: 'registry.invalid//app', policy, 'dry-run': 'maybe' });
  expect(run.exitCode).toBe(1);
  expect(run.outputs).toMatchObject({ outcome: 'invalid-input', plan: '', 'deleted-manifests': '' });
  expect(run.log).toContain('`dry-run`: got "maybe", expected true or false.');
  expect(run.log).toContain('"registry.invalid//app" is not an image name');
  expect(run.log).toMatch(/policy:5:27: "2 months": .*60d/);
  expect(run.log).toMatch(/policy:6:17: unknown key "tag", .*Did you mean `tags`\?/);
  expect(run.summary).toContain('policy:5:27');
});

test('a policy file is annotated at its line', async () => {
  const { directory } = await commandScene();
  await writeFile(join(directory, 'cleanup.yaml'), 'rules:\n  - select: { tags: ["("] }\n    remove: {}\n');
  const run = await runCleanup({ images: IMAGE, policy: 'cleanup.yaml' }, { workspace: directory });
  expect(run.outputs.outcome).toBe('invalid-input');
  const error = run.annotations.find(({ level }) => level === 'error');
  expect(error).toMatchObject({ title: 'The cleanup policy cannot be used', file: 'cleanup.yaml', line: 2 });
});

test.each([
  ['no policy', {}, '`policy` is empty'],
  ['a file that is missing', { policy: '.github/cleanup.yaml' }, 'there is no such file'],
  ['a folder', { policy: '.' }, 'it is a folder'],
  ['YAML on one line', { policy: 'rules: [{select: {tagged: false}, remove: {older-than: 7d}}]' }, 'write `policy: |`'],
  ['an empty policy', { policy: '# nothing\n#' }, 'the policy is empty'],
  ['a plan that is missing', { policy: policyWith(), plan: 'plan.json' }, 'The plan plan.json cannot be read'],
  ['a plan and a file for one', { policy: policyWith(), plan: 'a', 'plan-file': 'b' }, 'Remove one of them'],
  [
    'an engine that does not exist',
    { policy: `defaults: { engine: registry }\n${policyWith().replace(/^.*\n.*\n/, '')}` },
    'expected `auto`, `native`, `client`, found "registry"',
  ],
  [
    'patterns without repositories',
    {
      images: '',
      policy:
        'repositories:\n  - match: ["acme/*"]\n    rules: [{ select: { tagged: false }, remove: { older-than: 7d } }]',
    },
    'patterns only choose among `images`',
  ],
  ['an input of another command', { policy: policyWith(), push: 'false' }, 'belongs to `command: publish`'],
])('%s is an error that says what to do', async (_, inputs, words) => {
  const run = await runCleanup({ images: IMAGE, ...inputs });
  expect(run.exitCode).toBe(1);
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.log).toContain(words);
});

test('a plan is refused with another policy, after a change, for another repository and cut off', async () => {
  const { registry, policy, image, approve, directory } = await commandScene();
  const plan = await approve(await runCleanup({ images: image, policy }));
  const text = await readFile(plan, 'utf8');
  const refused = async (inputs: Readonly<Record<string, string>>, words: string) => {
    const run = await runCleanup({ images: image, policy, plan, ...inputs });
    expect(run.exitCode).toBe(1);
    expect(run.outputs.outcome).toBe('invalid-input');
    expect(run.log).toContain(words);
    expect(run.annotations).toContainEqual(expect.objectContaining({ title: 'The plan cannot be applied' }));
  };
  await refused({ policy: policyWith('', '', 'off') }, 'another policy');
  await refused({ images: `${registry.host}/team/other` }, 'which `images` does not name');
  const file = join(directory, 'changed.json');
  await writeFile(file, text.replaceAll('"pr-1"', '"v1.0.0"'));
  await refused({ plan: file }, 'was changed after it was made');
  await writeFile(file, text.slice(0, text.length / 2));
  await refused({ plan: file }, 'The plan is not JSON');
  expect(registry.writes()).toEqual([]);
  // Comments, spaces and the order of keys say nothing.
  const same = await runCleanup({ images: image, policy: `# approved\n${policy}`, plan });
  expect(same.outputs.outcome).toBe('cleaned');
});

test('a protecting line, a rule and a repository that match nothing are reported; the line and the repository fail', async () => {
  const { registry, image } = await commandScene();
  const rule = '  - { name: nightly, select: { tags: ["nightly-*"] }, remove: { older-than: 0d } }';
  const warned = await runCleanup({ images: image, policy: policyWith('', rule) });
  expect(warned.exitCode).toBe(0);
  expect(warned.annotations).toContainEqual(
    expect.objectContaining({ level: 'warning', message: expect.stringContaining('"nightly"') }),
  );
  const typo = await runCleanup({ images: image, policy: policyWith('protect: { tags: ["V*"] }'), 'dry-run': 'false' });
  expect(typo.outputs.outcome).toBe('refused');
  expect(typo.log).toContain('protect.tags "V*" matched nothing');
  const policy = `repositories:\n  - match: ["${registry.host}/team/ap"]\n    rules: [{ select: { tags: ["pr-*"] }, remove: { older-than: 0d } }]\n`;
  const absent = await runCleanup({ images: image, policy, 'dry-run': 'false' });
  expect(absent.outputs.outcome).toBe('refused');
  expect(absent.log).toContain('names no repository of this run');
  expect(registry.writes()).toEqual([]);
});

test('a repository that does not exist fails, and the others are still planned', async () => {
  const { registry, policy, image } = await commandScene();
  const run = await runCleanup({ images: `${image}\n${registry.host}/team/ap`, policy });
  expect(run.exitCode).toBe(1);
  expect(run.outputs).toMatchObject({ outcome: 'registry-failed', 'deleted-manifests': '5' });
  expect(run.log).toContain('There are no images in ');
  expect(run.log).toMatch(/team\/ap: stopped\. /);
});

test('what files of the checkout and a list name stays, and a name with a variable stops everything', async () => {
  const { registry, images, image, directory } = await commandScene();
  const policy = policyWith(`protect:
  in-use:
    - { kind: files, paths: ["deploy/*"] }
    - { kind: list, path: in-use.txt }`);
  await writeFile(join(directory, 'in-use.txt'), `# by hand\n${image}@${images.other}\n`);
  await mkdir(join(directory, 'deploy'));
  const values = join(directory, 'deploy/values.yaml');
  await writeFile(values, `image:\n  repository: ${image}\n  tag: pr-1\n`);
  const run = await runCleanup({ images: image, policy }, { workspace: directory });
  expect(run.outputs).toMatchObject({ outcome: 'planned', 'deleted-manifests': '0', 'untagged-tags': '1' });
  expect(run.summary).toContain('in use: deploy/values.yaml:2');
  expect(run.summary).toContain('in use: in-use.txt:2');
  await writeFile(values, `image: ${image}:${'${TAG}'}\n`);
  const unclear = await runCleanup({ images: image, policy, 'dry-run': 'false' }, { workspace: directory });
  expect(unclear.outputs.outcome).toBe('refused');
  expect(unclear.log).toContain('unknown what deploy/values.yaml:1 uses');
  expect(registry.writes()).toEqual([]);
});

test('a rule about closed pull requests without an answer of GitHub removes nothing and fails', async () => {
  const { registry, image } = await commandScene();
  const policy = `
defaults: { limits: off }
rules:
  - { name: closed, select: { tags: ["pr-*"], gone: { pull-request: closed } }, remove: { older-than: 0d } }
`;
  const run = await runCleanup({ images: image, policy, 'dry-run': 'false', 'github-token': '' });
  expect(run.exitCode).toBe(1);
  expect(run.outputs.outcome).toBe('refused');
  expect(run.log).toContain('pull-requests: read');
  expect(registry.tags(NAME)).toHaveProperty('pr-1');
});
