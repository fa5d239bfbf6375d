import { describe, expect, test } from 'vitest';
import { startRegistry } from '../support/registry.ts';
import { pushEvent, tagEvent } from '../support/repository.ts';
import { createSetting, GOOD, type Setting } from './setting.ts';

const look = { source: '', 'dry-run': 'true', push: 'false' };

/** Publishes an image of its own from a branch, which is made at what is checked out. */
async function publishBranch(setting: Setting, branch: string, inputs: Readonly<Record<string, string>>) {
  await setting.repository.git('checkout', '--quiet', '-B', branch);
  await setting.repository.commit(`work on ${branch}`);
  const { digest } = await setting.image({ ...GOOD, annotations: { branch } });
  const run = await setting.publish(inputs, { event: await pushEvent(setting.repository, branch) });
  return { run, digest };
}

async function release(setting: Setting, tag: string, inputs: Readonly<Record<string, string>>) {
  await setting.repository.git('checkout', '--quiet', 'main');
  await setting.repository.commit(tag);
  const { digest } = await setting.image({ ...GOOD, annotations: { release: tag } });
  const run = await setting.publish(inputs, { event: await setting.tag(tag) });
  expect(run.exitCode).toBe(0);
  return digest;
}

describe('P4: a branch never takes a line of versions', () => {
  test.each(['1.2', '1', 'latest'])('the branch %s, after a release', async (branch) => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const released = await release(setting, 'v1.2.3', { images });
    const { run } = await publishBranch(setting, branch, { images });
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(registry.tags('org/app')).toMatchObject({
      '1.2.3': released,
      '1.2': released,
      '1': released,
      latest: released,
    });
    expect(run.summary).toMatch(/release 1\.2\.3, and this run is not a release/);
  });

  test.each([
    [
      'suffix=-alpine,onlatest=true',
      '{{major}}.{{minor}}',
      '1.2.3-alpine',
      '1.2-alpine',
      '1.2-alpine',
      'latest-alpine',
    ],
    ['prefix=app-,onlatest=true', 'v{{major}}', 'app-1.2.3', 'app/v1', 'app-v1', 'app-latest'],
  ])(
    'a line with `%s`: neither a branch of that name nor a name written out',
    async (flavor, line, version, branch, tag, written) => {
      await using setting = await createSetting();
      await using registry = await startRegistry();
      const images = `${registry.host}/org/app`;
      const tags = `type=semver,pattern={{version}}\ntype=semver,pattern=${line}`;
      const { digest } = await setting.image({
        ...GOOD,
        annotations: { 'org.opencontainers.image.version': version },
      });
      await setting.publish({ images, tags, flavor }, { event: await setting.tag('v1.2.3') });
      const { run } = await publishBranch(setting, branch, { images });
      expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
      await publishBranch(setting, 'main', { images, tags: written });
      expect(registry.tags('org/app')).toMatchObject({ [version]: digest, [tag]: digest, [written]: digest });
    },
  );

  test('a branch whose name only looks like a line moves with its commits', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    await release(setting, 'v1.2.3', { images });
    await publishBranch(setting, 'app-1.2', { images });
    const { digest } = await publishBranch(setting, 'app-1.2', { images });
    expect(registry.tags('org/app')['app-1.2']).toBe(digest);
  });

  test('a line without a release, and `latest` that main has always had, move', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    const tags = 'type=ref,event=branch\ntype=semver,pattern={{version}}\nlatest,enable={{is_default_branch}}';
    const flavor = 'latest=false';
    const name = { 'org.opencontainers.image.version': 'main' };
    await setting.image({ ...GOOD, annotations: name });
    expect((await setting.publish({ images, tags, flavor })).exitCode).toBe(0);
    await release(setting, 'v1.2.3', { images, flavor, tags: 'type=semver,pattern={{version}}' });
    await setting.repository.commit('more');
    const { digest } = await setting.image({ ...GOOD, annotations: { ...name, more: 'x' } });
    expect((await setting.publish({ images, tags, flavor })).exitCode).toBe(0);
    const other = await publishBranch(setting, '2.0', { images });
    expect(other.run.exitCode).toBe(0);
    expect(registry.tags('org/app')).toMatchObject({ latest: digest, main: digest, '2.0': other.digest });
  });

  test('`latest` written out: a release by hand moves it, main does not take it back', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    await release(setting, 'v1.2.3', { images });
    const byHand = await publishBranch(setting, 'main', { images, tags: '1.3.0\nlatest' });
    expect(byHand.run.exitCode).toBe(0);
    const { run } = await publishBranch(setting, 'main', { images, tags: 'main\nlatest' });
    expect(run.exitCode).toBe(0);
    expect(registry.tags('org/app')).toMatchObject({ '1.3.0': byHand.digest, latest: byHand.digest });
    const forced = await publishBranch(setting, 'main', { images, tags: 'main\nlatest,moving=true' });
    expect(registry.tags('org/app')).toMatchObject({ latest: forced.digest });
  });
});

