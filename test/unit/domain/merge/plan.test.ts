import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import { type Descriptor, MEDIA_TYPES } from '../../../../src/domain/manifest.ts';
import { indexDocument } from '../../../../src/domain/merge/index-document.ts';
import { type MergeInput, mergePlan } from '../../../../src/domain/merge/plan.ts';

const digest = (seed: string): Digest => `sha256:${seed.repeat(64).slice(0, 64)}`;

interface Built {
  readonly platform: string;
  readonly seed: string;
  readonly attestation?: string;
  readonly version?: string;
  readonly mediaType?: string;
}

/** An input with one image for each build, and its attestation beside it. */
function input(...builds: readonly Built[]): MergeInput {
  return {
    name: builds.map(({ platform }) => platform).join('+'),
    entries: builds.flatMap(({ platform, seed, attestation, version, mediaType = MEDIA_TYPES.ociManifest }) => {
      const [os = '', architecture = '', variant] = platform.split('/');
      const fields = {
        os,
        architecture,
        ...(variant === undefined ? {} : { variant }),
        ...(version === undefined ? {} : { 'os.version': version }),
      };
      const image = { mediaType, digest: digest(seed), size: 7 };
      const annotations = {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': digest(seed),
      };
      const statement: Descriptor = {
        mediaType: MEDIA_TYPES.ociManifest,
        digest: digest(attestation ?? '0'),
        size: 9,
        annotations,
        platform: { os: 'unknown', architecture: 'unknown' },
      };
      return [
        { descriptor: image, platform: fields },
        ...(attestation === undefined ? [] : [{ descriptor: statement, about: digest(seed) }]),
      ];
    }),
  };
}

const AMD = { platform: 'linux/amd64', seed: 'a', attestation: '1' };
const ARM = { platform: 'linux/arm64', seed: 'b', attestation: '2' };
const BOTH = ['linux/amd64', 'linux/arm64'];

function planned(inputs: readonly MergeInput[], expected: readonly string[] = BOTH) {
  const plan = mergePlan(inputs, expected);
  if (!plan.ok) throw new Error(plan.problems.map(({ message }) => message).join('\n'));
  return plan.value;
}

function problems(inputs: readonly MergeInput[], expected: readonly string[] = BOTH) {
  const plan = mergePlan(inputs, expected);
  return plan.ok ? [] : plan.problems;
}

describe('a merge', () => {
  it('lists each image with its attestations behind it', () => {
    const { entries, mediaType } = planned([input(ARM), input(AMD)]);
    expect(entries.map(({ digest: each }) => each[7])).toEqual(['a', '1', 'b', '2']);
    expect(mediaType).toBe(MEDIA_TYPES.ociIndex);
    expect(entries[1]?.annotations?.['vnd.docker.reference.digest']).toBe(digest('a'));
  });

  it('gives the same bytes whatever the order of the inputs and of what is in them', () => {
    const builds: readonly Built[] = [
      AMD,
      ARM,
      { platform: 'linux/arm/v7', seed: 'c' },
      { platform: 'windows/amd64', seed: 'd', version: '10.0.20348.1' },
      { platform: 'windows/amd64', seed: 'e', version: '10.0.26100.1' },
    ];
    const expected = ['windows/amd64', ...BOTH, 'linux/arm/v7'];
    const annotations = ['index:b=1', 'index:a=2', 'manifest-descriptor[linux/arm64]:c=3'];
    const bytes = (inputs: readonly MergeInput[]) => indexDocument(planned(inputs, expected), annotations);
    const usual = bytes(builds.map((build) => input(build)));
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...builds], { minLength: builds.length }),
        fc.integer({ min: 0, max: builds.length }),
        (shuffled, at) => {
          const inputs = [shuffled.slice(0, at), shuffled.slice(at)].map((each) => input(...each));
          expect(bytes(inputs.map(({ name, entries }) => ({ name, entries: entries.toReversed() })))).toBe(usual);
        },
      ),
    );
  });

  it('lists what occurs in several inputs once', () => {
    expect(planned([input(AMD, ARM), input(ARM), input(AMD)]).entries).toHaveLength(4);
  });

  test.each([
    ['linux/arm64/v8', 'linux/arm64', { architecture: 'arm64', os: 'linux' }],
    ['linux/arm64', 'linux/arm64/v8', { architecture: 'arm64', os: 'linux' }],
    ['linux/arm', 'linux/arm/v7', { architecture: 'arm', os: 'linux', variant: 'v7' }],
    ['linux/amd64/v1', 'linux/amd64', { architecture: 'amd64', os: 'linux' }],
    ['linux/amd64/v3', 'linux/amd64/v3', { architecture: 'amd64', os: 'linux', variant: 'v3' }],
  ])('%s is what %s asks for', (platform, expected, fields) => {
    expect(planned([input({ platform, seed: 'a' })], [expected]).entries[0]?.platform).toEqual(fields);
  });

  it('keeps two Windows releases of one architecture', () => {
    const windows = (seed: string, version: string) => input({ platform: 'windows/amd64', seed, version });
    const { entries } = planned([windows('a', '10.0.26100.1'), windows('b', '10.0.20348.1')], ['windows/amd64']);
    expect(entries.map(({ platform }) => platform?.['os.version'])).toEqual(['10.0.20348.1', '10.0.26100.1']);
  });

  it('keeps the version and the features of an operating system', () => {
    const platform = { os: 'windows', architecture: 'amd64', 'os.version': '10.0.26100.1', 'os.features': ['win32k'] };
    const descriptor = { mediaType: MEDIA_TYPES.ociManifest, digest: digest('a'), size: 7, platform };
    const { entries } = planned([{ name: 'a', entries: [{ descriptor, platform }] }], ['windows/amd64']);
    expect(entries[0]?.platform).toEqual(platform);
  });

  test.each([
    ['two Docker manifests', 'dockerManifest', 'dockerManifest', 'dockerIndex'],
    ['a Docker and an OCI manifest', 'dockerManifest', 'ociManifest', 'ociIndex'],
  ] as const)('%s: %s and %s give %s', (_, one, two, index) => {
    const build = (platform: string, seed: string, type: 'dockerManifest' | 'ociManifest') =>
      input({ platform, seed, mediaType: MEDIA_TYPES[type] });
    expect(planned([build('linux/amd64', 'a', one), build('linux/arm64', 'b', two)]).mediaType).toBe(
      MEDIA_TYPES[index],
    );
  });
});

