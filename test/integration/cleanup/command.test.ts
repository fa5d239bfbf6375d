import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { placeholderFor } from '../../../src/run/deletion/untag.ts';
import { runCleanup } from '../../support/cleanup/command.ts';
import { commandScene, NAME, policyWith } from '../../support/cleanup/command-scene.ts';
import { startRegistry } from '../../support/registry.ts';

test('a plan is written and nothing deleted; applied, exactly that goes, and once more there is nothing to do', async () => {
  const { registry, images, signatures, policy, image, approve } = await commandScene();
  const before = registry.digests(NAME);
  const plan = await runCleanup({ images: image, policy });
  expect(plan.exitCode).toBe(0);
  expect(plan.outputs).toMatchObject({
    outcome: 'planned',
    'deleted-tags': '3',
    'untagged-tags': '1',
    // Two indexes, a platform of each, a signature.
    'deleted-manifests': '5',
    'kept-tags': '3',
    'kept-manifests': '6',
  });
  expect(Number(plan.outputs['freed-bytes'])).toBeGreaterThan(1000);
  expect(registry.writes()).toEqual([]);
  expect(registry.digests(NAME)).toEqual(before);
  expect(plan.summary).toContain(
    '**The plan deletes 5 manifests with 2 tags, and removes 1 tag from images that stay.',
  );
  expect(plan.summary).toContain('pie showData');
  expect(plan.summary).toMatch(/<code>pr-1<\/code> \| <code>sha256:\w{12}<\/code> .*of any age/);

  const apply = await runCleanup({ images: image, policy, plan: await approve(plan) });
  expect(apply.exitCode).toBe(0);
  expect(apply.outputs).toMatchObject({
    outcome: 'cleaned',
    'deleted-tags': '3',
    'untagged-tags': '1',
    'deleted-manifests': '5',
    'freed-bytes': plan.outputs['freed-bytes'],
    'plan-digest': plan.outputs['plan-digest'],
  });
  expect(registry.tags(NAME)).toEqual({ 'v1.0.0': images.kept, 'v2.0.0': images.release, latest: images.release });
  expect(registry.digests(NAME)).toEqual(expect.arrayContaining([images.shared, signatures.kept]));
  expect(registry.digests(NAME)).not.toContain(signatures.old);
  const json: unknown = JSON.parse(apply.outputs.json ?? '');
  expect(json).toMatchObject({ schemaVersion: 1, outcome: 'cleaned', repositories: [{ vendor: 'distribution' }] });

  const writes = registry.writes().length;
  const left = registry.digests(NAME);
  const again = await runCleanup({ images: image, policy, plan: await approve(plan) });
  expect(again.outputs).toMatchObject({ outcome: 'unchanged', 'deleted-manifests': '0' });
  expect(again.exitCode).toBe(0);
  // Where untagged manifests are not listed, only a deletion tells that they are gone.
  expect(
    new Set(
      registry
        .writes()
        .slice(writes)
        .map(({ status }) => status),
    ),
  ).toEqual(new Set([404]));
  expect(registry.digests(NAME)).toEqual(left);
});

test('without a plan, `dry-run: false` plans and applies at once', async () => {
  const { registry, policy, image } = await commandScene();
  const run = await runCleanup({ images: image, policy, 'dry-run': 'false' });
  expect(run.outputs.outcome).toBe('cleaned');
  expect(Object.keys(registry.tags(NAME))).toEqual(['v1.0.0', 'v2.0.0', 'latest']);
});

test('a plan can be looked at again: `dry-run: true` shows what still holds of it', async () => {
  const { registry, content, policy, image, approve } = await commandScene();
  const plan = await approve(await runCleanup({ images: image, policy }));
  content.image('newer', 'pr-1');
  const before = registry.digests(NAME);
  const run = await runCleanup({ images: image, policy, plan, 'dry-run': 'true' });
  expect(run.exitCode).toBe(0);
  expect(run.outputs).toMatchObject({ outcome: 'planned', 'skipped-steps': '3', 'deleted-manifests': '2' });
  expect(run.summary).toContain('moved to');
  expect(registry.digests(NAME)).toEqual(before);
});

