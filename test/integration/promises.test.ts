import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { createSetting, GOOD, type Setting, VULNERABLE } from './setting.ts';

const name = (registry: { readonly host: string }, repository = 'org/app') => `${registry.host}/${repository}`;

/** The branch tag holds an image of a commit that nobody knows any more. */
async function holdUnknownCommit(setting: Setting, registry: TestRegistry) {
  const annotations = { 'org.opencontainers.image.revision': 'f'.repeat(40) };
  const foreign = await setting.image({ ...GOOD, annotations }, 'foreign');
  await registry.putLayout('org/app', 'main', foreign.directory);
  return foreign;
}

describe('P1: nothing is visible before the verdict', () => {
  test('a vulnerable arm64 beside a clean amd64 fails the run by name, and no registry sees a write', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    await setting.image(VULNERABLE);
    const run = await setting.publish({ images: name(registry) });
    expect(run.exitCode).toBe(1);
    expect(run.outputs).toMatchObject({
      outcome: 'findings',
      'scan-critical': '1',
      'scan-high': '2',
      'scan-gated': '3',
    });
    expect(run.log).toMatch(/linux\/arm64: CRITICAL CVE-2019-10744 in lodash 4\.17\.11 → 4\.17\.12/);
    expect(run.log).not.toMatch(/linux\/amd64: (CRITICAL|HIGH)/);
    expect(registry.log.length).toBeGreaterThan(0);
    expect(registry.writes()).toEqual([]);
    expect(run.summary).toMatch(/lodash 4\.17\.11 → 4\.17\.12.*linux\/arm64/);
  });

  test('`scan: report` says the same and publishes', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const image = await setting.image(VULNERABLE);
    const run = await setting.publish({ images: name(registry), scan: 'report' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'published', 'scan-gated': '3' } });
    expect(registry.tags('org/app').main).toBe(image.digest);
    expect(run.annotations.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('P2: same bytes', () => {
  test('the digest in the layout is the digest in the output and at both registries, every manifest byte for byte', async () => {
    await using setting = await createSetting();
    await using one = await startRegistry();
    await using two = await startRegistry();
    const image = await setting.image();
    const run = await setting.publish({ images: `${name(one)}\n${name(two, 'mirror/app')}` });
    expect(run).toMatchObject({
      exitCode: 0,
      outputs: {
        outcome: 'published',
        digest: image.digest,
        image: `${name(one)}@${image.digest}`,
        repository: 'org/app',
      },
    });
    for (const [registry, repository] of [
      [one, 'org/app'],
      [two, 'mirror/app'],
    ] as const) {
      expect(registry.tags(repository).main).toBe(image.digest);
      const digests = image.platforms.flatMap(({ digest, attestation }) => [
        digest,
        ...(attestation === undefined ? [] : [attestation]),
      ]);
      expect(digests).toHaveLength(4);
      for (const digest of [image.digest, ...digests]) {
        expect(registry.manifest(repository, digest)?.bytes).toEqual(await readFile(image.path(digest)));
      }
      for (const { statements } of image.platforms) {
        for (const digest of Object.values(statements))
          expect(registry.blob(repository, digest)).toEqual(await readFile(image.path(digest)));
      }
    }
  });
});

describe('P3: immutable is immutable', () => {
  test('a version tag with another digest stops the run before anything is done; the message names both', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const event = await setting.tag('v1.2.3');
    const other = await setting.image({ ...GOOD, annotations: { made: 'elsewhere' } }, 'other');
    await registry.putLayout('org/app', '1.2.3', other.directory);
    registry.clearLog();
    const image = await setting.image();
    const run = await setting.publish({ images: name(registry) }, { event });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'tag-conflict' } });
    expect(run.log).toContain(`1.2.3 exists as ${other.digest}`);
    expect(run.log).toContain(image.digest);
    expect(run.log).not.toContain('Trivy 0.76');
    expect(registry.writes()).toEqual([]);
  });

  test('the same digest is green and nothing is written', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const event = await setting.tag('v1.2.3');
    await setting.image();
    expect((await setting.publish({ images: name(registry) }, { event })).outputs.outcome).toBe('published');
    registry.clearLog();
    const again = await setting.publish({ images: name(registry) }, { event });
    expect(again).toMatchObject({ exitCode: 0, outputs: { outcome: 'unchanged' } });
    expect(registry.writes()).toEqual([]);
    expect(registry.requests()).toBeLessThanOrEqual(6);
  });

  test.each(['ecr', 'harbor', 'quay', 'acr', 'artifactory'] as const)(
    'a tag that %s will not move is told as such',
    async (style) => {
      await using setting = await createSetting();
      await using registry = await startRegistry({ immutable: { tags: /^main$/, style } });
      const first = await setting.image(GOOD, 'first');
      await registry.putLayout('org/app', 'main', first.directory);
      await setting.repository.commit('second');
      await setting.image({ ...GOOD, annotations: { second: 'yes' } });
      const run = await setting.publish({ images: name(registry) });
      expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'tag-conflict' } });
      expect(registry.tags('org/app').main).toBe(first.digest);
    },
  );
});

