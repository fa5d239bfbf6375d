import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fallbackTag } from '../../../src/oci/client/referrers.ts';
import { fill } from '../../support/copy-source.ts';
import { packTrivyDb, serveMirrors } from '../../support/trivy-db.ts';
import { CLEAN, LODASH } from '../setting.ts';
import { createScene, DEV, errorsOf, expectError, expectPromoted, PROD } from './scene.ts';
import { createStages, NAME } from './stages.ts';

const FILE = '.github/promotion.yaml';

describe('what refers to an image and would run', () => {
  test('does not travel under any type: layers that pretend to be documents, an image behind a referrer', async () => {
    await using scene = await createScene();
    const { registry, source } = scene;
    const one = source.image(['1'], {}, 'v1');
    const layer = (mediaType: string) => ({ ...source.blob('miner'), mediaType });
    const subject = one.descriptor;
    const sbom = source.referrer(one, 'sbom');
    const evil = [
      source.image([], { subject, layers: [layer('application/vnd.oci.image.layer.v1.tar+json')] }),
      source.image([], { subject, layers: [layer('application/vnd.oci.image.layer.v1.tar+gzip+json')] }),
      source.image(['x'], { subject: sbom.descriptor, artifactType: 'application/spdx+json' }),
      source.referrer(one, 'y', {
        config: { ...source.blob('a config'), mediaType: 'application/vnd.example.config' },
        layers: [layer('application/vnd.oci.image.layer.v1.tar+gzip')],
      }),
      source.index([one], { subject, artifactType: 'application/spdx+json' }),
    ];
    const cosign = `${subject.digest.replace(':', '-')}.att`;
    evil.push(source.image([], { layers: [layer('application/vnd.oci.image.layer.v1.tar+xml')] }, cosign));
    const run = await scene.promote();
    expectPromoted(run);
    expect(registry.manifest(PROD, sbom.descriptor.digest)).toBeDefined();
    for (const { descriptor } of evil) {
      expect(registry.manifest(PROD, descriptor.digest), descriptor.digest).toBeUndefined();
      expect(run.summary).toContain(descriptor.digest === evil.at(-1)?.descriptor.digest ? cosign : descriptor.digest);
    }
    expect(Object.keys(registry.tags(PROD))).toEqual(['production']);
  });

  test('beyond 1 GiB of attachments nothing is copied', async () => {
    await using scene = await createScene();
    const one = scene.source.image(['1'], {}, 'v1');
    const big = { mediaType: 'application/octet-stream', digest: `sha256:${'b'.repeat(64)}`, size: 1024 ** 3 };
    scene.source.referrer(one, 'big', { layers: [big] });
    const run = await scene.promote();
    expect(run.exitCode, run.log).toBe(1);
    expect(errorsOf(run)).toMatchObject([{ code: 'TOO_LARGE', message: expect.stringContaining('1073741824 bytes') }]);
    expect(scene.registry.writes()).toEqual([]);
  });
});

describe('a fallback tag that is an image, where the registry has no referrers API', () => {
  const occupy = (scene: Awaited<ReturnType<typeof createScene>>, repository: string, tag: string) =>
    fill(scene.target, repository).image(['occupied'], {}, tag).descriptor.digest;

  test.each(['true', 'false'])('stops before a tag moves in one repository: dry-run %s', async (dryRun) => {
    await using scene = await createScene({ referrers: false });
    const one = scene.source.image(['1'], {}, 'v1');
    const image = occupy(scene, DEV, fallbackTag(one.descriptor.digest));
    scene.registry.clearLog();
    const run = await scene.promote('v1', { to: `${scene.registry.host}/${DEV}`, 'dry-run': dryRun });
    const message = expectError(run, 'tag-conflict', 'TAG_IMMUTABLE');
    expect(message).toContain(`points to the image ${image}`);
    expect(scene.registry.writes()).toEqual([]);
  });

  test.each([
    ['nothing', false],
    ['another image', true],
  ])('stops before a tag moves in another repository that held %s', async (_, hasOld) => {
    await using scene = await createScene({}, { referrers: false });
    const { target, source } = scene;
    const one = source.image(['1'], {}, 'v1');
    const old = hasOld ? fill(target, PROD).image(['old'], {}, 'production').descriptor.digest : undefined;
    occupy(scene, PROD, fallbackTag(one.descriptor.digest));
    const run = await scene.promote();
    expectError(run, 'tag-conflict', 'TAG_IMMUTABLE');
    expect(scene.held()).toBe(old);
    expectPromoted(await scene.promote('v1', { record: 'false' }));
    expect(scene.held()).toBe(one.descriptor.digest);
  });
});

