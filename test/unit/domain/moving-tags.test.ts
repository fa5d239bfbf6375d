import { describe, expect, test } from 'vitest';
import { decideByCommit, decideByVersion } from '../../../src/domain/tags/moving.ts';
import type { VersionOrder } from '../../../src/domain/tags/planned.ts';
import { loadRuleLibraries } from '../../../src/domain/tags/rule-libraries.ts';

await loadRuleLibraries(['{{date}}', 'type=pep440', '"']);

const order = (version: string, scope: VersionOrder['scope'], more: Partial<VersionOrder> = {}): VersionOrder => ({
  by: 'version',
  version,
  scope,
  prefix: '',
  suffix: '',
  ...more,
});

describe('P4: a version line moves only to its highest stable version', () => {
  const RELEASED = ['1.1.8', '1.2.0', '1.2', '1.1', '1', 'latest', 'main', 'sha-0123456'];

  test.each<[string, VersionOrder, readonly string[], boolean, string | undefined]>([
    ['a backport moves its minor line', order('1.1.9', 'minor'), RELEASED, true, '1.1.8'],
    ['a backport leaves the major line', order('1.1.9', 'major'), RELEASED, false, '1.2.0'],
    ['a backport leaves latest', order('1.1.9', 'all'), RELEASED, false, '1.2.0'],
    ['the next version moves all', order('1.2.1', 'all'), RELEASED, true, '1.2.0'],
    ['numbers are compared as numbers', order('1.10.0', 'major'), ['1.9.0'], true, '1.9.0'],
    ['the first version of a registry', order('1.0.0', 'all'), ['main'], true, undefined],
    ['the first version of a line', order('2.0.0', 'major'), RELEASED, true, undefined],
    ['the same version again', order('1.2.0', 'all'), RELEASED, true, '1.2.0'],
    ['pre-releases in the registry do not count', order('1.2.1', 'all'), ['2.0.0-rc.1'], true, undefined],
    ['a leading v in the registry', order('1.1.9', 'all'), ['v1.2.0'], false, '1.2.0'],
    ['0.x', order('0.2.9', 'minor'), ['0.3.0', '0.2.8'], true, '0.2.8'],
    ['calendar versions', order('2024.5.1', 'all'), ['2024.10.02', '2024.04.30'], false, '2024.10.2'],
    [
      'another variant is another line',
      order('1.2.1', 'all', { suffix: '-alpine' }),
      ['1.3.0', '1.2.0-alpine'],
      true,
      '1.2.0',
    ],
    ['the same variant is', order('1.2.1', 'minor', { suffix: '-alpine' }), ['1.2.2-alpine'], false, '1.2.2'],
    ['variants do not hold back the plain tags', order('1.2.1', 'all'), ['1.3.0-alpine'], true, undefined],
    [
      'a variant whose name is as long',
      order('1.2.1', 'all', { suffix: '-alpine' }),
      ['1.3.0-debian'],
      true,
      undefined,
    ],
    ['a prefix that is as long', order('1.2.1', 'all', { prefix: 'app-' }), ['web-1.3.0'], true, undefined],
    ['a prefix', order('1.2.1', 'all', { prefix: 'app-' }), ['app-v1.3.0', '9.0.0'], false, '1.3.0'],
    [
      'a suffix longer than a tag',
      order('1.2.1', 'all', { suffix: '-alpine' }),
      ['alpine', '-alpine'],
      true,
      undefined,
    ],
    ['a pre-release before any stable version', order('1.0.0-rc.2', 'all'), ['1.0.0-rc.1'], true, '1.0.0-rc.1'],
    ['an earlier pre-release', order('1.0.0-rc.1', 'all'), ['1.0.0-rc.2'], false, '1.0.0-rc.2'],
    ['a pre-release of a later version', order('2.0.0-rc.1', 'all'), ['1.9.0'], false, '1.9.0'],
    ['PEP 440', order('1.2', 'all', { scheme: 'pep440' }), ['1.10', '1.11rc1'], false, '1.10'],
    ['PEP 440 within its line', order('1.2.1', 'minor', { scheme: 'pep440' }), ['1.2', '1.3'], true, '1.2'],
    ['PEP 440 leaves post-releases aside', order('1.2', 'minor', { scheme: 'pep440' }), ['1.2.post1'], true, undefined],
    [
      'garbage',
      order('1.2.1', 'all'),
      ['', '1.3', '1.3.0.0', `9.9.9${'9'.repeat(300)}`, '99999999999999999999.0.0'],
      true,
      undefined,
    ],
  ])('%s', (_, given, existing, move, highest) => {
    expect(decideByVersion(given, existing)).toMatchObject({ move, ...(highest === undefined ? {} : { highest }) });
    expect(decideByVersion(given, existing.toReversed()).highest).toBe(highest);
  });

  test.each<[string, VersionOrder, string, boolean]>([
    ['a higher line', order('1.9.1', 'all'), '2.0', false],
    ['a higher version', order('1.9.1', 'all'), 'v2.0.0', false],
    ['a lower line', order('2.0.1', 'all'), '2.0', true],
    ['a higher version of another line', order('1.9.1', 'major'), '2.0', true],
    ['a variant', order('1.9.1', 'all', { suffix: '-alpine' }), '2.0-alpine', false],
    ['no version', order('1.0.0', 'all'), 'main', true],
    ['a number that may be anything', order('1.0.0', 'all'), '20260131', true],
  ])('where no tag tells the versions, what the tag holds does: %s', (_, given, held, move) => {
    expect(decideByVersion(given, ['2.0', '2.0-alpine', 'latest'], held).move).toBe(move);
  });

  test.each([
    [order('1.1.9', 'major'), 'stays: 1.x has 1.2.0, which is higher than 1.1.9'],
    [order('1.1.9', 'minor'), 'moves: 1.1.9 is the highest version of 1.1.x'],
    [order('1.3.0', 'minor'), 'moves: 1.3.0 is the first version of 1.3.x'],
    [order('2.0.0-rc.1', 'all'), 'stays: 2.0.0-rc.1 is a pre-release, and the repository has 1.2.0'],
  ])('%#: the reason is fit for a summary', (given, reason) => {
    expect(decideByVersion(given, RELEASED).reason).toBe(reason);
  });

  test('what is no version never moves a version line', () => {
    expect(decideByVersion(order('main', 'all'), []).move).toBe(false);
  });
});

