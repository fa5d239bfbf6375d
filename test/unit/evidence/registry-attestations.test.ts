import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fieldsOf } from '../../../src/domain/fields.ts';
import { type ManifestBytes, MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { readAttested } from '../../../src/evidence/registry-attestations.ts';
import { fill, SOURCE } from '../../support/copy-source.ts';
import { type Json, type LayoutSpec, writeLayout } from '../../support/layout.ts';
import { startRegistry } from '../../support/registry.ts';
import { connect } from '../../support/registry-client.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'attested-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const TWO: LayoutSpec['platforms'] = [
  { platform: 'linux/amd64', sbom: ['busybox', 'musl'] },
  { platform: 'linux/arm/v7', sbom: ['busybox'] },
];
const BUILDER = 'https://github.com/org/app/actions/runs/1/attempts/1';
const COMMIT = 'a1b2c3d4e5'.repeat(4);

/** A registry with what `put` puts into it, and the image to read. */
async function start(put: (registry: Registry) => Promise<string> | string) {
  const registry = await startRegistry();
  const digest = await put(registry);
  const { repository } = await connect(registry, {}, SOURCE);
  const image = await repository.get(digest);
  if (image === undefined) throw new Error(`${digest} was not put`);
  registry.clearLog();
  return {
    registry,
    read: (statements = true) => readAttested(repository, image, { statements }),
    paths: () => registry.log.map(({ path }) => path.replace(`/v2/${SOURCE}/`, '')),
    [Symbol.asyncDispose]: registry.close,
  };
}
type Registry = Awaited<ReturnType<typeof startRegistry>>;

async function built(spec: Partial<LayoutSpec> = {}) {
  const layout = await writeLayout(join(root, 'layout'), { platforms: TWO, ...spec });
  return { layout, ...(await start((registry) => registry.putLayout(SOURCE, 'v1', layout.directory))) };
}

/** Puts the source into the statement, where BuildKit puts it for a build from a checkout. */
function withVcs(statement: Json, _platform: string, kind: 'sbom' | 'provenance'): Json {
  if (kind === 'sbom') return statement;
  const predicate = fieldsOf(statement.predicate);
  const vcs = { vcs: { source: 'git@github.com:org/app.git', revision: COMMIT } };
  const details = { ...fieldsOf(predicate.runDetails), metadata: { buildkit_metadata: vcs } };
  const metadata = { 'https://mobyproject.org/buildkit@v1#metadata': vcs };
  return {
    ...statement,
    predicate: { ...predicate, ...(predicate.builder === undefined ? { runDetails: details } : { metadata }) },
  };
}

describe('what an image attests of itself', () => {
  test.each(['artifact', 'image'] as const)('two platforms, in the form `%s`', async (attestations) => {
    await using image = await built({ attestations, change: { statement: withVcs } });
    const provenances = [{ builder: BUILDER, repository: 'git@github.com:org/app.git', commit: COMMIT }];
    expect(await image.read()).toEqual([
      { name: 'linux/amd64', sbomPackages: 2, provenances },
      { name: 'linux/arm/v7', sbomPackages: 1, provenances },
    ]);
    const wanted = image.layout.platforms.flatMap(({ attestation, statements }) => [
      `manifests/${attestation}`,
      `blobs/${statements.sbom}`,
      `blobs/${statements.provenance}`,
    ]);
    expect(image.paths().toSorted()).toEqual(wanted.toSorted());
  });

  test.each(['docker-28', 'buildkit-0.33'])('what the builder of %s wrote', async (fixture) => {
    execFileSync('tar', ['-xf', join(import.meta.dirname, `../../fixtures/layouts/${fixture}.tar`), '-C', root]);
    await using image = await start((registry) => registry.putLayout(SOURCE, 'v1', root));
    const said = { sbomPackages: 1, provenances: [{ builder: BUILDER }] };
    expect(await image.read()).toEqual([
      { name: 'linux/amd64', ...said },
      { name: 'linux/arm64', ...said },
    ]);
  });

  test('only the platforms: nothing is asked of the registry', async () => {
    await using image = await built();
    expect(await image.read(false)).toEqual([
      { name: 'linux/amd64', provenances: [] },
      { name: 'linux/arm/v7', provenances: [] },
    ]);
    expect(image.paths()).toEqual([]);
  });

  test('no attestations, an SBOM on one platform alone, an SBOM of nothing', async () => {
    const platforms: LayoutSpec['platforms'] = [
      { platform: 'linux/amd64', provenance: false, sbom: [] },
      { platform: 'linux/arm64', sbom: false },
      { platform: 'linux/s390x', sbom: false, provenance: false },
    ];
    await using image = await built({ platforms });
    expect(await image.read()).toEqual([
      { name: 'linux/amd64', sbomPackages: 0, provenances: [] },
      { name: 'linux/arm64', provenances: [{ builder: BUILDER }] },
      { name: 'linux/s390x', provenances: [] },
    ]);
  });

  test('a statement without a subject is no evidence', async () => {
    await using image = await built({ names: [] });
    expect(await image.read()).toEqual([
      { name: 'linux/amd64', provenances: [] },
      { name: 'linux/arm/v7', provenances: [] },
    ]);
  });

  test('of several SBOMs the packages are not added up', async () => {
    const twice = (manifest: Json): Json => {
      const layers = Array.isArray(manifest.layers) ? manifest.layers : [];
      return { ...manifest, layers: [layers[0], ...layers] };
    };
    await using image = await built({ change: { attestation: twice } });
    expect((await image.read())[0]).toMatchObject({ sbomPackages: 2, provenances: [{}] });
  });

  test('an SBOM that is not SPDX is none', async () => {
    const cyclonedx = 'https://cyclonedx.org/bom';
    const relabelled = (manifest: Json): Json => ({
      ...manifest,
      layers: (Array.isArray(manifest.layers) ? manifest.layers : []).map((each, at) =>
        at === 0 ? { ...each, annotations: { 'in-toto.io/predicate-type': cyclonedx } } : each,
      ),
    });
    const statement: NonNullable<LayoutSpec['change']>['statement'] = (each, _platform, kind) =>
      kind === 'sbom' ? { ...each, predicateType: cyclonedx } : each;
    await using image = await built({ change: { statement, attestation: relabelled } });
    expect(await image.read()).toEqual([
      { name: 'linux/amd64', provenances: [{ builder: BUILDER }] },
      { name: 'linux/arm/v7', provenances: [{ builder: BUILDER }] },
    ]);
  });
});

describe('what is about another image stops it', () => {
  const foreign = [{ name: 'pkg:docker/other', digest: { sha256: 'f'.repeat(64) } }];
  const subject = { mediaType: MEDIA_TYPES.ociManifest, digest: `sha256:${'f'.repeat(64)}`, size: 2 };
  const listed = (change: (each: Json) => Json) => (index: Json) => ({
    ...index,
    manifests: (Array.isArray(index.manifests) ? index.manifests : []).map((each: Json) =>
      fieldsOf(each.annotations)['vnd.docker.reference.type'] === undefined ? each : change(each),
    ),
  });
  test.each<[string, LayoutSpec['change']]>([
    ['the SBOM', { statement: (each, _platform, kind) => (kind === 'sbom' ? { ...each, subject: foreign } : each) }],
    [
      'the provenance',
      { statement: (each, _, kind) => (kind === 'provenance' ? { ...each, subject: foreign } : each) },
    ],
    ['one subject of two', { statement: (each) => ({ ...each, subject: [each.subject, foreign].flat() }) }],
    ['the subject of the manifest', { attestation: (each) => ({ ...each, subject }) }],
    [
      'the reference in the index',
      {
        index: listed((each) => ({
          ...each,
          annotations: { ...fieldsOf(each.annotations), 'vnd.docker.reference.digest': subject.digest },
        })),
      },
    ],
    [
      'no reference in the index',
      {
        index: listed((each) => ({ ...each, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } })),
      },
    ],
  ])('%s', async (_name, change = {}) => {
    await using image = await built({ change });
    await expect(image.read()).rejects.toMatchObject({
      errors: expect.arrayContaining([expect.objectContaining({ code: 'ATTESTATION_MISMATCH' })]),
    });
    // Who asks for the platforms alone is told no more than those.
    expect(await image.read(false)).toHaveLength(2);
  });
});

