import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runCleanup } from '../../support/cleanup/command.ts';
import { commandScene } from '../../support/cleanup/command-scene.ts';

const LIFECYCLE = {
  rules: [
    {
      rulePriority: 1,
      description: 'pull requests',
      selection: {
        tagStatus: 'tagged',
        tagPrefixList: ['pr-'],
        countType: 'sinceImagePushed',
        countUnit: 'days',
        countNumber: 14,
      },
      action: { type: 'expire' },
    },
    {
      rulePriority: 2,
      description: 'to the archive',
      selection: {
        tagStatus: 'tagged',
        tagPatternList: ['v*'],
        countType: 'sinceImagePulled',
        countUnit: 'days',
        countNumber: 90,
      },
      action: { type: 'transition', targetStorageClass: 'archive' },
    },
  ],
};

async function folder(): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'import-')));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('the rules of a registry become a policy that the next step plans with', async () => {
  const { image, env } = await commandScene().then((scene) => ({ ...scene, env: {} }));
  const directory = await folder();
  const from = join(directory, 'rules.json');
  const to = join(directory, 'cleanup.yaml');
  await writeFile(from, JSON.stringify(LIFECYCLE));
  const run = await runCleanup({ import: from, 'import-to': to }, { env });
  expect(run.outputs).toMatchObject({ outcome: 'imported', 'imported-policy': to, plan: '' });
  expect(run.log).toContain('::warning');
  expect(run.log).toContain('to the archive');
  expect(run.summary).toContain('```yaml');
  const policy = await readFile(to, 'utf8');
  expect(policy).toContain('select: { tags: ["pr-*"], kind: any }');
  expect(policy).toContain('# - "to the archive" is left out');

  const again = await runCleanup({ import: from, 'import-to': to }, { env });
  expect(again.outputs.outcome).toBe('imported');
  const plan = await runCleanup({ policy: to, images: image }, { env });
  expect(plan.outputs.outcome).toBe('planned');
});

test('a policy that is there is not replaced', async () => {
  const directory = await folder();
  const from = join(directory, 'rules.json');
  const to = join(directory, 'cleanup.yaml');
  await writeFile(from, JSON.stringify(LIFECYCLE));
  await writeFile(to, 'rules: []\n');
  const run = await runCleanup({ import: from, 'import-to': to });
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.log).toContain('it exists and has other content');
  expect(await readFile(to, 'utf8')).toBe('rules: []\n');
});

test.each<[string, string, Readonly<Record<string, string>>, RegExp]>([
  ['a file that is none of them', '{"a":1}', {}, /none of the formats that can be converted/],
  [
    'what would delete more',
    '{"algorithm":"or","rules":[{"action":"retain","template":"latestPulledN","params":{"latestPulledN":3},"tag_selectors":[{"kind":"doublestar","decoration":"matches","pattern":"**","extras":""}]}]}',
    {},
    /cannot keep by "latestPulledN"/,
  ],
  ['a policy besides', '{}', { policy: 'rules: []\n\n' }, /`import` makes a policy, and `policy` needs one/],
])('%s is refused', async (_, text, more, message) => {
  const from = join(await folder(), 'rules.json');
  await writeFile(from, text);
  const run = await runCleanup({ import: from, ...more });
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.log).toMatch(message);
});

test('a file that does not exist, and import-to without import', async () => {
  const missing = await runCleanup({ import: 'nothing.json' });
  expect(missing.log).toMatch(/nothing\.json cannot be read: there is no such file/);
  const alone = await runCleanup({
    'import-to': 'x.yaml',
    policy: 'rules:\n  - { select: { tagged: false }, remove: { older-than: 7d } }\n',
  });
  expect(alone.log).toMatch(/`import-to` is where to write the policy of `import`/);
});