test('one of three targets fails: json says which, that the others have the content, and that a re-run finishes', async () => {
  await using scene = await createScene();
  const { registry, source } = scene;
  const one = source.image(['1'], {}, 'v1').descriptor.digest;
  const to = ['a', 'b', 'c'].map((name) => `${registry.host}/${name}/app`);
  registry.addFault({
    match: { method: 'POST', path: /\/b\/app\/blobs\/uploads/, nth: 'all' },
    action: { status: 403, body: { errors: [{ code: 'DENIED', message: 'not yours' }] } },
  });
  const run = await scene.promote('v1', { to: to.join('\n') });
  expectError(run, 'registry-failed', 'DENIED');
  const json = JSON.parse(run.outputs.json ?? '{}');
  expect(json).toMatchObject({
    partial: true,
    targets: [
      { image: to[0], state: 'held-back', present: true, written: [] },
      { image: to[1], state: 'failed', present: false, written: [], error: { code: 'DENIED' } },
      { image: to[2], state: 'held-back', present: true, written: [] },
    ],
  });
  expect(run.outputs.tags).toBe('');
  expect(run.summary).toContain('the image is in 2 of 3 repositories, no tag was written');
  for (const name of ['a/app', 'c/app']) {
    expect(registry.manifest(name, one)).toBeDefined();
    expect(registry.tags(name)).toEqual({});
  }
});