describe('P4: a tag of a ref moves only to a newer commit', () => {
  const NEW = '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d';
  const OLD = '3f2a1b0c9d8e7f605142332415069788a9bacbdc';
  const decide = (given: Partial<Parameters<typeof decideByCommit>[0]>) =>
    decideByCommit({ recorded: OLD, current: NEW, relation: 'unknown', isTip: undefined, ...given });

  test.each([
    ['same', undefined, true],
    ['ahead', undefined, true],
    ['ahead', false, true],
    ['behind', undefined, false],
    ['behind', true, false],
    ['diverged', true, true],
    ['diverged', false, false],
    ['diverged', undefined, false],
    ['unknown', true, true],
    ['unknown', false, false],
    ['unknown', undefined, false],
  ] as const)('%s, at the tip: %s', (relation, isTip, move) => {
    const decided = decide({ relation, isTip });
    expect(decided.move).toBe(move);
    expect(decided.reason).toMatch(move ? /^moves: / : /^stays: /);
  });

  test('a stale run says what it lost to', () => {
    expect(decide({ relation: 'behind' })).toEqual({
      move: false,
      reason: 'stays: points to 3f2a1b0, which is newer than 1a2b3c4',
    });
  });

  test.each([
    ['unknown', false],
    ['unknown', undefined],
    ['diverged', undefined],
  ] as const)('when the history does not tell (%s, %s) it says what to do', (relation, isTip) => {
    const decided = decide({ relation, isTip });
    expect(decided.reason).toContain('`fetch-depth: 0`');
    expect(decided.reason).toContain('`contents: read`');
    expect(decided.warning).toContain('`fetch-depth: 0`');
  });

  test('an image that records no commit is moved away from, with a warning', () => {
    expect(decide({ recorded: undefined })).toMatchObject({
      move: true,
      warning: expect.stringContaining('org.opencontainers.image.revision'),
    });
  });

  test('a revision that is none is not shown', () => {
    const { reason } = decide({ recorded: '| <img src=x> |\n', relation: 'unknown' });
    expect(reason).not.toMatch(/[<|\n]/);
  });
});
