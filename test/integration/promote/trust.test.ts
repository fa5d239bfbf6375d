import { createHash } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ManifestBytes } from '../../../src/domain/manifest.ts';
import type { PromotionRecord } from '../../../src/domain/promotion/record.ts';
import { recordArtifact } from '../../../src/domain/promotion/record-manifest.ts';
import type { ActionRun } from '../../support/action.ts';
import { fill } from '../../support/copy-source.ts';
import { recordWith } from '../../support/promotion-record.ts';
import type { TestRegistry } from '../../support/registry.ts';
import { createScene, DEV, errorsOf, expectPromoted, PROD, recordsAt } from './scene.ts';

type Lines = Readonly<Record<string, string>>;

const later = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

/** A record that somebody writes past us. @returns its manifest */
function forge(
  registry: TestRegistry,
  repository: string,
  of: ManifestBytes,
  more: Partial<PromotionRecord>,
): ManifestBytes {
  registry.putBlob(repository, Buffer.from('{}'));
  const name = `${registry.host}/${PROD}`;
  const record = recordWith({
    environment: 'production',
    repository: name,
    to: [`${name}:production`],
    digest: of.descriptor.digest,
    event: 'workflow_dispatch',
    time: later(0),
    ...more,
  });
  const artifact = recordArtifact(
    record,
    of.descriptor,
    (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
  );
  if (!artifact.ok) throw new Error(artifact.problems.join());
  const { descriptor, bytes } = artifact.value;
  registry.putManifest(repository, descriptor.digest, descriptor.mediaType, bytes);
  return artifact.value;
}

/** `prod/app:production` was promoted to `one` and then to `two` from `dev/app`, where an attacker may push. */
async function createProduction() {
  const scene = await createScene();
  onTestFinished(scene[Symbol.asyncDispose]);
  const { registry, source, job } = scene;
  const one = source.image(['1'], {}, 'one');
  const two = source.image(['2'], {}, 'two');
  const evil = source.image(['evil'], {}, 'evil');
  for (const from of ['one', 'two']) expectPromoted(await scene.promote(from));
  const images = `${registry.host}/${PROD}`;
  const rollback = (inputs: Lines = {}) =>
    job.promote({ images, environment: 'production', rollback: 'true', ...inputs });
  return { ...scene, one, two, evil, images, rollback };
}

function expectRefused(run: ActionRun, registry: TestRegistry, reason: RegExp): void {
  expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'refused' } });
  expect(errorsOf(run).map(({ code }) => code)).toEqual(['PROMOTION_REFUSED']);
  expect(errorsOf(run)[0]?.message).toMatch(reason);
  expect(registry.writes()).toEqual([]);
}

