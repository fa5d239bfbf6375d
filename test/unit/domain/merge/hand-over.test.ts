import { describe, expect, it } from 'vitest';
import {
  type HandOver,
  type ImageIdentity,
  isAboutPlatforms,
  layoutName,
  readHandOver,
  writeHandOver,
} from '../../../../src/domain/merge/hand-over.ts';
import {
  builtForOthers,
  describeOffered,
  newestAttempts,
  type Offered,
  ofDifferentArguments,
  ofDifferentImages,
  ofLaterAttempts,
  ofOtherCommits,
  ofSeveralRuns,
} from '../../../../src/domain/merge/offered.ts';

const APP: ImageIdentity = {
  repositories: ['ghcr.io/org/app'],
  context: '.',
  file: '',
  target: '',
  buildArgs: '',
  version: 'main',
};
const AMD = 'linux/amd64';
const ARM = 'linux/arm64';
const SHA = 'c'.repeat(40);

const facts = (more: Partial<HandOver> = {}): HandOver => ({
  digest: `sha256:${'a'.repeat(64)}`,
  platforms: [ARM],
  commit: SHA,
  run: { id: '4242', attempt: 1, job: 'build', runner: 'arm-runner, Linux ARM64' },
  image: APP,
  gate: { mode: 'gate', passed: true, blocking: 0 },
  ...more,
});

/** A layout of an attempt of run 4242. */
const offered = (name: string, platform: string, attempt: number, image?: Partial<ImageIdentity> | false): Offered => ({
  name,
  provenance: [],
  labels: [],
  handOver: facts({
    platforms: [platform],
    run: { id: '4242', attempt, job: 'build', runner: 'runner' },
    ...(image === false ? { image: undefined } : { image: { ...APP, ...image } }),
  }),
});
const without = (name: string): Offered => ({ name, provenance: [], labels: [] });
const kept = (...all: readonly Offered[]) => newestAttempts(all).kept.map(({ name }) => name);

describe('the file beside a layout', () => {
  it('is read as it was written, also without the image, as earlier versions wrote it', () => {
    const { image: _, ...earlier } = facts();
    for (const written of [facts(), earlier]) {
      expect(readHandOver(JSON.parse(writeHandOver(written)))).toEqual({ ok: true, value: written });
    }
  });

  it.each<[string, object]>([
    ['an attempt that is text', { run: { id: '1', attempt: '2', job: 'build', runner: 'r' } }],
    ['an attempt that is 0', { run: { id: '1', attempt: 0, job: 'build', runner: 'r' } }],
    ['an attempt with a fraction', { run: { id: '1', attempt: 1.5, job: 'build', runner: 'r' } }],
    ['an attempt that no number can hold', { run: { id: '1', attempt: 1e300, job: 'build', runner: 'r' } }],
    ['a run that is a number', { run: { id: 1, attempt: 1, job: 'build', runner: 'r' } }],
    ['a run that is a path', { run: { id: '../1', attempt: 1, job: 'build', runner: 'r' } }],
    ['a short commit', { commit: 'c'.repeat(12) }],
    ['platforms that are one text', { platforms: ARM }],
    ['a platform with a line break', { platforms: ['linux/arm64\n::error::'] }],
    ['an image that is null', { image: null }],
    ['an image without repositories', { image: { ...APP, repositories: undefined } }],
    ['an image with a repository of two lines', { image: { ...APP, repositories: ['a\nb'] } }],
    ['too many repositories', { image: { ...APP, repositories: Array.from({ length: 101 }, () => 'a') } }],
    ['a target that is a list', { image: { ...APP, target: ['debug'] } }],
  ])('is refused with %s', (_, change) => {
    expect(readHandOver({ schemaVersion: 1, ...facts(), ...change })).toMatchObject({ ok: false });
  });

  it.each<[readonly string[], readonly string[], boolean]>([
    [['linux/arm64/v8'], [ARM], true],
    [['linux/arm'], ['linux/arm/v7'], true],
    [[ARM, AMD], [AMD, ARM], true],
    [[AMD], [ARM], false],
    [[AMD, ARM], [ARM], false],
    [[], [ARM], false],
  ])('about %j is about %j: %s', (platforms, present, expected) => {
    expect(isAboutPlatforms(facts({ platforms }), present)).toBe(expected);
  });

  it('names a layout for its platforms, in one order', () => {
    expect(layoutName(['linux/arm/v7', AMD])).toBe('image-linux-amd64-linux-arm-v7');
  });
});

