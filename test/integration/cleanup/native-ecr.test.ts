import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import { fieldsOf } from '../../../src/domain/fields.ts';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { writeRecord } from '../../../src/evidence/promotion-records.ts';
import { runCleanup } from '../../support/cleanup/command.ts';
import { type EcrRulesOptions, ecrRulesScene } from '../../support/cleanup/ecr-rules-scene.ts';
import { recordWith } from '../../support/promotion-record.ts';

const EMPTY = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';

const RULES = `rules:
  - { name: pull requests, select: { tags: ["pr-*"], kind: any }, remove: { older-than: 14d } }
  - { name: untagged, select: { tagged: false, kind: any }, remove: { older-than: 7d, since: pushed } }
`;
const policyWith = (inUse = '[]', engine = 'native') => `
defaults: { engine: ${engine}, multi-tag: any, limits: { tagged: 100%, keep-newest-image: false } }
protect: { tags: ["v*"], in-use: ${inUse} }
${RULES}`;

const INSTALLED = {
  rules: [
    [
      'keeps v*',
      { tagStatus: 'tagged', tagPatternList: ['v*'], countType: 'imageCountMoreThan', countNumber: 100_000 },
    ],
    [
      'keeps sha256-*',
      { tagStatus: 'tagged', tagPatternList: ['sha256-*'], countType: 'imageCountMoreThan', countNumber: 100_000 },
    ],
    [
      'keeps sha512-*',
      { tagStatus: 'tagged', tagPatternList: ['sha512-*'], countType: 'imageCountMoreThan', countNumber: 100_000 },
    ],
    [
      'pull requests',
      {
        tagStatus: 'tagged',
        tagPatternList: ['pr-*'],
        countType: 'sinceImagePushed',
        countUnit: 'days',
        countNumber: 14,
      },
    ],
    ['untagged', { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 7 }],
  ].map(([name, selection], index) => ({
    rulePriority: index + 1,
    description: `registry-action: ${String(name)}`,
    selection,
    action: { type: 'expire' },
  })),
};
const FOREIGN = {
  rules: [
    {
      rulePriority: 1,
      description: 'by terraform',
      selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 500 },
      action: { type: 'expire' },
    },
  ],
};

async function scene(options: EcrRulesOptions = {}) {
  const opened = await ecrRulesScene(options);
  const { content, image, cloud } = opened;
  content.index([content.image('old')], 'pr-1');
  content.index([content.image('release')], 'v1.0.0');
  content.index([content.image('lost')]);
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'native-')));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const run = (more: Readonly<Record<string, string>> = {}) =>
    runCleanup(
      { images: image, policy: policyWith(), 'registry-ca': cloud.caFile, ...more },
      { env: opened.env, workspace: directory },
    );
  return {
    ...opened,
    directory,
    run,
    /** A plan that somebody approved. */
    approved: async (more: Readonly<Record<string, string>> = {}) => {
      const plan = await run(more);
      expect(plan.outputs.outcome, plan.log).toBe('planned');
      const file = join(directory, 'plan.json');
      await writeFile(file, await readFile(plan.outputs.plan ?? ''));
      return { plan, file };
    },
  };
}

const rulesOf = (json: string | undefined) => {
  const { nativeRules } = fieldsOf(JSON.parse(json ?? '{}'));
  const [first] = Array.isArray(nativeRules) ? nativeRules : [];
  return fieldsOf(first);
};

