import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Descriptor } from '../../../src/domain/manifest.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { LODASH } from '../setting.ts';
import { createMergeJob, single } from './job.ts';

const exec = promisify(execFile);

const AMD = 'linux/amd64';
const ARM = 'linux/arm64';

function indexAt(
  registry: TestRegistry,
  reference: string,
): {
  readonly manifests: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
} {
  return JSON.parse(registry.manifest('org/app', reference)?.bytes.toString() ?? '{}');
}

describe('images of one platform each', () => {
  test.each([
    ['both in the current form of attestations', { attestations: 'artifact' }, { attestations: 'artifact' }],
    ['one in each form of attestations', { attestations: 'image' }, { attestations: 'artifact' }],
    ['without attestations, one of them without an index', { shape: 'manifest' }, { attestations: 'none' }],
    ['with Docker media types beside OCI ones', { docker: true, attestations: 'none' }, { attestations: 'artifact' }],
  ] as const)('become one: %s', async (_, one, two) => {
    await using job = await createMergeJob();
    await using registry = await startRegistry();
    const arm = await job.image(single(ARM, two), 'layouts/image-linux-arm64');
    const amd = await job.image(single(AMD, one), 'layouts/image-linux-amd64');
    const images = `${registry.host}/org/app`;
    const run = await job.merge({ images, annotations: 'com.example.team=web' });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });

    const { manifests, annotations } = indexAt(registry, 'main');
    const digests = [amd, arm].flatMap(({ platforms: [built] }) => [built?.digest, built?.attestation]);
    expect(manifests.map(({ digest }) => digest)).toEqual(digests.filter((digest) => digest !== undefined));
    expect(annotations).toMatchObject({
      'com.example.team': 'web',
      'org.opencontainers.image.revision': await job.repository.head(),
      'org.opencontainers.image.source': 'https://github.com/org/app',
    });
    const attesting = manifests.filter(({ platform }) => platform?.os === 'unknown');
    for (const { annotations: pointer } of attesting) {
      expect(digests).toContain(pointer?.['vnd.docker.reference.digest']);
    }
    expect(run.outputs.digest).toBe(registry.tags('org/app').main);
    const json = JSON.parse(run.outputs.json ?? '{}');
    expect(json.parts.map(({ platforms }: { readonly platforms: readonly string[] }) => platforms)).toEqual([
      [AMD],
      [ARM],
    ]);
    expect(run.summary).toContain('### Merged from');

    registry.clearLog();
    const again = await job.merge({ images, annotations: 'com.example.team=web' });
    expect(again, again.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'unchanged' } });
    expect(registry.writes()).toEqual([]);
  });

  test('are recognised by the default variant of their platform', async () => {
    await using job = await createMergeJob();
    await job.handOver(await job.image(single(AMD), 'layouts/1'), { platforms: ['linux/amd64/v1'] });
    await job.image(single('linux/arm64/v8'), 'layouts/2');
    const run = await job.merge({ push: 'false', platforms: 'linux/arm64,linux/x86_64' });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
    const other = await job.merge({ push: 'false', platforms: 'linux/arm64/v8,linux/amd64' });
    expect(other.outputs.digest, other.log).toBe(run.outputs.digest);
  });

  test('give the same digest in whatever order they come, as folders and as tars', async () => {
    await using job = await createMergeJob();
    const amd = await job.image(single(AMD), 'one');
    const arm = await job.image(single(ARM), 'two');
    await exec('tar', ['-czf', join(job.repository.directory, 'two.tar.gz'), '-C', arm.directory, '.']);
    await mkdir(join(job.repository.directory, 'several'));
    await cp(amd.directory, join(job.repository.directory, 'several/z'), { recursive: true });
    await cp(arm.directory, join(job.repository.directory, 'several/a'), { recursive: true });
    const digests: (string | undefined)[] = [];
    for (const layouts of ['one\ntwo', 'two\none', 'two.tar.gz\none', 'several', 'several\none\ntwo.tar.gz']) {
      const run = await job.merge({ layouts, push: 'false' });
      expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
      digests.push(run.outputs.digest);
    }
    expect(new Set(digests).size).toBe(1);
  });
});