test('a tag that moved between plan and apply is skipped with what it needs, and the rest is done', async () => {
  const { registry, content, images, policy, image, approve } = await commandScene();
  const plan = await approve(await runCleanup({ images: image, policy }));
  const newer = content.image('newer', 'pr-1');
  const run = await runCleanup({ images: image, policy, plan });
  expect(run.exitCode).toBe(0);
  expect(run.outputs).toMatchObject({ outcome: 'cleaned', 'skipped-steps': '3' });
  expect(run.log).toMatch(/skipped: its tag pr-1 moved to sha256:/);
  expect(run.summary).toContain('#### Not deleted');
  expect(registry.tags(NAME)).toMatchObject({ 'pr-1': newer });
  expect(registry.digests(NAME)).toContain(images.old);
  expect(registry.digests(NAME)).not.toContain(images.other);
});

test('everything selected is stopped by the limit, in the plan and in the unattended run', async () => {
  const { registry, image } = await commandScene();
  const policy = policyWith('', '', '{ tagged: 30% }');
  for (const inputs of [{}, { 'dry-run': 'false' }]) {
    const run = await runCleanup({ images: image, policy, ...inputs });
    expect(run.exitCode).toBe(1);
    expect(run.outputs).toMatchObject({ outcome: 'refused', 'deleted-manifests': '0' });
    expect(run.annotations[0]).toMatchObject({ level: 'error', title: 'The cleanup was stopped' });
    expect(run.log).toContain('3 of 6 tags would go, and `limits.tagged` allows 30%');
  }
  expect(registry.writes()).toEqual([]);
});

test.each([
  ['a page of tags', /tags\/list\?.*last/],
  ['a manifest', /manifests\/v2\.0\.0/],
])(
  '%s that cannot be read yields no deletion and a failing exit, at the plan and at its application',
  async (_, path) => {
    const { registry, policy, image, approve } = await commandScene({ pageSize: 2 });
    const good = await approve(await runCleanup({ images: image, policy }));
    const fault = { match: { path, nth: 'all' as const }, action: { status: 403 } };
    registry.addFault(fault);
    for (const inputs of [{}, { 'dry-run': 'false' }, { plan: good }]) {
      const run = await runCleanup({ images: image, policy, ...inputs });
      expect(run.exitCode).toBe(1);
      expect(run.outputs.outcome).toBe('registry-failed');
      expect(run.outputs['deleted-manifests']).toBe('0');
    }
    expect(registry.writes()).toEqual([]);
  },
);

test('one repository that cannot be read does not keep the other from being cleaned up, and the run fails', async () => {
  const { registry, images, policy, image } = await commandScene();
  registry.addFault({ match: { path: /other\/tags/, nth: 'all' }, action: { status: 403 } });
  const run = await runCleanup({
    images: `${image}\n${registry.host}/team/other`,
    policy,
    'dry-run': 'false',
  });
  expect(run.exitCode).toBe(1);
  expect(run.outputs.outcome).toBe('registry-failed');
  expect(run.summary).toContain('⛔ stopped');
  expect(run.summary).toContain('✅ cleaned up');
  expect(registry.digests(NAME)).not.toContain(images.old);
});

test('a registry that fails in the middle: what was done is reported, and the same plan finishes later', async () => {
  const { registry, images, policy, image, approve } = await commandScene();
  const plan = await approve(await runCleanup({ images: image, policy }));
  registry.addFault({ match: { method: 'DELETE', nth: 3 }, action: { status: 403 } });
  const run = await runCleanup({ images: image, policy, plan });
  expect(run.exitCode).toBe(1);
  expect(run.outputs.outcome).toBe('registry-failed');
  expect(Number(run.outputs['deleted-manifests'])).toBeGreaterThan(0);
  expect(run.summary).toContain('Part of the plan was done');
  expect(run.summary).toContain('❌\u00A0failed');
  const again = await runCleanup({ images: image, policy, plan });
  expect(again.exitCode).toBe(0);
  expect(registry.tags(NAME)).toEqual({ 'v1.0.0': images.kept, 'v2.0.0': images.release, latest: images.release });
});

