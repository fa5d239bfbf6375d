import { describe, expect, test } from 'vitest';
import { MEDIA_TYPES } from '../../../../src/domain/manifest.ts';
import { parseStatement } from '../../../../src/oci/image/statement.ts';
import { layerOf } from '../../../support/registry-client.ts';

const COMMIT = 'a1b2c3d4e5'.repeat(4);
const OTHER = 'f'.repeat(40);
const V02_METADATA = 'https://mobyproject.org/buildkit@v1#metadata';

function parse(version: 'v1' | 'v0.2', predicate: object) {
  const predicateType = `https://slsa.dev/provenance/${version}`;
  const _type = 'https://in-toto.io/Statement/v1';
  const bytes = Buffer.from(JSON.stringify({ _type, predicateType, subject: [], predicate }));
  const blob = { ...layerOf(bytes), mediaType: MEDIA_TYPES.inToto };
  const { kind, builderId, repository, commit } = parseStatement(bytes, blob.digest, blob);
  expect(kind).toBe('provenance');
  return { builderId, repository, commit };
}

/** SLSA v1 as BuildKit writes it: from a remote context, and from a checkout. */
const v1 = (configSource: unknown, vcs?: unknown, more: object = {}) =>
  parse('v1', {
    buildDefinition: { externalParameters: { configSource }, ...more },
    runDetails: { builder: { id: 'https://b.example/1' }, metadata: { buildkit_metadata: { vcs } } },
  });
const v02 = (configSource: unknown, vcs?: unknown) =>
  parse('v0.2', {
    builder: { id: 'https://b.example/1' },
    invocation: { configSource },
    metadata: { [V02_METADATA]: { vcs } },
  });

const LOCAL = { path: 'Dockerfile' };
const REMOTE = { uri: 'https://github.com/org/app.git#refs/tags/v1', digest: { sha1: COMMIT } };
const VCS = { source: 'git@github.com:org/app.git', revision: COMMIT, 'localdir:context': '.' };

describe('the source that a provenance names', () => {
  test.each([
    ['v1', v1],
    ['v0.2', v02],
  ] as const)('SLSA %s: a checkout, a remote context, both, neither', (_version, read) => {
    const builderId = 'https://b.example/1';
    expect(read(LOCAL, VCS)).toEqual({ builderId, repository: VCS.source, commit: COMMIT });
    expect(read(REMOTE)).toEqual({ builderId, repository: REMOTE.uri, commit: COMMIT });
    expect(read(REMOTE, VCS)).toEqual({ builderId, repository: REMOTE.uri, commit: COMMIT });
    expect(read(LOCAL)).toEqual({ builderId, repository: undefined, commit: undefined });
  });

  test.each([
    ['v1', v1],
    ['v0.2', v02],
  ] as const)('SLSA %s: where two places differ, neither is taken', (_version, read) => {
    expect(read(REMOTE, { ...VCS, revision: OTHER })).toMatchObject({ repository: REMOTE.uri, commit: undefined });
    expect(read(REMOTE, { ...VCS, revision: `${COMMIT}-dirty` }).commit).toBeUndefined();
    expect(read(REMOTE, { ...VCS, revision: 7 }).commit).toBeUndefined();
    expect(read(REMOTE, { ...VCS, source: 'https://github.com/org/fork' })).toMatchObject({
      repository: undefined,
      commit: COMMIT,
    });
  });

  test('the workflow of GitHub, and the dependency that is the source', () => {
    const workflow = {
      ref: 'refs/heads/main',
      repository: 'https://github.com/org/app',
      path: '.github/workflows/a.yml',
    };
    const source = { uri: 'git+https://github.com/org/app@refs/heads/main', digest: { gitCommit: COMMIT } };
    const read = (...resolvedDependencies: readonly unknown[]) =>
      v1(undefined, undefined, { externalParameters: { workflow }, resolvedDependencies });
    expect(read(source)).toMatchObject({ repository: workflow.repository, commit: COMMIT });
    expect(read({ ...source, uri: 'git+https://github.com/org/other@refs/heads/main' }).repository).toBeUndefined();
    const alone = v1(undefined, undefined, { externalParameters: {}, resolvedDependencies: [source] });
    expect(alone).toMatchObject({ repository: source.uri, commit: COMMIT });
    // An image that was built upon, and a library that was fetched, are not the source.
    const image = { uri: 'pkg:docker/alpine@3', digest: { sha256: 'e'.repeat(64) } };
    const library = { uri: 'https://github.com/org/lib.git#v1', digest: { sha1: OTHER } };
    const odd = { ...library, digest: { gitCommit: OTHER } };
    for (const each of [image, library, odd, { ...library, uri: `git+${library.uri}` }]) {
      expect(v1(LOCAL, VCS, { resolvedDependencies: [each] })).toMatchObject({
        repository: VCS.source,
        commit: COMMIT,
      });
    }
  });

  test.each([
    ['a changed checkout', `${COMMIT}-dirty`],
    ['a short id', COMMIT.slice(0, 7)],
    ['a branch', 'main'],
    ['a list', [COMMIT]],
    ['two lines', `${COMMIT}\n`],
  ])('%s is no commit', (_name, revision) => {
    expect(v1(LOCAL, { ...VCS, revision })).toMatchObject({ repository: VCS.source, commit: undefined });
  });

  test('a full id of either length, in lower case', () => {
    expect(v1(LOCAL, { revision: COMMIT.toUpperCase() }).commit).toBe(COMMIT);
    expect(v1(LOCAL, { revision: 'c'.repeat(64) }).commit).toBe('c'.repeat(64));
  });

  test('texts are bounded, and what may be a password does not travel', () => {
    const long = `https://github.com/org/${'a'.repeat(2026)}`;
    expect(v1(LOCAL, { source: long.slice(0, 2048) }).repository).toHaveLength(2048);
    expect(v1(LOCAL, { source: long }).repository).toBeUndefined();
    expect(parse('v1', { runDetails: { builder: { id: long } } }).builderId).toBeUndefined();
    const source = 'https://me:pass@word@github.com/org/app.git';
    expect(v1(LOCAL, { source }).repository).toBe('https://github.com/org/app.git');
  });

  test.each([null, 'text', 7, [], { buildDefinition: [] }, { runDetails: { metadata: 'x' } }])(
    '%j names none',
    (odd) => {
      expect(parse('v1', { buildDefinition: odd, runDetails: odd, invocation: odd, metadata: odd })).toEqual({});
    },
  );
});