describe('names that look like another environment or repository', () => {
  /** `main` requires a signature of production, and of whatever is written to `org/…`. */
  async function createProtected(policy: string) {
    const environments = await createStages();
    onTestFinished(environments[Symbol.asyncDispose]);
    const sha = await environments.job.repository.commit('policy', { [FILE]: policy });
    environments.source.image(['1'], {}, 'next');
    const payload = { repository: { default_branch: 'main' } };
    return { environments, options: { event: { name: 'push', ref: 'refs/heads/main', sha, payload } } };
  }

  test.each([
    { environment: 'PRODUCTION' },
    { environment: ' Production ' },
    { environment: 'foo', to: 'production' },
    { environment: 'foo', to: 'Production' },
    { environment: 'foo', to: 'PRODUCTION\nfoo' },
    { environment: '.production' },
    { environment: 'foo', from: 'next', to: '{{env}}\nproduction' },
  ])('%j has to meet what production requires', async (inputs) => {
    const { environments, options } = await createProtected('environments: { production: [signature] }\n');
    await environments.refuses('', ['signature: '], { inputs, options });
  });

  test.each(['ORG/App', 'org/app'])('the repository %s is one, whatever its case', async (name) => {
    const { environments, options } = await createProtected(`repositories: { 'Org/APP': [signature] }\n`);
    const inputs = { environment: 'foo', images: `${environments.registry.host}/${name}` };
    await environments.refuses('', ['signature: '], { inputs, options });
    expect(environments.registry.tags(NAME).foo).toBeUndefined();
  });

  test.each(['../../evil', '1.2.3/../../evil', '1.2.3@sha256:0', '9.evil.example/x'])(
    'a version %s in the image leads to no other place',
    async (version) => {
      const { environments, options } = await createProtected('{}\n');
      const annotations = { 'org.opencontainers.image.version': version };
      environments.source.image(['v'], { annotations }, 'named');
      const to = `${environments.registry.host}/org/{{version}}:latest`;
      environments.registry.clearLog();
      const run = await environments.job.promote(
        { images: `${environments.registry.host}/${NAME}`, from: 'named', to },
        options,
      );
      const written = environments.registry.writes().map(({ path }) => path);
      expect(written.filter((path) => !/^\/v2\/org\/[a-z0-9.-]+\/(?:manifests|blobs)\//.test(path))).toEqual([]);
      if (run.exitCode !== 0) expect(written).toEqual([]);
    },
  );
});

describe('a policy of the default branch that cannot be read', () => {
  async function createBranch(prepare: (commit: (files: object) => Promise<string>, folder: string) => Promise<void>) {
    const environments = await createStages();
    onTestFinished(environments[Symbol.asyncDispose]);
    const { repository } = environments.job;
    await prepare((files) => repository.commit('prepared', { ...files }), repository.directory);
    const main = await repository.head();
    await repository.branch('feature');
    await repository.git('rm', '-r', '--quiet', '--ignore-unmatch', '.github');
    const sha = await repository.commit('without', { [FILE]: '{}\n' });
    await repository.git('update-ref', 'refs/remotes/origin/main', main);
    environments.source.image(['1'], {}, 'next');
    const payload = { repository: { default_branch: 'main' } };
    return { environments, options: { event: { name: 'push', ref: 'refs/heads/feature', sha, payload } } };
  }

  test.each([
    [
      'a link',
      async (commit: (files: object) => Promise<string>, folder: string) => {
        await commit({ 'ops/policy.yaml': 'require: [signature]\n', '.github/x': '' });
        await symlink('../ops/policy.yaml', join(folder, FILE));
        await commit({});
      },
      /Could not read .github\/promotion.yaml on main.*no plain file/,
    ],
    [
      'in a folder that is a link',
      async (commit: (files: object) => Promise<string>, folder: string) => {
        await commit({ 'ops/promotion.yaml': 'require: [signature]\n' });
        await symlink('ops', join(folder, '.github'));
        await commit({});
      },
      /Could not read .github\/promotion.yaml on main.*a folder of it is a link/,
    ],
    [
      'a folder',
      async (commit: (files: object) => Promise<string>) => {
        await commit({ [`${FILE}/x.yaml`]: 'require: [signature]\n' });
      },
      /Could not read .github\/promotion.yaml on main.*no plain file/,
    ],
    [
      'empty',
      async (commit: (files: object) => Promise<string>) => {
        await commit({ [FILE]: '' });
      },
      /promotion\.yaml:1:1 on main: expected a map/,
    ],
  ])('because it is %s refuses', async (_, prepare, reason) => {
    const { environments, options } = await createBranch(prepare);
    expect(await environments.fails('POLICY_INVALID', '', { options })).toMatch(reason);
  });
});

test('a branch accepts no finding for itself: ignore file and VEX document are those of the default branch', async () => {
  const environments = await createStages();
  onTestFinished(environments[Symbol.asyncDispose]);
  const mirrors = await serveMirrors({ 'trivy-db': { layer: await packTrivyDb() } });
  onTestFinished(mirrors[Symbol.asyncDispose]);
  const { repository } = environments.job;
  const root = await environments.layout({ platforms: [{ platform: 'linux/amd64', files: { ...CLEAN, ...LODASH } }] });
  const db = { 'db-repository': mirrors.repository('trivy-db') };
  const seen = await environments.refuses('scan=now', ['scan=now: '], { inputs: db });
  const ids: readonly string[] = JSON.parse(seen.outputs.json ?? '{}').gate.gated.map(
    (each: { id: string }) => each.id,
  );
  expect(ids.length).toBeGreaterThan(0);
  const until = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10);
  const ignored = `vulnerabilities:\n${ids.map((id) => `  - { id: ${id}, expires: ${until}, reason: a reason }\n`).join('')}`;
  const vex = (list: readonly string[]) =>
    JSON.stringify({
      '@context': 'https://openvex.dev/ns/v0.2.0',
      '@id': 'https://example.com/vex',
      author: 'security',
      timestamp: '2026-01-01T00:00:00Z',
      version: 1,
      statements: list.map((name) => ({
        vulnerability: { name },
        products: [{ '@id': `pkg:oci/app@${encodeURIComponent(root.descriptor.digest)}` }],
        status: 'not_affected',
        justification: 'vulnerable_code_not_in_execute_path',
      })),
    });
  const policy = (file: string) => `require: [scan=now]\ngate: ${file}\n`;
  for (const [gate, path, none, all] of [
    ['{ ignorefile: ops/a.yaml }', 'ops/a.yaml', 'vulnerabilities: []\n', ignored],
    ['{ vex: [ops/b.json] }', 'ops/b.json', vex([]), vex(ids)],
  ] as const) {
    await repository.checkout('main');
    const main = await repository.commit('strict', { [FILE]: policy(gate), [path]: none });
    await repository.git('update-ref', 'refs/remotes/origin/main', main);
    await repository.git('checkout', '--quiet', '-B', 'feature');
    const sha = await repository.commit('accepted', { [path]: all });
    const payload = { repository: { default_branch: 'main' } };
    const event = { name: 'push', ref: 'refs/heads/feature', sha, payload };
    const run = await environments.refuses('', ['scan=now: the scan has not passed'], {
      inputs: db,
      options: { event },
    });
    expect(run.log).toContain(`${path} is another one on main: that one counts for this scan.`);
    // The refusal shows what it was refused for.
    for (const id of ids) expect(run.summary).toContain(id);
    // On the default branch itself the same file is accepted.
    await repository.git('update-ref', 'refs/remotes/origin/main', sha);
    await environments.passes('', { inputs: db, options: { event } });
  }
}, 180_000);