test.each([1, 3, 5])('killed at deletion %i, it leaves nothing broken, and the same plan finishes', async (nth) => {
  const { registry, images, policy, image, approve, stored } = await commandScene();
  const plan = await approve(await runCleanup({ images: image, policy }));
  registry.addFault({ match: { method: 'DELETE', nth }, action: { delay: 300 }, optional: true });
  const isReached = () => registry.log.filter(({ method }) => method === 'DELETE').length >= nth;
  const first = await runCleanup(
    { images: image, policy, plan },
    {
      onSpawn: (child) => {
        const timer = setInterval(() => isReached() && child.kill('SIGKILL'), 2);
        child.once('exit', () => clearInterval(timer));
      },
    },
  );
  expect(first.exitCode).toBeNull();
  const present = new Set<string>(stored().map(({ digest }) => digest));
  for (const { children, tags } of stored()) {
    if (tags.length > 0) for (const child of children) expect(present).toContain(child);
  }
  const again = await runCleanup({ images: image, policy, plan });
  expect(again.exitCode).toBe(0);
  expect(registry.tags(NAME)).toEqual({ 'v1.0.0': images.kept, 'v2.0.0': images.release, latest: images.release });
});

test('cancelled in the middle, it says so, and the same plan finishes', async () => {
  const { registry, policy, image, approve } = await commandScene();
  const plan = await approve(await runCleanup({ images: image, policy }));
  registry.addFault({ match: { method: 'DELETE', nth: 'all' }, action: { delay: 400 }, optional: true });
  const signalAfter = { line: /::group::Clean up/, signal: 'SIGTERM' } as const;
  const run = await runCleanup({ images: image, policy, plan }, { signalAfter });
  expect(run.exitCode).toBe(1);
  expect(run.outputs.outcome).toBe('cancelled');
  const again = await runCleanup({ images: image, policy, plan });
  expect(again.exitCode).toBe(0);
  expect(Object.keys(registry.tags(NAME))).toEqual(['v1.0.0', 'v2.0.0', 'latest']);
});

test('the plan needs no more than the right to read, and the application more', async () => {
  const reader = { username: 'reader', password: 'r' };
  const auth = { bearer: { username: 'ci', password: 'good', readers: [reader] } };
  const { registry, policy, image, approve } = await commandScene({ auth });
  const as = ({ username, password }: typeof reader) => ({ registry: registry.host, username, password });
  const run = await runCleanup({ images: image, policy, ...as(reader) });
  expect(run.outputs).toMatchObject({ outcome: 'planned', 'deleted-manifests': '5' });
  const plan = await approve(run);
  const denied = await runCleanup({ images: image, policy, plan, ...as(reader) });
  expect(denied.outputs.outcome).toBe('registry-failed');
  expect(denied.outputs['deleted-manifests']).toBe('0');
  const applied = await runCleanup({ images: image, policy, plan, ...as({ username: 'ci', password: 'good' }) });
  expect(applied.outputs.outcome).toBe('cleaned');
});

test('repositories come from the policy where `images` is empty, and the plan is written where `plan-file` says', async () => {
  const { registry, image, directory } = await commandScene();
  const policy = `
repositories:
  - match: ["${image}"]
    limits: off
    rules:
      - { select: { tags: ["pr-*"] }, remove: { older-than: 0d } }
`;
  await writeFile(join(directory, 'cleanup.yaml'), policy);
  const run = await runCleanup({ policy: 'cleanup.yaml', 'plan-file': 'out.json' }, { workspace: directory });
  expect(run.outputs).toMatchObject({ outcome: 'planned', plan: join(directory, 'out.json') });
  const applied = await runCleanup({ policy: 'cleanup.yaml', plan: 'out.json' }, { workspace: directory });
  expect(applied.outputs.outcome).toBe('cleaned');
  expect(registry.tags(NAME)).not.toHaveProperty('pr-1');
});

test('`basis: created` counts from the build where the registry records no push', async () => {
  await using registry = await startRegistry({ deletes: 'digests and tags' });
  const image = (tag: string, created: string) => {
    const put = (body: object, mediaType: string) => {
      const bytes = Buffer.from(JSON.stringify(body));
      return { mediaType, digest: registry.putBlob(NAME, bytes), size: bytes.length };
    };
    const config = put({ created, architecture: 'amd64', os: 'linux' }, 'application/vnd.oci.image.config.v1+json');
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    registry.putManifest(
      NAME,
      tag,
      mediaType,
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] })),
    );
  };
  image('pr-1', '2026-01-02T03:04:05Z');
  image('pr-2', new Date().toISOString());
  image('pr-3', '1970-01-01T00:00:00Z');
  const policy = `
defaults: { basis: created, limits: off }
rules:
  - { select: { tags: ["pr-*"] }, remove: { older-than: 14d } }
`;
  const run = await runCleanup({ images: `${registry.host}/${NAME}`, policy, 'dry-run': 'false' });
  expect(run.outputs.outcome).toBe('cleaned');
  expect(Object.keys(registry.tags(NAME))).toEqual(['pr-2', 'pr-3']);
  expect(await readFile(run.outputs.plan ?? '', 'utf8')).toContain('older than 14 days');
});