test('plan, approve, apply: the policy becomes the lifecycle policy, after its preview', async () => {
  const { approved, run, lifecycle, asked, problems, image } = await scene();
  const { plan, file } = await approved();
  expect(lifecycle()).toBeUndefined();
  expect(asked()).toContain('StartLifecyclePolicyPreview');
  expect(rulesOf(plan.outputs.json)).toMatchObject({ scope: image, action: 'install', before: null, after: INSTALLED });
  expect(plan.summary).toContain('lifecycle policy to be set');
  expect(plan.summary).toContain('narrower: this action does the rest');
  expect(JSON.parse(await readFile(plan.outputs['native-rules'] ?? '', 'utf8'))).toMatchObject([{ rules: INSTALLED }]);

  const apply = await run({ plan: file });
  expect(apply.outputs.outcome, apply.log).toBe('cleaned');
  expect(rulesOf(apply.outputs.json)).toMatchObject({ outcome: 'done' });
  expect(lifecycle()).toEqual(INSTALLED);
  const order = asked().filter((name) => /Preview|Put|Batch/.test(name));
  expect(order.lastIndexOf('StartLifecyclePolicyPreview')).toBeGreaterThan(order.indexOf('BatchDeleteImage'));
  expect(order.at(-1)).toBe('PutLifecyclePolicy');

  const again = await run({ plan: file });
  expect(again.outputs.outcome, again.log).toBe('unchanged');
  const next = await run();
  expect(rulesOf(next.outputs.json)).toMatchObject({ action: 'unchanged' });
  expect(problems()).toEqual([]);
});

test('rules of others are replaced by an approved plan only, which shows them', async () => {
  const { repository, approved, run, lifecycle } = await scene();
  repository.lifecyclePolicy = JSON.stringify(FOREIGN);
  const atOnce = await run({ 'dry-run': 'false' });
  expect(atOnce.outputs.outcome).toBe('refused');
  expect(atOnce.log).toContain('rules that others may have written, which needs a plan that somebody approved');
  expect(lifecycle()).toEqual(FOREIGN);
  const { plan, file } = await approved();
  expect(plan.summary).toContain('by terraform');
  expect(plan.log).toContain('replaces a rule of others');
  const apply = await run({ plan: file });
  expect(apply.outputs.outcome, apply.log).toBe('cleaned');
  expect(lifecycle()).toEqual(INSTALLED);
});

test('a lifecycle policy that changed since the plan stays, and the run fails', async () => {
  const { repository, approved, run, lifecycle } = await scene();
  const { file } = await approved();
  repository.lifecyclePolicy = JSON.stringify(FOREIGN);
  const apply = await run({ plan: file });
  expect(apply.outputs.outcome).toBe('refused');
  expect(apply.log).toContain('somebody changed it since the plan');
  expect(lifecycle()).toEqual(FOREIGN);
});

test('a registry that would expire more than the plan is not given the rules', async () => {
  const { run, lifecycle } = await scene({ expires: ({ tags }) => tags.includes('v1.0.0') || tags.includes('pr-1') });
  const plan = await run();
  expect(plan.outputs.outcome).toBe('refused');
  expect(plan.log).toContain('the preview of the registry would delete v1.0.0: protected');
  const apply = await run({ 'dry-run': 'false' });
  expect(apply.outputs.outcome).toBe('refused');
  expect(lifecycle()).toBeUndefined();
});

test('what is in use is never given to the registry: the rule is run here, and the plan fails under `native`', async () => {
  const { run, lifecycle, directory, content, image, registry } = await scene();
  const used = content.index([content.image('used')], 'pr-7');
  await writeFile(join(directory, 'in-use.txt'), `${image}@${used}\n`);
  const inUse = '[{ kind: list, path: in-use.txt }]';
  const native = await run({ policy: policyWith(inUse), 'dry-run': 'false' });
  expect(native.outputs.outcome).toBe('refused');
  expect(native.log).toContain('the registry would delete pr-7: in use');
  // The rest is done all the same, and `auto` takes that for a success.
  expect(Object.keys(registry.tags('team/app')).sort()).toEqual(['pr-7', 'v1.0.0']);
  const auto = await run({ policy: policyWith(inUse, 'auto'), 'dry-run': 'false' });
  expect(auto.outputs.outcome, auto.log).toBe('unchanged');
  expect(lifecycle()).toEqual({ rules: [{ ...INSTALLED.rules.at(-1), rulePriority: 1 }] });
});