describe('P3: a full version is immutable whichever rule writes it', () => {
  test.each([
    ['type=raw,value=1.2.3', 'main', '1.2.3'],
    ['type=raw,value=v1.2.3', 'main', 'v1.2.3'],
    ['type=raw,value=app-1.2.3', 'main', 'app-1.2.3'],
    ['type=raw,value=1.2.3_alpine', 'main', '1.2.3_alpine'],
    ['type=raw,value=5.4.0.Final', 'main', '5.4.0.Final'],
    ['type=raw,value=2024.05.01', 'main', '2024.05.01'],
    ['type=raw,value=1.2.3.4', 'main', '1.2.3.4'],
    ['type=raw,value=1.2.3-rc.1,suffix=-slim', 'main', '1.2.3-rc.1-slim'],
    ['type=match,pattern=v(.*),group=1', 'v0.9.2.5', '0.9.2.5'],
    ['type=match,pattern=v(.*),group=1', 'v0.29', '0.29'],
    ['type=ref,event=tag', 'nightly', 'nightly'],
    ['type=raw,value={{tag}}', 'v2024.05.01', 'v2024.05.01'],
  ])('%s from %s', async (tags, ref, tag) => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const inputs = { images: `${registry.host}/org/app`, tags };
    const event = async () => {
      if (ref === 'main') return pushEvent(setting.repository);
      await setting.repository.git('tag', '--force', ref);
      return tagEvent(setting.repository, ref);
    };
    const { digest } = await setting.image({ ...GOOD, annotations: { build: '1' } });
    expect((await setting.publish(inputs, { event: await event() })).exitCode).toBe(0);
    await setting.repository.commit('later');
    const later = await setting.image({ ...GOOD, annotations: { build: '2' } });
    const run = await setting.publish(inputs, { event: await event() });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'tag-conflict' } });
    expect(registry.tags('org/app')[tag]).toBe(digest);
    const moved = await setting.publish({ ...inputs, tags: `${tags},moving=true` }, { event: await event() });
    expect(moved.exitCode).toBe(0);
    expect(registry.tags('org/app')[tag]).toBe(later.digest);
  });
});

test.each([['v1'], ['nightly'], ['2026.11']])(
  'the git tag %s that is moved: the error names both ways out',
  async (name) => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const images = `${registry.host}/org/app`;
    await setting.image();
    expect((await setting.publish({ images }, { event: await setting.tag(name) })).exitCode).toBe(0);
    await setting.repository.commit('later');
    await setting.repository.git('tag', '--force', name);
    const { digest } = await setting.image({ ...GOOD, annotations: { build: '2' } });
    const event = await tagEvent(setting.repository, name);
    const run = await setting.publish({ images }, { event });
    expect(run.outputs.outcome).toBe('tag-conflict');
    expect(run.summary).toMatch(/Publish a new version/);
    expect(run.summary).toContain('type=ref,event=tag,moving=true');
    expect((await setting.publish({ images, tags: 'type=ref,event=tag,moving=true' }, { event })).exitCode).toBe(0);
    expect(registry.tags('org/app')[name]).toBe(digest);
  },
);

describe('a name with the commit in it points to the first build of the commit (P3)', () => {
  test.each([
    ['type=raw,value={{branch}}-{{sha}}'],
    ['type=raw,value={{sha}}-slim'],
    ['type=ref,event=branch,suffix=-{{sha}}'],
  ])('%s', async (tags) => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const inputs = { images: `${registry.host}/org/app`, tags };
    const { digest } = await setting.image();
    expect((await setting.publish(inputs)).outputs.outcome).toBe('published');
    const second = await setting.image({ ...GOOD, annotations: { build: '2' } });
    const run = await setting.publish(inputs);
    expect(Object.values(registry.tags('org/app'))).toEqual([digest]);
    // Its content is in the registry, so that the output `digest` can be pulled: that is not "nothing was written".
    expect(run.outputs).toMatchObject({ outcome: 'published', digest: second.digest });
    expect(registry.manifest('org/app', second.digest)).toBeDefined();
    expect((await setting.publish(inputs)).outputs.outcome).toBe('unchanged');
  });
});

