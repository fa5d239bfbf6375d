import { describe, expect, test } from 'vitest';
import { decideRecordSigning, type RecordSigningFacts } from '../../../../src/domain/promotion/record-signing.ts';

const TOKEN = { environment: 'production', repository_visibility: 'public' };
const decide = (changes: Partial<RecordSigningFacts>) =>
  decideRecordSigning({
    asked: 'auto',
    namesSigners: false,
    namesInstance: false,
    token: TOKEN,
    environment: 'production',
    ...changes,
  });

describe('which promotion records count', () => {
  test.each<[string, Partial<RecordSigningFacts>, string, boolean, RegExp | undefined]>([
    ['a public repository in its environment signs', {}, 'signed', true, undefined],
    ['in another case', { token: { ...TOKEN, environment: 'Production' } }, 'signed', true, undefined],
    ['`any` is obeyed', { asked: 'any' }, 'any', false, undefined],
    ['`any` is obeyed although signers are named', { asked: 'any', namesSigners: true }, 'any', false, undefined],
    ['without a token', { token: undefined }, 'any', false, /id-token: write/],
    ['without an environment', { token: { repository_visibility: 'public' } }, 'any', false, /has no `environment/],
    ['in another environment', { token: { ...TOKEN, environment: 'dev' } }, 'any', false, /environment "dev"/],
    ['an environment that is no text', { token: { ...TOKEN, environment: 1 } }, 'any', false, /has no `environment/],
    ['a private repository', { token: { environment: 'production' } }, 'any', false, /is not public/],
    [
      'a private repository that names an instance',
      { token: { environment: 'production', repository_visibility: 'private' }, namesInstance: true },
      ...(['signed', true, undefined] as const),
    ],
    [
      'a private repository that demands signed ones',
      { asked: 'signed', token: { environment: 'production', repository_visibility: 'private' } },
      ...(['signed', true, undefined] as const),
    ],
    ['demanded without a token', { asked: 'signed', token: undefined }, 'signed', false, /id-token: write/],
    ['named signers without a token', { namesSigners: true, token: undefined }, 'signed', false, /id-token: write/],
  ])('%s', (_what, changes, counts, signs, obstacle) => {
    const decided = decide(changes);
    expect(decided).toMatchObject({ counts, signs });
    if (obstacle === undefined) expect(decided.obstacle).toBeUndefined();
    else expect(decided.obstacle).toMatch(obstacle);
  });
});