describe('P4: moving tags only move forward', () => {
  test('two runs crossed in time: the older commit does not take the branch tag back, and is green', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const older = await setting.push();
    const oldImage = await setting.image({ ...GOOD, annotations: { run: 'old' } }, 'old');
    await setting.repository.commit('second');
    const newer = await setting.push();
    const newImage = await setting.image({ ...GOOD, annotations: { run: 'new' } }, 'new');
    expect((await setting.publish({ images: name(registry), source: 'new' }, { event: newer })).exitCode).toBe(0);
    const late = await setting.publish({ images: name(registry), source: 'old' }, { event: older });
    expect(late).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(registry.tags('org/app')).toMatchObject({
      main: newImage.digest,
      [`sha-${older.sha.slice(0, 7)}`]: oldImage.digest,
      [`sha-${newer.sha.slice(0, 7)}`]: newImage.digest,
    });
    expect(late.summary).toMatch(/main.*left.*newer/);
  });

  test('a newer run that overtakes between plan and write keeps its tag', async () => {
    await using setting = await createSetting();
    const older = await setting.push();
    await setting.image({ ...GOOD, annotations: { run: 'old' } }, 'old');
    await setting.repository.commit('second');
    const newImage = await setting.image({ ...GOOD, annotations: { run: 'new' } }, 'new');
    await using registry = await startRegistry();
    // The old run's first upload is slow; meanwhile the new one arrives.
    registry.addFault({ match: { method: 'POST' }, action: { delay: 1500 } });
    const late = setting.publish({ images: name(registry), source: 'old' }, { event: older });
    await expect.poll(() => registry.log.some(({ method }) => method === 'POST'), { timeout: 20_000 }).toBe(true);
    await registry.putLayout('org/app', 'main', newImage.directory);
    expect((await late).exitCode).toBe(0);
    expect(registry.tags('org/app').main).toBe(newImage.digest);
  });

  test('a backport 1.1.9 after 1.2.0 moves 1.1, not 1 and not latest', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const main = await setting.image({ ...GOOD, annotations: { version: '1.2.0' } });
    expect((await setting.publish({ images: name(registry) }, { event: await setting.tag('v1.2.0') })).exitCode).toBe(
      0,
    );
    await setting.repository.commit('fix');
    const backport = await setting.image({ ...GOOD, annotations: { version: '1.1.9' } });
    const run = await setting.publish({ images: name(registry) }, { event: await setting.tag('v1.1.9') });
    expect(run.exitCode).toBe(0);
    expect(registry.tags('org/app')).toMatchObject({
      '1.2.0': main.digest,
      '1.2': main.digest,
      '1': main.digest,
      latest: main.digest,
      '1.1.9': backport.digest,
      '1.1': backport.digest,
    });
    expect(run.outputs.tags?.split('\n')).toContain(`${name(registry)}:latest`);
  });

  test('latest is not taken back where only lines of versions have tags', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const tags = 'type=semver,pattern={{major}}.{{minor}}';
    const annotations = { 'org.opencontainers.image.version': '2.0' };
    const main = await setting.image({ ...GOOD, annotations });
    const first = await setting.publish({ images: name(registry), tags }, { event: await setting.tag('v2.0.0') });
    expect(first.exitCode).toBe(0);
    await setting.repository.commit('fix');
    const backport = await setting.image({ ...GOOD, annotations: { version: '1.9.1' } });
    const run = await setting.publish({ images: name(registry), tags }, { event: await setting.tag('v1.9.1') });
    expect(run.exitCode).toBe(0);
    expect(registry.tags('org/app')).toEqual({ '2.0': main.digest, latest: main.digest, '1.9': backport.digest });
  });

  test('a shallow clone that cannot tell leaves the tag and says what to do', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const foreign = await holdUnknownCommit(setting, registry);
    await setting.image();
    await setting.repository.git('remote', 'remove', 'origin');
    const run = await setting.publish({ images: name(registry) });
    expect(run.exitCode).toBe(0);
    expect(registry.tags('org/app').main).toBe(foreign.digest);
    expect(run.annotations.some(({ level, message }) => level === 'warning' && /fetch-depth: 0/.test(message))).toBe(
      true,
    );
  });

  test('a rewritten branch moves its tag when the commit is what the branch points at now', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    await holdUnknownCommit(setting, registry);
    const image = await setting.image();
    await setting.repository.git('push', '--force', 'origin', 'main');
    expect((await setting.publish({ images: name(registry) })).exitCode).toBe(0);
    expect(registry.tags('org/app').main).toBe(image.digest);
  });
});

