import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import {
  type EnvironmentState,
  environmentDrift,
  type ImageSignature,
  replicaDrift,
} from '../../../../src/domain/report/drift.ts';

const id = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const state = (name: string, more: Partial<EnvironmentState> = {}): EnvironmentState => ({
  name,
  reference: `ghcr.io/org/app:${name}`,
  state: 'present',
  digest: id('a'),
  ...more,
});
const kinds = (
  staging: Partial<EnvironmentState>,
  production: Partial<EnvironmentState>,
  relation?: 'ahead' | 'behind' | 'diverged',
  versions: number | undefined = undefined,
) =>
  environmentDrift(
    'ghcr.io/org/app',
    [state('staging', staging), state('production', production)],
    () => relation,
    () => versions,
  ).drifts.map(({ kind }) => kind);

const promoted = (digest: Digest, isVerified = true) => ({
  ...{ digest, at: '2026-01-01T00:00:00Z', by: 'me', run: 'https://example.com' },
  isVerified,
});

describe('drift between environments', () => {
  it.each([
    ['the same image', {}, {}, undefined, []],
    ['an older commit', { digest: id('b'), revision: '2' }, { revision: '1' }, 'behind', ['behind']],
    ['a newer commit', { digest: id('b'), revision: '1' }, { revision: '2' }, 'ahead', ['ahead']],
    ['unrelated commits', { digest: id('b'), revision: '1' }, { revision: '2' }, 'diverged', ['diverged']],
    ['a rebuild of the same commit', { digest: id('b'), revision: '1' }, { revision: '1' }, 'behind', ['rebuilt']],
    ['commits that nothing relates', { digest: id('b'), revision: '1' }, { revision: '2' }, undefined, ['different']],
    ['nothing but digests', { digest: id('b') }, {}, undefined, ['different']],
  ] as const)('%s', (_, staging, production, relation, expected) => {
    expect(kinds(staging, production, relation)).toEqual(expected);
  });

  it.each([
    [-1, ['behind']],
    [1, ['ahead']],
    [0, ['different']],
    [undefined, ['different']],
  ])('without related commits, versions that compare as %s give %j', (compared, expected) => {
    const staging = { digest: id('b'), version: '2.0.0' };
    expect(kinds(staging, { version: '1.0.0' }, undefined, compared)).toEqual(expected);
  });

  it('platforms that one of them lacks', () => {
    expect(kinds({ platforms: ['linux/amd64', 'linux/arm64'] }, { platforms: ['linux/amd64'] })).toEqual(['platforms']);
    expect(kinds({ platforms: ['linux/amd64'] }, { platforms: [] })).toEqual([]);
    expect(kinds({ platforms: ['linux/amd64'] }, {})).toEqual([]);
  });

  it.each([
    [true, false, ['unsigned']],
    [true, true, []],
    [false, false, []],
    [true, undefined, []],
    [undefined, false, []],
  ])('signatures %s and %s give %j', (staging, production, expected) => {
    const known = (value: boolean | undefined) => (value === undefined ? {} : { hasSignature: value });
    expect(kinds(known(staging), known(production))).toEqual(expected);
  });

  it('a tag that is not where its last promotion put it', () => {
    expect(kinds({}, { promoted: promoted(id('c')) })).toEqual(['moved']);
    expect(kinds({}, { promoted: promoted(id('a')) })).toEqual([]);
  });

  it.each([
    [true, 'its last promotion record, of'],
    [false, 'its last promotion record (not verified), of'],
  ])('a moved tag says whether its record is verified: %s', (isVerified, words) => {
    const { drifts } = environmentDrift(
      'app',
      [state('production', { promoted: promoted(id('c'), isVerified) })],
      () => undefined,
      () => undefined,
    );
    expect(drifts[0]?.detail).toContain(words);
  });

  it('with signers named, each environment needs a signature of theirs, whatever is attached', () => {
    const by = { isVerified: true, by: 'release.yml' } as const;
    const none = { isVerified: false, reason: 'It is signed by somebody else.' } as const;
    const unsigned = (staging: ImageSignature, production: ImageSignature) =>
      environmentDrift(
        'app',
        [
          state('staging', { hasSignature: true, signature: staging }),
          state('production', { hasSignature: true, signature: production }),
        ],
        () => undefined,
        () => undefined,
      ).drifts.flatMap(({ kind, to }) => (kind === 'unsigned' ? to : []));
    expect(unsigned(by, by)).toEqual([]);
    expect(unsigned(by, none)).toEqual(['production']);
    expect(unsigned(none, none)).toEqual(['staging', 'production']);
  });

  it('an environment without tag is missing, and the others are compared past it', () => {
    const { drifts } = environmentDrift(
      'app',
      [state('dev', { digest: id('b') }), { name: 'staging', reference: 'r', state: 'absent' }, state('production')],
      () => undefined,
      () => undefined,
    );
    expect(drifts.map(({ kind, from, to }) => [kind, from, to])).toEqual([
      ['missing', 'staging', 'staging'],
      ['different', 'dev', 'production'],
    ]);
  });

  it('nothing is concluded from what could not be read', () => {
    const { drifts, checks } = environmentDrift(
      'app',
      [state('staging', { digest: id('b') }), { name: 'production', reference: 'r', state: 'unknown' }],
      () => undefined,
      () => undefined,
    );
    expect(drifts).toEqual([]);
    expect(checks).toEqual([{ image: 'app', from: 'staging', to: 'staging', kind: 'missing', isPresent: false }]);
  });

  it('a kind that could not be checked is neither present nor absent', () => {
    const { checks } = environmentDrift(
      'app',
      [state('staging', { digest: id('b') }), state('production')],
      () => undefined,
      () => undefined,
    );
    const shown = checks.filter(({ from, to }) => from !== to).map(({ kind, isPresent }) => [kind, isPresent]);
    expect(shown).toEqual([['different', true]]);
  });

  it('replicas that differ', () => {
    const at = (host: string, digest: Digest) => state('v1', { reference: `${host}/app:v1`, digest });
    const { drifts } = replicaDrift('app:v1', [at('eu', id('a')), at('us', id('b')), at('asia', id('a'))]);
    expect(drifts.map(({ kind, from, to }) => [kind, from, to])).toEqual([['replica', 'eu/app:v1', 'us/app:v1']]);
  });
});