describe('names that are mistakes', () => {
  test.each([
    ['ghcr.io/org/app:feature/x', 'write `ghcr.io/org/app` into `images`'],
    ['ghcr.io/org/app:refs/heads/main', 'type=ref,event=branch'],
    ['app:latest', 'only `latest` here'],
    ['https://ghcr.io/org/app:1', 'URL'],
    ['${GITHUB_REF##*/}', 'shell syntax'],
    ['$TAG', 'shell syntax'],
    ['type=raw,value=$(git describe)', 'shell syntax'],
    ['type=raw,value=x,prefix=`date`-', 'shell syntax'],
    ['type=semver,pattern={{version}},value=${VERSION}', 'shell syntax'],
    ['refs/heads/main', 'type=ref,event=branch'],
    ['ghcr.io/org/app:', 'the tag is empty'],
    ['app:', 'the tag is empty'],
    ['-alpine', 'is empty. Is the variable behind it set?'],
    ['app//1', 'is empty. Is the variable behind it set?'],
    ['1.2.3-', 'is empty. Is the variable behind it set?'],
    ['undefined', 'what a program prints when a value is missing'],
    ["'latest'", 'Write `latest` without them'],
    ['<version>', 'placeholder'],
    ['@VERSION@', 'placeholder'],
    ['- latest', 'Write `latest` alone'],
    ["type=raw,value={{date 'YYYY,MM'}}", 'it has two values'],
    ['type=branch', 'Write `type=ref,event=branch`'],
    ['type=semver,pattern={{version}},value=refs/tags/v1.2.3', '`value` is a full git ref'],
    ['type=edge,branch=$BRANCH', '`branch`: "$BRANCH" is shell syntax'],
    ['type=ref,event=branch,prefix=ghcr.io/org/app:', 'belongs in `images`'],
  ])('tags: %s', async (tags, says) => {
    await using setting = await createSetting();
    const run = await setting.publish({ ...look, images: 'ghcr.io/org/app', tags });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(JSON.parse(run.outputs.json ?? '').errors[0]).toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining(says),
    });
  });

  test.each([
    ['ghcr.io', 'that is a registry'],
    ['hub.docker.com/r/org/app', 'names that begin with `docker.io/`'],
    ['github.com/org/app', 'names that begin with `ghcr.io/`'],
    ['gitlab.com/group/app', 'names that begin with `registry.gitlab.com/`'],
    ['ghcr.io/$ORG/app', 'shell syntax'],
    ['ghcr.io//app', 'a part of it is empty'],
    ['docker://ghcr.io/org/app', 'leave out the scheme'],
    ['robot:hunter22@ghcr.io/org/app', 'cannot contain credentials'],
    ['https://robot:hunter22@ghcr.io/org/app', 'cannot contain credentials'],
  ])('images: %s', async (images, says) => {
    await using setting = await createSetting();
    const run = await setting.publish({ ...look, images, tags: 'main' });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(JSON.parse(run.outputs.json ?? '').errors[0].message).toContain(says);
    const shown = run.log.replaceAll(/^::add-mask::.*$/gm, '');
    for (const text of [shown, run.summary, JSON.stringify(run.outputs)]) expect(text).not.toContain('hunter22');
  });

  test.each([
    ['type=raw,value=', 'is empty, so it makes no tag'],
    ['type=raw,value=,suffix=-alpine', 'is empty, so it makes no tag'],
    ['type=semver,pattern={{version}},value=', 'the event has no git tag, so it makes no tag'],
    ['type=semver,pattern={{version}},value=undefined', 'is not a version'],
    ['type=semver,pattern=,value=1.2.3', 'pattern'],
  ])('a rule whose value is empty makes no tag and says so: %s', async (rule, says) => {
    await using setting = await createSetting();
    const run = await setting.publish({ ...look, images: 'ghcr.io/org/app', tags: `main\n${rule}` });
    expect(run).toMatchObject({ exitCode: 0, outputs: { tags: 'ghcr.io/org/app:main' } });
    const warnings = run.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message);
    expect(warnings.join('\n')).toContain(says);
  });

  test('names that are changed are told', async () => {
    await using setting = await createSetting();
    const run = await setting.publish({ ...look, images: 'ghcr.io/Octo/App', tags: 'my tag\n{{branch}}' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { tags: 'ghcr.io/octo/app:my-tag\nghcr.io/octo/app:main' } });
    const warnings = run.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message);
    expect(warnings).toEqual([
      expect.stringContaining('"ghcr.io/Octo/App" became ghcr.io/octo/app'),
      expect.stringContaining('"my tag" became the tag my-tag'),
    ]);
  });

  test('all problems with all inputs are told in one run', async () => {
    await using setting = await createSetting();
    const run = await setting.publish({
      ...look,
      push: 'maybe',
      tags: 'type=semvr\n$TAG',
      images: 'https://ghcr.io/org/app',
      flavor: 'latest=perhaps',
      labels: 'nothing',
      severity: 'AWFUL',
    });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    const { message } = JSON.parse(run.outputs.json ?? '').errors[0];
    for (const part of ['maybe', 'semvr', '$TAG', 'scheme', 'perhaps', '`labels`: entry 1', 'AWFUL'])
      expect(message).toContain(part);
    expect(run.log.match(/^::error/gm)).toHaveLength(1);
  });

  test('a regular expression that would never end is ended', async () => {
    await using setting = await createSetting();
    const event = await setting.tag(`${'a'.repeat(60)}!`);
    for (const tags of ['type=match,pattern=^(a+)+$', 'type=semver,pattern={{version}},match=^(a+)+$']) {
      const run = await setting.publish({ ...look, images: 'ghcr.io/org/app', tags }, { event, timeout: 20_000 });
      expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
      expect(run.log).toMatch(/takes too long/);
    }
  });

  test('a local version of PEP 440', async () => {
    await using setting = await createSetting();
    const tags = 'type=pep440,pattern={{version}}\ntype=pep440,pattern={{major}}.{{minor}}';
    const run = await setting.publish({ ...look, images: 'a/b', tags }, { event: await setting.tag('1.2.3+build.5') });
    expect(run.outputs.tags).toBe('a/b:1.2.3-build-5\na/b:1.2\na/b:latest');
  });
});