describe('P9: partial failure is honest', () => {
  test('one of two registries down: the other gets its content, no tag moves anywhere; the next run completes', async () => {
    await using setting = await createSetting();
    await using well = await startRegistry();
    await using ill = await startRegistry({
      faults: [
        {
          match: { method: 'PUT', path: /\/blobs\/uploads\//, nth: 'all' },
          action: {
            status: 403,
            body: { errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] },
          },
        },
      ],
    });
    const image = await setting.image();
    const run = await setting.publish({ images: `${name(well)}\n${name(ill)}` });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
    expect(well.manifest('org/app', image.digest)).toBeDefined();
    expect(well.tags('org/app')).toEqual({});
    expect(ill.tags('org/app')).toEqual({});
    expect(run.log).toMatch(new RegExp(`${ill.host} answered 403.*DENIED`));
    expect(run.summary).toMatch(/Missing permission at the registry/);
    expect(run.summary).toContain('**Partial:** the image is in 1 of 2 repositories, no tag was written.');
    expect(run.summary).toMatch(/content present; .*<code>main<\/code> held back because .* failed; a re-run finishes/);
    expect(JSON.parse(run.outputs.json ?? '')).toMatchObject({
      partial: true,
      targets: [
        { host: well.host, state: 'held-back', present: true },
        { host: ill.host, state: 'failed', present: false, error: { code: 'DENIED' } },
      ],
    });

    await using healed = await startRegistry();
    const again = await setting.publish({ images: `${name(well)}\n${name(healed)}` });
    expect(again).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(JSON.parse(again.outputs.json ?? '')).toMatchObject({
      partial: false,
      targets: [
        { state: 'written', present: true },
        { state: 'written', present: true },
      ],
    });
    for (const registry of [well, healed]) expect(registry.tags('org/app').main).toBe(image.digest);
    expect(
      well.log.filter(({ method, path }) => method === 'POST' && path.includes('/blobs/uploads/')).length,
    ).toBeLessThanOrEqual(image.platforms.length * 6);
  });

  test('a registry that cannot be reached is told before anything is scanned or written', async () => {
    await using setting = await createSetting();
    await using well = await startRegistry();
    await setting.image();
    const run = await setting.publish({ images: `${name(well)}\n127.0.0.1:1/org/app` });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
    expect(run.log).toMatch(/127\.0\.0\.1:1 failed/);
    expect(well.writes()).toEqual([]);
  });
});