describe('of several attempts of one job', () => {
  it('the newest is used', () => {
    expect(
      kept(offered('old', ARM, 1), offered('amd', AMD, 1), offered('new', ARM, 3), offered('mid', ARM, 2)),
    ).toEqual(['amd', 'new']);
  });

  it('the newest is used when an attempt writes the platform in another way', () => {
    expect(kept(offered('old', 'linux/arm64/v8', 1), offered('new', ARM, 2))).toEqual(['new']);
  });

  it('the newest is used when a build argument changes with each attempt, such as a date', () => {
    expect(
      kept(
        offered('amd 1', AMD, 1, { buildArgs: 'monday' }),
        offered('arm 1', ARM, 1, { buildArgs: 'monday' }),
        offered('amd 2', AMD, 2, { buildArgs: 'tuesday' }),
        offered('arm 2', ARM, 2, { buildArgs: 'tuesday' }),
      ),
    ).toEqual(['amd 2', 'arm 2']);
  });

  it('both are kept when they have the same number', () => {
    expect(kept(offered('a', ARM, 2), offered('b', ARM, 2))).toEqual(['a', 'b']);
  });
});

describe('two images of one run are both kept', () => {
  it.each<[string, Partial<ImageIdentity>]>([
    ['names', { repositories: ['ghcr.io/org/web'] }],
    ['names, of which one is the same', { repositories: ['ghcr.io/org/app', 'ghcr.io/org/web'] }],
    ['targets', { target: 'debug' }],
    ['Dockerfiles', { file: 'Dockerfile.alpine' }],
    ['contexts', { context: 'services/web' }],
  ])('with different %s', (_, other) => {
    expect(kept(offered('a', ARM, 1, other), offered('b', ARM, 2))).toEqual(['a', 'b']);
    expect(kept(offered('a', ARM, 1), offered('b', ARM, 2, other))).toEqual(['a', 'b']);
  });

  it('with build arguments of two variants, of which one was re-run', () => {
    const [eight, nine] = [{ buildArgs: '8.2' }, { buildArgs: '8.3' }];
    expect(
      kept(
        offered('a', AMD, 1, eight),
        offered('b', ARM, 1, nine),
        offered('c', ARM, 2, eight),
        offered('d', AMD, 2, nine),
      ),
    ).toEqual(['a', 'b', 'c', 'd']);
    expect(kept(offered('a', AMD, 1, eight), offered('b', ARM, 1, nine), offered('c', ARM, 2, eight))).toHaveLength(3);
  });

  it('of two jobs, of two runs, and when a file does not say which image it is about', () => {
    const later = facts({ run: { id: '4242', attempt: 2, job: 'other', runner: 'r' } });
    const another = facts({ run: { id: '4343', attempt: 2, job: 'build', runner: 'r' } });
    for (const handOver of [later, another]) {
      expect(kept(offered('a', ARM, 1), { ...without('b'), handOver })).toEqual(['a', 'b']);
    }
    expect(kept(offered('a', ARM, 1, false), offered('b', ARM, 2, false))).toEqual(['a', 'b']);
    expect(kept(offered('a', ARM, 1, false), offered('b', ARM, 2))).toEqual(['a', 'b']);
    expect(kept(without('a'), offered('b', ARM, 2))).toEqual(['a', 'b']);
  });
});