describe('a record forged where the image comes from', () => {
  test('lifts no hold at the target, and is named', async () => {
    const { registry, two, rollback, promote, one } = await createProduction();
    expect((await rollback()).outputs).toMatchObject({ outcome: 'rolled-back', digest: one.descriptor.digest });
    forge(registry, DEV, two, { forced: true, time: later(1) });
    forge(registry, DEV, two, { kind: 'rollback', time: later(2) });
    registry.clearLog();
    const run = await promote('two');
    expectRefused(run, registry, /it is on hold until a person promotes it by name/);
    expect(run.log).toMatch(/Ignored 2 promotion records in 127.*dev\/app, written to another repository: /);
    expect(run.summary).toContain('Ignored 2 promotion records');
  });

  test('does not say where a rollback goes: it stays at the source, and the target has a record of its own', async () => {
    const { registry, source, one, evil, promote, rollback } = await createProduction();
    const three = source.image(['3'], {}, 'three');
    forge(registry, DEV, three, { previousDigest: evil.descriptor.digest });
    forge(registry, DEV, evil, {});
    expectPromoted(await promote('three'));
    expect(recordsAt(registry)).toBe(3);
    // One that puts itself between is not there either.
    const back = await rollback();
    expect(back.outputs.outcome, back.log).toBe('rolled-back');
    expect(registry.tags(PROD).production).not.toBe(evil.descriptor.digest);
    expect((await rollback()).outputs.digest).toBe(one.descriptor.digest);
    registry.clearLog();
    expectRefused(
      await rollback({ from: `${registry.host}/${DEV}@${evil.descriptor.digest}` }),
      registry,
      /No promotion record of this repository/,
    );
  });

  test('may add a hold, which a person can lift', async () => {
    const { registry, source, one, promote, job, images } = await createProduction();
    const three = source.image(['3'], {}, 'three');
    forge(registry, DEV, three, { digest: three.descriptor.digest, held: [three.descriptor.digest] });
    registry.clearLog();
    expectRefused(await promote('three'), registry, /on hold/);
    const forced = await job.byHand({
      from: `${registry.host}/${DEV}:three`,
      to: images,
      environment: 'production',
      force: 'true',
    });
    expectPromoted(forced);
    expect(one).toBeDefined();
  });

  test.each([
    ['of the index', false],
    ['of an index in the index', true],
  ])('as a part %s, with what the target has now as its subject, stops the promotion', async (_, isNested) => {
    const { registry, source, one, two, evil, promote } = await createProduction();
    const record = forge(registry, DEV, two, { forced: true, previousDigest: evil.descriptor.digest });
    const inner = isNested ? source.index([record]) : record;
    source.index([one, inner], {}, 'four');
    registry.clearLog();
    expectRefused(await promote('four'), registry, /is a promotion record, and part of the image/);
  });

  test('under another type, or beyond a referrer, is not copied', async () => {
    const { registry, source, two, promote } = await createProduction();
    const three = source.image(['3'], {}, 'three');
    const record = JSON.parse(Buffer.from(forge(registry, DEV, three, { forced: true }).bytes).toString('utf8'));
    const artifactType = 'application/spdx+json';
    const signature = source.referrer(three, 'signature');
    const disguised = source.referrer(three, 'x', { artifactType, annotations: record.annotations });
    const onReferrer = source.referrer(signature, 'y', { artifactType, annotations: record.annotations });
    expectPromoted(await promote('three'));
    for (const { descriptor } of [disguised, onReferrer])
      expect(registry.manifest(PROD, descriptor.digest)).toBeUndefined();
    expect(registry.manifest(PROD, signature.descriptor.digest)).toBeDefined();
    expect(two).toBeDefined();
  });
});

describe('a record in the target itself', () => {
  test('from the future counts for nothing, and is named', async () => {
    const { registry, one, two, rollback, promote } = await createProduction();
    await rollback();
    for (const each of [one, two]) forge(registry, PROD, each, { forced: true, time: later(60) });
    registry.clearLog();
    const run = await promote('two');
    expectRefused(run, registry, /on hold/);
    expect(run.log).toMatch(/Ignored the promotion record sha256:\w{12} in .*prod\/app: it is dated .*, in the future/);
  });

  test('that says it was forced in a run that no person started lifts nothing', async () => {
    const { registry, two, rollback, promote } = await createProduction();
    await rollback();
    forge(registry, PROD, two, { forced: true, event: 'push', time: later(0) });
    registry.clearLog();
    expectRefused(await promote('two'), registry, /on hold/);
  });

  test('that was copied there with an image counts for nothing', async () => {
    const { registry, two, one, evil, rollback } = await createProduction();
    const dev = `${registry.host}/${DEV}`;
    forge(registry, PROD, two, {
      repository: dev,
      to: [`${dev}:production`],
      previousDigest: evil.descriptor.digest,
      time: later(1),
    });
    expect((await rollback()).outputs).toMatchObject({ outcome: 'rolled-back', digest: one.descriptor.digest });
  });

  test('names the one before it, and a gap leaves the way back to a person', async () => {
    const { registry, job, two, one, images, rollback, source, promote } = await createProduction();
    const manifests = registry
      .digests(PROD)
      .map((digest) => JSON.parse(registry.manifest(PROD, digest)?.bytes.toString('utf8') ?? '{}'))
      .flatMap(({ annotations }) => annotations?.['io.github.registry-action.promotion.record'] ?? [])
      .map((text) => JSON.parse(text));
    const [first, second] = manifests.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
    expect(first).toMatchObject({ repository: images, digest: one.descriptor.digest });
    expect(first.previousRecord).toBeUndefined();
    expect(second.previousRecord).toMatch(/^sha256:/);
    expect(registry.manifest(PROD, second.previousRecord)?.bytes.toString()).toContain(first.time);
    // Somebody moves the tag by hand.
    const moved = fill(registry, PROD).image(['by hand'], {}, 'production').descriptor.digest;
    registry.clearLog();
    expectRefused(await rollback(), registry, /without a gap to what production pointed to before/);
    const named = await rollback({ from: two.descriptor.digest });
    expect(named.outputs, named.log).toMatchObject({
      outcome: 'rolled-back',
      digest: two.descriptor.digest,
      'previous-digest': moved,
    });
    source.image(['3'], {}, 'three');
    expectPromoted(await promote('three'));
    const history = await job.promote({ images, from: 'env:production', environment: 'production', 'dry-run': 'true' });
    expect(history.summary).toContain('unsigned');
  });
});