test.each([
  ['deletions are switched off', { deletes: 'nothing' as const }, undefined],
  ['nobody may delete', { deletes: 'digests' as const }, 403],
])('where %s, no tag is moved to the empty index that would be deleted', async (_, options, status) => {
  const { registry, policy, image } = await commandScene(options);
  const before = registry.tags(NAME);
  // A tag is refused by its form before the rights are looked at.
  if (status !== undefined) {
    registry.addFault({ match: { method: 'DELETE', path: /sha256:/, nth: 'all' }, action: { status } });
  }
  const run = await runCleanup({ images: image, policy, 'dry-run': 'false' });
  expect(run.exitCode).toBe(1);
  expect(run.outputs.outcome).toBe('registry-failed');
  expect(registry.tags(NAME)).toEqual(before);
});

test.each([true, false])(
  'what an interrupted run left goes when the plan has no steps, too (approved first: %s)',
  async (isApproved) => {
    const { registry, image, approve } = await commandScene({ deletes: 'digests' });
    const policy = policyWith().replace('pr-*', 'nothing-*');
    const { descriptor, bytes } = placeholderFor('interrupted');
    registry.putManifest(NAME, 'interrupted', descriptor.mediaType, bytes);
    const plan = await runCleanup({ images: image, policy });
    expect(plan.outputs).toMatchObject({ outcome: 'planned', 'deleted-tags': '0', 'kept-tags': '6' });
    expect(plan.log).toContain('remove what an interrupted run left: interrupted');
    expect(plan.summary).toContain('To apply it');
    expect(registry.writes()).toEqual([]);
    const run = await runCleanup({
      images: image,
      policy,
      ...(isApproved ? { plan: await approve(plan) } : { 'dry-run': 'false' }),
    });
    expect(run.exitCode).toBe(0);
    expect(run.outputs.outcome).toBe('cleaned');
    expect(run.log).toContain('removed what an earlier run left: interrupted');
    expect(Object.keys(registry.tags(NAME))).not.toContain('interrupted');
    expect(Object.keys(registry.tags(NAME))).toHaveLength(6);
    const again = await runCleanup({ images: image, policy, 'dry-run': 'false' });
    expect(again.outputs.outcome).toBe('unchanged');
  },
);

test('tags of signatures are counted apart from those of images, as limits count', async () => {
  const { content, registry, images, signatures, image } = await commandScene({ referrers: false });
  content.fallback(images.kept, [signatures.kept]);
  content.fallback(images.old, [signatures.old]);
  const policy = policyWith('', '', '{ tagged: 30% }');
  const run = await runCleanup({ images: image, policy });
  const attached = Object.keys(registry.tags(NAME)).filter((tag) => tag.startsWith('sha256-')).length;
  expect(attached).toBeGreaterThan(0);
  expect(run.log).toContain(`6 tags listed, and ${attached} of signatures, SBOMs and other attachments`);
  expect(run.log).toContain('3 of 6 tags would go');
  expect(run.log).toContain('write `limits: { tagged: 50% }` under `defaults` of the policy');
  expect(run.outputs['kept-tags']).toBe('6');
  const allowed = await runCleanup({ images: image, policy: policyWith('', '', '{ tagged: 50% }') });
  expect(allowed.exitCode).toBe(0);
  expect(allowed.log).toMatch(/with 2 tags, 1 more tag without their image; \d+ manifests and 3 tags stay/);
});

test('a tag whose manifest is lost stops the repository, and says what helps', async () => {
  const { registry, policy, image } = await commandScene();
  registry.addFault({ match: { path: /manifests\/pr-2/, nth: 'all' }, action: { status: 404 } });
  const run = await runCleanup({ images: image, policy, 'dry-run': 'false' });
  expect(run.exitCode).toBe(1);
  expect(run.log).toContain('its manifest is lost');
  expect(run.log).toContain('push any image to it');
  expect(registry.writes()).toEqual([]);
});