describe('parts of different images', () => {
  it('are listed with what each is a part of', () => {
    expect(
      ofDifferentImages([offered('a', AMD, 1), offered('b', ARM, 1, { repositories: ['ghcr.io/org/web'] })]),
    ).toEqual([
      { name: 'a', image: 'ghcr.io/org/app, version main, no target' },
      { name: 'b', image: 'ghcr.io/org/web, version main, no target' },
    ]);
    expect(ofDifferentImages([offered('a', AMD, 1, { target: 'debug' }), offered('b', ARM, 1)])).toHaveLength(2);
    const variant = { version: '8.3', buildArgs: '8.3' };
    expect(ofDifferentImages([offered('a', AMD, 1), offered('b', ARM, 1, variant)])).toHaveLength(2);
  });

  it.each<[string, Partial<ImageIdentity>]>([
    ['share a name', { repositories: ['ghcr.io/org/app', 'docker.io/org/app'] }],
    ['had no names', { repositories: [] }],
    ['have Dockerfiles of their own, with other targets', { file: 'Dockerfile.arm', target: 'arm' }],
    ['have build arguments of their own', { buildArgs: 'arm' }],
    ['have a date as their tag', { version: '20261129-0301' }],
  ])('are not those that %s', (_, other) => {
    expect(ofDifferentImages([offered('a', AMD, 1), offered('b', ARM, 1, other), without('c')])).toEqual([]);
  });
});

describe('what is told of the origin', () => {
  it('names image, run and attempt as far as they are known', () => {
    expect(describeOffered(offered('layouts/1', ARM, 2, { file: 'Dockerfile.arm', target: 'final' }))).toBe(
      'layouts/1, ghcr.io/org/app, version main, file Dockerfile.arm, target final, run 4242, attempt 2',
    );
    expect(describeOffered(offered('layouts/1', ARM, 2, false))).toBe('layouts/1, run 4242, attempt 2');
    expect(describeOffered(without('layouts/1'))).toBe('layouts/1');
  });

  it('lists inputs that were built under other names, whatever the registry', () => {
    const parts = [offered('a', AMD, 1), offered('b', ARM, 1, { repositories: [] }), without('c')];
    expect(builtForOthers(parts, ['registry.example.com/mirror/app'])).toEqual([]);
    expect(builtForOthers(parts, ['ghcr.io/org/web'])).toEqual([{ name: 'a', repositories: ['ghcr.io/org/app'] }]);
  });

  it('lists attempts of this run that have not started, and no other run', () => {
    const parts = [offered('a', AMD, 1), offered('b', ARM, 9), without('c')];
    expect(ofLaterAttempts(parts, { id: '4242', attempt: 2 })).toEqual(['b']);
    expect(ofLaterAttempts(parts, { id: '4343', attempt: 2 })).toEqual([]);
    expect(ofLaterAttempts(parts, { id: '4242', attempt: 9 })).toEqual([]);
  });

  it('lists different tags and different build arguments', () => {
    for (const more of [{ version: '8.3' }, { buildArgs: '8.3' }]) {
      expect(ofDifferentArguments([offered('a', AMD, 1), offered('b', ARM, 1, more)])).toEqual([
        { name: 'a', version: 'main' },
        { name: 'b', version: more.version ?? 'main' },
      ]);
    }
    expect(ofDifferentArguments([offered('a', AMD, 1), offered('b', ARM, 2), without('c')])).toEqual([]);
  });

  it('lists several runs', () => {
    const other = { ...without('b'), handOver: facts({ run: { id: '', attempt: 1, job: '', runner: '' } }) };
    expect(ofSeveralRuns([offered('a', AMD, 1), other])).toHaveLength(2);
    expect(ofSeveralRuns([offered('a', AMD, 1), offered('b', ARM, 2), without('c')])).toEqual([]);
  });

  it('lists other commits: the file counts before provenance, and that before labels', () => {
    const other = 'd'.repeat(40);
    expect(ofOtherCommits([{ ...offered('a', AMD, 1), provenance: [other], labels: [other] }], SHA)).toEqual([]);
    expect(ofOtherCommits([{ ...without('a'), provenance: [other], labels: [SHA] }], SHA)).toEqual([
      { name: 'a', commit: other },
    ]);
    // A label alone may be the base image's.
    expect(ofOtherCommits([{ ...without('a'), labels: [other] }], SHA)).toEqual([]);
  });
});