describe('no merge', () => {
  it('of two images for one platform: both digests and inputs are named', () => {
    const again = { ...ARM, platform: 'linux/arm64/v8', seed: 'c', attestation: '3' };
    const [problem, ...others] = problems([input(AMD), input(ARM), input(again)]);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'PLATFORM_CONFLICT', platform: 'linux/arm64' });
    for (const text of [digest('b'), digest('c'), 'linux/arm64/v8']) expect(problem?.message).toContain(text);
  });

  it('of one image with the attestations of two builds', () => {
    expect(problems([input(AMD, ARM), input({ ...ARM, attestation: '3' })])).toMatchObject([
      { code: 'PLATFORM_CONFLICT', platform: 'linux/arm64' },
    ]);
  });

  it('without a platform that is expected', () => {
    expect(problems([input(AMD)])).toMatchObject([{ code: 'PLATFORM_MISSING', platform: 'linux/arm64' }]);
    expect(problems([])).toHaveLength(2);
  });

  it('with a platform that is not', () => {
    expect(problems([input(AMD), input(ARM)], ['linux/amd64'])).toMatchObject([
      { code: 'PLATFORM_MISSING', platform: 'linux/arm64', message: expect.stringMatching(/not requested/) },
    ]);
    // Another variant is another platform.
    expect(problems([input({ platform: 'linux/arm/v6', seed: 'a' })], ['linux/arm/v7'])).toHaveLength(2);
  });
});

describe('the document of an index', () => {
  const plan = planned([input(AMD), input(ARM)]);
  const document = (...annotations: readonly string[]) => JSON.parse(indexDocument(plan, annotations));

  it('has annotations of its own and of its entries, and none of what is inside a manifest', () => {
    const { annotations, manifests } = document(
      'index:title=app=1',
      'index:title=last',
      'manifest:inside=no',
      'manifest-descriptor:all=1',
      'manifest-descriptor[linux/arm64/v8]:arm=2',
    );
    expect(annotations).toEqual({ title: 'last' });
    const own = manifests.map((entry: Descriptor) => [entry.annotations?.all, entry.annotations?.arm]);
    expect(own).toEqual([
      ['1', undefined],
      [undefined, undefined],
      ['1', '2'],
      [undefined, undefined],
    ]);
  });

  it('of Docker manifests has none', () => {
    const docker = planned(
      [input({ platform: 'linux/amd64', seed: 'a', mediaType: MEDIA_TYPES.dockerManifest })],
      ['linux/amd64'],
    );
    expect(JSON.parse(indexDocument(docker, ['index:a=b'])).annotations).toBeUndefined();
  });
});