describe('nothing is written, and the tag does not move', () => {
  test.each([
    ['a platform is missing', [single(AMD)], 'PLATFORM_MISSING', /linux\/arm64 is missing/],
    [
      'there is a platform too many',
      [single(AMD), single(ARM), single('linux/s390x')],
      'PLATFORM_MISSING',
      /linux\/s390x.*not requested/,
    ],
    [
      'a platform is there twice',
      [single(AMD), single(ARM), single(ARM, {}, { x: 'y' })],
      'PLATFORM_CONFLICT',
      /sha256:\w{64}.*and sha256:\w{64}/,
    ],
    [
      'a platform is there twice, once with its default variant',
      [single(AMD), single(ARM), single('linux/arm64/v8', {}, { x: 'y' })],
      'PLATFORM_CONFLICT',
      /2 images for linux\/arm64/,
    ],
    ['one platform has findings', [single(AMD), single(ARM, {}, LODASH)], 'FINDINGS', /linux\/arm64/],
  ] as const)('when %s', async (_, specs, code, message) => {
    await using job = await createMergeJob();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    for (const [at, spec] of specs.entries()) await job.image(spec, `layouts/${at}`);
    const run = await job.merge({ images });
    expect(run.exitCode, run.log).toBe(1);
    const { errors } = JSON.parse(run.outputs.json ?? '{}');
    expect(errors).toMatchObject([{ code, message: expect.stringMatching(message) }]);
    expect(registry.writes()).toEqual([]);
    // The summary shows the platforms that passed as well.
    if (code === 'FINDINGS') expect(run.summary).toMatch(/linux\/amd64[\s\S]*linux\/arm64/);
  });

  test.each([
    ['provenance', 'PROVENANCE_MISSING'],
    ['sbom', 'SBOM_MISSING'],
  ])('when one platform lacks the %s that is required', async (kind, code) => {
    await using job = await createMergeJob();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const { platforms, ...rest } = single(ARM);
    await job.image(single(AMD), 'layouts/1');
    await job.image({ ...rest, platforms: platforms.map((each) => ({ ...each, [kind]: false })) }, 'layouts/2');
    const refused = await job.merge({ images, [kind]: 'true' });
    expect(JSON.parse(refused.outputs.json ?? '{}').errors, refused.log).toMatchObject([{ code }]);
    expect(registry.writes()).toEqual([]);
    const accepted = await job.merge({ images });
    expect(accepted, accepted.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(accepted.log).toMatch(/::warning.*linux\/arm64 has no .*other platforms have one/);
  });

  test('when an image is of another commit', async () => {
    await using job = await createMergeJob();
    await using registry = await startRegistry();
    const amd = await job.image(single(AMD), 'layouts/1');
    const arm = await job.image(single(ARM), 'layouts/2');
    await job.handOver(amd);
    await job.handOver(arm, { commit: 'd'.repeat(40) });
    const run = await job.merge({ images: `${registry.host}/org/app` });
    const { errors } = JSON.parse(run.outputs.json ?? '{}');
    expect(errors, run.log).toMatchObject([{ code: 'COMMIT_MISMATCH', message: expect.stringContaining('layouts/2') }]);
    expect(registry.writes()).toEqual([]);

    // Without the file, the annotation of the image names its commit.
    await rm(join(arm.directory, 'registry-action.json'));
    await job.image(single(ARM, { annotations: { 'org.opencontainers.image.revision': 'e'.repeat(40) } }), 'layouts/2');
    const other = await job.merge({ images: `${registry.host}/org/app` });
    expect(JSON.parse(other.outputs.json ?? '{}').errors, other.log).toMatchObject([{ code: 'COMMIT_MISMATCH' }]);
  });

  test('when the file beside an image is about another one, or is no such file', async () => {
    await using job = await createMergeJob();
    const amd = await job.image(single(AMD), 'layouts/1');
    const arm = await job.image(single(ARM), 'layouts/2');
    await job.handOver(arm, { digest: amd.digest });
    const mixed = await job.merge({ push: 'false' });
    expect(JSON.parse(mixed.outputs.json ?? '{}').errors, mixed.log).toMatchObject([
      { code: 'SOURCE_INVALID', message: expect.stringMatching(/files of two builds are mixed/) },
    ]);
    for (const text of ['', '{', '[]', '{"schemaVersion":2}', `{"a":${'['.repeat(70_000)}`]) {
      await writeFile(join(arm.directory, 'registry-action.json'), text);
      const run = await job.merge({ push: 'false' });
      expect(JSON.parse(run.outputs.json ?? '{}').errors, run.log).toMatchObject([{ code: 'SOURCE_INVALID' }]);
    }
  });
});

test('of several attempts of one job the newest counts', async () => {
  await using job = await createMergeJob();
  await using registry = await startRegistry();
  const images = `${registry.host}/org/app`;
  await job.handOver(await job.image(single(AMD), 'layouts/image-linux-amd64-1'));
  await job.handOver(await job.image(single(ARM, {}, LODASH), 'layouts/image-linux-arm64-1'));
  const second = await job.image(single(ARM, {}, { fixed: 'yes' }), 'layouts/image-linux-arm64-2');
  await job.handOver(second, { run: { id: '4242', attempt: 2, job: 'build', runner: 'another, Linux ARM64' } });
  const run = await job.merge({ images }, { env: { GITHUB_RUN_ATTEMPT: '2' } });
  expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
  expect(indexAt(registry, 'main').manifests.map(({ digest }) => digest)).toContain(second.platforms[0]?.digest);
  expect(run.log).toMatch(/image-linux-arm64-1 is of an earlier attempt/);
  expect(run.summary).toMatch(/another, Linux ARM64.*4242, attempt 2/);
  expect(JSON.parse(run.outputs.json ?? '{}').parts).toMatchObject([
    { builtBy: { run: { attempt: 1 } } },
    { digest: second.digest, builtBy: { run: { id: '4242', attempt: 2, runner: 'another, Linux ARM64' } } },
  ]);
});

describe('images that were pushed by digest', () => {
  /** Pushes each platform by digest, as the widespread pattern does. @returns the digests of their indexes */
  async function pushed(job: Awaited<ReturnType<typeof createMergeJob>>, registry: TestRegistry) {
    const digests: string[] = [];
    for (const platform of [AMD, ARM]) {
      const { digest } = await job.image(single(platform), 'single');
      const run = await job.publish({
        images: `${registry.host}/org/app`,
        source: 'single',
        tags: `type=raw,value=${platform.slice(6)}`,
      });
      expect(run, run.log).toMatchObject({ exitCode: 0 });
      digests.push(digest);
    }
    return digests;
  }

  test('are merged: as lines, as a file, and as a folder of files named for them', { timeout: 120_000 }, async () => {
    await using job = await createMergeJob();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const [amd = '', arm = ''] = await pushed(job, registry);
    const lines = `${ARM}=${arm}\n${AMD}/v1=${amd}`;
    const folder = join(job.repository.directory, 'digests');
    await mkdir(folder);
    for (const digest of [amd, arm]) await writeFile(join(folder, digest.slice('sha256:'.length)), '');
    await writeFile(join(job.repository.directory, 'list.txt'), `# built\n${lines}\n`);
    const found = new Set<string | undefined>();
    for (const digests of [lines, `${amd}\n${arm}`, 'list.txt', 'digests']) {
      const run = await job.merge({ images, layouts: '', digests });
      expect(run, run.log).toMatchObject({ exitCode: 0 });
      found.add(run.outputs.digest);
    }
    expect([...found]).toEqual([registry.tags('org/app').main]);
  });

  test.each([
    [
      'one that is not there',
      (amd: string) => `${AMD}=${amd}\n${ARM}=sha256:${'7'.repeat(64)}`,
      'MANIFEST_UNKNOWN',
      /sha256:7+ for linux\/arm64/,
    ],
    [
      'one of another platform',
      (amd: string, arm: string) => `${AMD}=${arm}\n${ARM}=${amd}`,
      'PLATFORM_MISSING',
      /as linux\/amd64, and it is an image for linux\/arm64/,
    ],
    // The job of the other platform failed, or its artifact has expired: https://github.com/danny-avila/LibreChat/pull/15444
    ['that of one platform alone', (amd: string) => amd, 'PLATFORM_MISSING', /linux\/arm64 is missing/],
    [
      'one of a repository whose name begins the same',
      (amd: string, arm: string) => `${amd}\n${arm}\nsha256:${'8'.repeat(64)}`,
      'MANIFEST_UNKNOWN',
      /does not have sha256:8+/,
    ],
    ['a path to nothing', () => 'nowhere', 'INPUT_INVALID', /nothing at/],
    ['a file of something else', () => 'README.md', 'INPUT_INVALID', /README\.md/],
    ['a cut-off digest', () => `${AMD}=sha256:1234`, 'INPUT_INVALID', /64 digits/],
  ])('%s fails the run before anything is written', { timeout: 60_000 }, async (_, digests, code, message) => {
    await using job = await createMergeJob();
    await using registry = await startRegistry();
    const [amd = '', arm = ''] = await pushed(job, registry);
    registry.clearLog();
    const run = await job.merge({ images: `${registry.host}/org/app`, layouts: '', digests: digests(amd, arm) });
    const { errors } = JSON.parse(run.outputs.json ?? '{}');
    expect(errors, run.log).toMatchObject([{ code, message: expect.stringMatching(message) }]);
    expect(registry.writes()).toEqual([]);
  });
});

test('a merge of an older commit leaves the tag where a newer one has put it', async () => {
  await using job = await createMergeJob();
  await using registry = await startRegistry();
  const images = `${registry.host}/org/app`;
  await job.repository.commit('ignored', { '.gitignore': 'layouts\nolder\n' });
  const old = await job.push();
  const build = async () => {
    for (const platform of [AMD, ARM]) await job.image(single(platform), `layouts/${platform.slice(6)}`);
  };
  await build();
  await cp(join(job.repository.directory, 'layouts'), join(job.repository.directory, 'older'), { recursive: true });
  const sha = await job.repository.head();
  await job.repository.commit('second', { 'README.md': '# second' });
  await build();
  const newer = await job.merge({ images });
  expect(newer, newer.log).toMatchObject({ exitCode: 0 });
  const before = registry.tags('org/app').main;
  await job.repository.git('checkout', '-q', sha);
  const late = await job.merge({ images, layouts: 'older' }, { event: old });
  expect(late, late.log).toMatchObject({ exitCode: 0 });
  expect(registry.tags('org/app').main).toBe(before);
  expect(late.log).toMatch(/:main .*(?:older|newer|ancestor)/);
});

test('a release that is built and merged again keeps its digest', async () => {
  await using job = await createMergeJob();
  await using registry = await startRegistry();
  const images = `${registry.host}/org/app`;
  const event = await job.tag('v1.2.3');
  const build = async (nonce: string) => {
    for (const platform of [AMD, ARM]) await job.image(single(platform, {}, { nonce }), `layouts/${platform.slice(6)}`);
  };
  await build('one');
  const first = await job.merge({ images }, { event });
  expect(first, first.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
  const tags = registry.tags('org/app');
  await build('two');
  const refused = await job.merge({ images }, { event });
  expect(refused.outputs.outcome, refused.log).toBe('tag-conflict');
  const kept = await job.merge({ images, 'if-published': 'keep' }, { event });
  expect(kept, kept.log).toMatchObject({
    exitCode: 0,
    outputs: { outcome: 'unchanged', digest: first.outputs.digest },
  });
  expect(registry.tags('org/app')).toEqual(tags);
});

test('wrong inputs are reported together', async () => {
  await using job = await createMergeJob();
  const run = await job.merge({
    layouts: '',
    platforms: '',
    annotations: 'manifest:a=b\nindex-descriptor:c=d',
    file: 'Dockerfile.other',
    push: 'false',
  });
  const [error] = JSON.parse(run.outputs.json ?? '{}').errors;
  for (const text of [
    /`layouts` or `digests`/,
    /needs `platforms`/,
    /`manifest:`, `index-descriptor:`/,
    /file.*belongs to `command: publish`/,
  ]) {
    expect(error.message).toMatch(text);
  }
});

test('the merged layout keeps the bytes of its parts as they are', async () => {
  await using job = await createMergeJob();
  const amd = await job.image(single(AMD), 'layouts/1');
  await job.image(single(ARM), 'layouts/2');
  const [layer] = amd.platforms[0]?.layers ?? [];
  if (layer === undefined) throw new Error('There is no layer.');
  const before = await readFile(amd.path(layer));
  // A layer that is not what its digest says is found by the scan, before any write.
  await writeFile(amd.path(layer), Buffer.concat([before.subarray(1), before.subarray(0, 1)]));
  await using registry = await startRegistry();
  const run = await job.merge({ images: `${registry.host}/org/app` });
  expect(JSON.parse(run.outputs.json ?? '{}').errors, run.log).toMatchObject([{ code: 'LAYOUT_CORRUPT' }]);
  expect(registry.writes()).toEqual([]);
});