describe('shapes of images', () => {
  /** An image of a platform, whose config says it. */
  const imageOf = (
    { blob, store }: ReturnType<typeof fill>,
    platform: object,
    mediaType: string = MEDIA_TYPES.ociConfig,
  ) => {
    const config = { ...blob(JSON.stringify(platform)), mediaType };
    return store(MEDIA_TYPES.ociManifest, { config, layers: [] });
  };
  const ARM = { os: 'linux', architecture: 'arm', variant: 'v6' };
  const put = (make: (to: ReturnType<typeof fill>) => ManifestBytes) =>
    start((registry) => make(fill(registry)).descriptor.digest);

  test('a single manifest: its config says for which platform, in one request', async () => {
    await using image = await put((to) => imageOf(to, ARM));
    expect(await image.read()).toEqual([{ name: 'linux/arm/v6', provenances: [] }]);
    expect(image.paths()).toEqual([expect.stringMatching(/^blobs\/sha256:/)]);
  });

  test('an index without platforms, and one whose platform is unknown: their configs say it', async () => {
    await using image = await put((to) => {
      const [one, two] = [imageOf(to, ARM), imageOf(to, { os: 'linux', architecture: 'amd64' })];
      const platform = { os: 'unknown', architecture: 'unknown' };
      return to.index([one], { manifests: [one.descriptor, { ...two.descriptor, platform }] });
    });
    expect((await image.read()).map(({ name }) => name)).toEqual(['linux/arm/v6', 'linux/amd64']);
    expect(image.paths()).toHaveLength(4);
  });

  test('what is no image, or says nothing, stays in the list and is attested by nothing', async () => {
    await using image = await put((to) => to.index([imageOf(to, ARM, 'application/x'), imageOf(to, {})]));
    const nothing = { name: 'unknown/unknown', provenances: [] };
    expect(await image.read()).toEqual([nothing, nothing]);
  });

  test('what is no manifest is not a platform; attachments of another kind are none either', async () => {
    await using image = await put((to) => {
      const platform = { os: 'linux', architecture: 'amd64' };
      const odd = { ...to.blob('cache'), mediaType: 'application/vnd.example.cache', platform };
      const annotations = { 'vnd.docker.reference.type': 'something-else' };
      const other = {
        ...imageOf(to, {}).descriptor,
        annotations,
        platform: { os: 'unknown', architecture: 'unknown' },
      };
      return to.index([], { manifests: [odd, other, { ...imageOf(to, ARM).descriptor, platform: ARM }] });
    });
    expect((await image.read()).map(({ name }) => name)).toEqual(['linux/arm/v6']);
    expect(image.paths()).toEqual([]);
  });

  test('an index in an index, listed twice', async () => {
    const layout = await writeLayout(join(root, 'layout'), { platforms: TWO });
    await using image = await start(async (registry) => {
      const digest = await registry.putLayout(SOURCE, 'inner', layout.directory);
      const inner = { mediaType: MEDIA_TYPES.ociIndex, digest, size: registry.manifest(SOURCE, digest)?.bytes.length };
      const to = fill(registry);
      const own = { ...imageOf(to, ARM).descriptor, platform: ARM };
      return to.index([], { manifests: [inner, own, inner] }).descriptor.digest;
    });
    expect(await image.read()).toEqual([
      { name: 'linux/amd64', sbomPackages: 2, provenances: [{ builder: BUILDER }] },
      { name: 'linux/arm/v7', sbomPackages: 1, provenances: [{ builder: BUILDER }] },
      { name: 'linux/arm/v6', provenances: [] },
    ]);
    // The inner index, and for each of its platforms a manifest and two statements.
    expect(image.paths()).toHaveLength(7);
  });

  test('more manifests than are read', async () => {
    await using image = await put((to) => {
      const { descriptor } = imageOf(to, ARM);
      const many = Array.from({ length: 1001 }, (_, at) => ({ ...descriptor, annotations: { at: `${at}` } }));
      return to.index([], { manifests: many });
    });
    await expect(image.read()).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });
});