describe('what is an image in truth', () => {
  const sbomTag = ({ descriptor }: ManifestBytes) => `${descriptor.digest.replace(':', '-')}.sbom`;

  test('does not travel as a referrer, nor under a tag of cosign', async () => {
    const { registry, source, promote } = await createProduction();
    const three = source.image(['3'], {}, 'three');
    const signature = source.referrer(three, 'signature');
    const miner = source.image(['miner'], { subject: three.descriptor, artifactType: 'application/spdx+json' });
    const wrapped = source.index([source.image(['wrapped'])], { subject: three.descriptor });
    const tagged = source.image(['tagged'], {}, sbomTag(three));
    const run = await promote('three');
    expectPromoted(run);
    for (const { descriptor } of [miner, wrapped, tagged])
      expect(registry.manifest(PROD, descriptor.digest)).toBeUndefined();
    expect(Object.keys(registry.tags(PROD))).toEqual(['production']);
    expect(registry.manifest(PROD, signature.descriptor.digest)).toBeDefined();
    for (const text of [run.log, run.summary]) {
      expect(text).toContain('was not copied');
      expect(text).toContain(miner.descriptor.digest.slice(0, 19));
      // What came along is listed.
      expect(text).toContain(signature.descriptor.digest.slice(0, 19));
    }
    const again = await promote('three');
    expect(again.outputs.outcome, again.log).toBe('unchanged');
  });

  test('is given no tag of cosign when it is a part of the image', async () => {
    const { registry, source, promote } = await createProduction();
    const child = source.image(['child']);
    const root = source.index([child], {}, 'three');
    registry.putManifest(DEV, sbomTag(root), child.descriptor.mediaType, child.bytes);
    expectPromoted(await promote('three'));
    expect(Object.keys(registry.tags(PROD))).toEqual(['production']);
  });

  test('beyond a number of attachments nothing is copied', async () => {
    const { registry, source, promote } = await createProduction();
    const three = source.image(['3'], {}, 'three');
    for (let at = 0; at < 1001; at++) source.referrer(three, `${at}`);
    registry.clearLog();
    const run = await promote('three');
    expect(run, run.log).toMatchObject({ exitCode: 1 });
    expect(errorsOf(run)).toMatchObject([{ code: 'TOO_LARGE', message: expect.stringContaining('1001 artifacts') }]);
    expect(registry.writes()).toEqual([]);
  });
});

describe('an event that may not promote', () => {
  test.each([
    ['pull_request', {}],
    ['pull_request_target', {}],
    ['pull_request_review', {}],
    ['issue_comment', {}],
    ['merge_group', {}],
    ['workflow_run', { workflow_run: { event: 'pull_request' } }],
    ['workflow_run', { workflow_run: { event: 'workflow_run' } }],
    ['workflow_run', {}],
  ])('%s is refused before the registry is asked', async (name, payload) => {
    await using scene = await createScene();
    scene.source.usual();
    const sha = await scene.job.repository.head();
    const event = {
      name,
      ref: 'refs/heads/main',
      sha,
      payload: { repository: { default_branch: 'main' }, ...payload },
    };
    for (const more of [{}, { rollback: 'true', from: '' }]) {
      expectRefused(await scene.promote('v1', more, { event }), scene.registry, /may not promote/);
    }
    expect(scene.registry.requests()).toBe(0);
  });

  test('a workflow run behind a push may', async () => {
    await using scene = await createScene();
    scene.source.usual();
    const sha = await scene.job.repository.head();
    const payload = { repository: { default_branch: 'main' }, workflow_run: { event: 'push' } };
    expectPromoted(
      await scene.promote('v1', {}, { event: { name: 'workflow_run', ref: 'refs/heads/main', sha, payload } }),
    );
  });
});