test('what production points to and could be rolled back to, by its promotion records', async () => {
  const { run, lifecycle, content, registry, target, image } = await scene();
  await target.repository.putBlob({ mediaType: MEDIA_TYPES.ociEmpty, digest: EMPTY, size: 2 }, () => Buffer.from('{}'));
  let before: { readonly digest: Digest; readonly record: Digest } | undefined;
  for (const number of [1, 2]) {
    const digest = content.index([content.image(`build ${number}`)], `sha-${number}`);
    const record = recordWith({
      digest,
      repository: image,
      environment: 'production',
      to: [`${image}:production`],
      time: `2026-01-0${number}T00:00:00.000Z`,
      ...(before === undefined ? {} : { previousDigest: before.digest, previousRecord: before.record }),
    });
    const size = registry.manifest('team/app', digest)?.bytes.length ?? 0;
    const subject = { mediaType: MEDIA_TYPES.ociIndex, digest, size };
    before = { digest, record: await writeRecord(target.repository, record, subject) };
  }
  const now = registry.manifest('team/app', before?.digest ?? '');
  registry.putManifest('team/app', 'production', now?.mediaType ?? '', now?.bytes ?? Buffer.alloc(0));
  const policy = `${policyWith('[{ kind: promotions }]', 'auto')}  - { name: builds, select: { tags: ["sha-*"], kind: any }, remove: { older-than: 30d } }\n`;
  const apply = await run({ policy, 'dry-run': 'false' });
  expect(apply.outputs.outcome, apply.log).toBe('cleaned');
  expect(apply.log).toMatch(/The rule "builds" is not for the lifecycle policy of .*in use: environment production/);
  const text = JSON.stringify(lifecycle());
  expect(text).not.toContain('["sha-*"]');
  expect(text).toContain('["production"]');
  expect(text).toContain('["pr-*"]');
  expect(Object.keys(registry.tags('team/app')).sort()).toEqual(
    expect.arrayContaining(['production', 'sha-1', 'sha-2', 'v1.0.0']),
  );
});

test('a run that stops before the rules are set is finished by the next one', async () => {
  let isBroken = true;
  const { approved, run, lifecycle } = await scene({
    before: ({ headers }) =>
      isBroken && String(headers['x-amz-target']).endsWith('PutLifecyclePolicy')
        ? { status: 400, body: { __type: 'ValidationException', message: 'not now' } }
        : undefined,
  });
  const { file } = await approved();
  const first = await run({ plan: file });
  expect(first.outputs.outcome).toBe('registry-failed');
  expect(lifecycle()).toBeUndefined();
  isBroken = false;
  const second = await run({ plan: file });
  expect(second.outputs.outcome, second.log).toBe('cleaned');
  expect(lifecycle()).toEqual(INSTALLED);
});

test('without the right to preview the plan says so, and apply does not set what it cannot preview', async () => {
  const { approved, run, lifecycle } = await scene({
    before: ({ headers }) =>
      String(headers['x-amz-target']).endsWith('StartLifecyclePolicyPreview')
        ? {
            status: 400,
            body: {
              __type: 'AccessDeniedException',
              message: 'is not authorized to perform: ecr:StartLifecyclePolicyPreview',
            },
          }
        : undefined,
  });
  const { plan, file } = await approved();
  expect(plan.log).toContain('could not be previewed, which happens again before it is set');
  const apply = await run({ plan: file });
  expect(apply.log).toContain('ecr:StartLifecyclePolicyPreview');
  expect(apply.outputs.outcome).toBe('registry-failed');
  expect(lifecycle()).toBeUndefined();
});

test('our rules go when none of the policy can be one any more; those of others stay', async () => {
  const { repository, run, lifecycle } = await scene();
  repository.lifecyclePolicy = JSON.stringify(INSTALLED);
  const policy = `
defaults: { engine: auto, limits: { tagged: 100% } }
protect: { tags: ["v*"], in-use: [] }
rules: [{ name: rest, select: { tags: ["pr-*"] }, remove: { keep-newest: 3 } }]
`;
  const removed = await run({ policy, 'dry-run': 'false' });
  expect(removed.outputs.outcome, removed.log).toBe('cleaned');
  expect(lifecycle()).toBeUndefined();
  repository.lifecyclePolicy = JSON.stringify(FOREIGN);
  const left = await run({ policy, 'dry-run': 'false' });
  expect(left.outputs.outcome, left.log).toBe('unchanged');
  expect(lifecycle()).toEqual(FOREIGN);
});