describe('what cannot be read stops it', () => {
  const sized =
    (size: number) =>
    (manifest: Json): Json => ({
      ...manifest,
      layers: (Array.isArray(manifest.layers) ? manifest.layers : []).map((each) => ({ ...each, size })),
    });

  test('a statement that is too large is not fetched', async () => {
    await using image = await built({ change: { attestation: sized(80 * 1024 * 1024 + 1) } });
    await expect(image.read()).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(image.paths().filter((path) => path.startsWith('blobs/'))).toEqual([]);
  });

  test('a statement that is longer than its descriptor says', async () => {
    await using image = await built({ change: { attestation: sized(10) } });
    await expect(image.read()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('a config that is too large is not fetched', async () => {
    await using image = await start((registry) => {
      const { blob, store } = fill(registry);
      const config = { ...blob('{}'), mediaType: MEDIA_TYPES.ociConfig, size: 8 * 1024 * 1024 + 1 };
      return store(MEDIA_TYPES.ociManifest, { config, layers: [] }).descriptor.digest;
    });
    await expect(image.read()).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(image.paths()).toEqual([]);
  });

  test('what is no statement', async () => {
    await using image = await built({ change: { statement: () => ({ _type: 'something' }) } });
    await expect(image.read()).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  test('an attestation manifest that is not there', async () => {
    await using image = await start((registry) => {
      const { index } = fill(registry);
      const digest = `sha256:${'f'.repeat(64)}`;
      const annotations = {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': digest,
      };
      const platform = { os: 'unknown', architecture: 'unknown' };
      const gone = { mediaType: MEDIA_TYPES.ociManifest, digest, size: 2, annotations, platform };
      return index([], { manifests: [gone] }).descriptor.digest;
    });
    await expect(image.read()).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });

  test('bytes that are not those of the digest', async () => {
    await using image = await built();
    const path = new RegExp(`blobs/${image.layout.platforms[0]?.statements.sbom}`);
    image.registry.addFault({ match: { method: 'GET', path }, action: { corrupt: 'answer' } });
    await expect(image.read()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});
