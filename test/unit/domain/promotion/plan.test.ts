import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import type { History } from '../../../../src/domain/promotion/history.ts';
import { type PlannedTarget, type Promotion, planPromotion } from '../../../../src/domain/promotion/plan.ts';

const digest = (sign: string): Digest => `sha256:${sign.repeat(64)}`;
const A = digest('a');
const B = digest('b');
const HISTORY: History = {
  stage: 'production',
  chain: [],
  now: A,
  held: new Set(),
  deployed: new Set([A]),
  gaps: [],
};

const target = (tag: string, kind: PlannedTarget['kind'], holds?: Digest): PlannedTarget => ({
  image: 'ghcr.io/org/app',
  tag,
  kind,
  ...(holds === undefined ? {} : { holds }),
});
const stage = (holds?: Digest) => target('production', 'moving', holds);
const version = (holds?: Digest) => target('1.2.3-production', 'immutable', holds);

function plan(targets: readonly PlannedTarget[], more: Partial<Promotion> = {}) {
  const { verdict, decisions, refusals } = planPromotion({
    digest: B,
    targets,
    judgements: [{ name: 'sbom', met: true, detail: 'one' }],
    history: HISTORY,
    ...more,
  });
  return { verdict, actions: decisions.map(({ tag, action }) => `${tag} ${action}`), refusals, decisions };
}

describe('what happens to a tag', () => {
  test.each([
    ['free', stage(), 'create', 'go'],
    ['holds another image', stage(A), 'move', 'go'],
    ['holds this image', stage(B), 'keep', 'unchanged'],
    ['immutable and free', version(), 'create', 'go'],
    ['immutable, holds this image', version(B), 'keep', 'unchanged'],
    ['immutable, holds another image', version(A), 'conflict', 'conflict'],
  ])('%s', (_, given, action, verdict) => {
    expect(plan([given])).toMatchObject({ verdict, actions: [`${given.tag} ${action}`], refusals: [] });
  });
  test('immutable tags are written first', () => {
    expect(plan([stage(A), version()]).actions).toEqual(['1.2.3-production create', 'production move']);
  });
  test('one conflict holds back all', () => {
    expect(plan([stage(A), version(A)], { force: true }).verdict).toBe('conflict');
  });
  test('a conflict names both images', () => {
    expect(plan([version(A)]).decisions[0]?.reason).toMatch(/sha256:a{12},.*sha256:b{12}$/);
  });
  test('no target is not a success', () => {
    expect(plan([])).toMatchObject({ verdict: 'refused', refusals: [expect.stringContaining('no target')] });
  });
});

describe('requirements', () => {
  const judgements = [
    { name: 'sbom', met: false, reason: 'linux/arm64: there is no SBOM' },
    { name: 'branch=main', met: true, detail: 'abc1234 is on main' },
    { name: 'signature', met: false, reason: 'signatures cannot be checked' },
  ] as const;
  test('one that is not met refuses every target, with all reasons', () => {
    const { verdict, actions, refusals } = plan([stage(A), version()], { judgements });
    expect(verdict).toBe('refused');
    expect(actions).toEqual(['1.2.3-production refuse', 'production refuse']);
    expect(refusals).toEqual(['sbom: linux/arm64: there is no SBOM.', 'signature: signatures cannot be checked.']);
  });
  test('a tag that holds the image already does not hide it', () => {
    expect(plan([stage(B)], { judgements }).verdict).toBe('refused');
  });
  test('`force` lifts none', () => {
    expect(plan([stage(A)], { judgements, force: true }).verdict).toBe('refused');
  });
  test('a rollback lifts none that was judged', () => {
    expect(plan([stage(B)], { judgements, rollback: true, digest: A }).verdict).toBe('refused');
  });
  test('a refused promotion says of an immutable tag that it is in the way too', () => {
    expect(plan([version(A)], { judgements })).toMatchObject({
      verdict: 'refused',
      actions: ['1.2.3-production conflict'],
    });
  });
});

describe('a digest that is held back', () => {
  const history: History = { ...HISTORY, held: new Set([B]), deployed: new Set([A, B]) };
  test('is refused', () => {
    expect(plan([stage(A), version()], { history })).toMatchObject({
      verdict: 'refused',
      refusals: [expect.stringMatching(/rolled back from sha256:b{12}.*force: true/)],
    });
  });
  test('passes when a person asks for it', () => {
    expect(plan([stage(A)], { history, force: true }).verdict).toBe('go');
  });
  test('may be any, where a record of what the stage holds cannot be understood', () => {
    const refusals = [expect.stringMatching(/cannot be understood.*sha256:b{12}.*force: true/)];
    expect(plan([stage(A)], { unclear: 1 })).toMatchObject({ verdict: 'refused', refusals });
    expect(plan([stage(A)], { unclear: 1, force: true }).verdict).toBe('go');
    expect(plan([stage(B)], { unclear: 1 }).verdict).toBe('unchanged');
    expect(plan([stage(A)], { history, unclear: 1, rollback: true, byHand: true }).verdict).toBe('go');
  });
  test('passes as the target of a rollback that a person asks for, and of no other', () => {
    expect(plan([stage(A)], { history, rollback: true, byHand: true }).verdict).toBe('go');
    expect(plan([stage(A)], { history, rollback: true })).toMatchObject({
      verdict: 'refused',
      refusals: [expect.stringMatching(/rolled back from sha256:b{12}.*by hand/)],
    });
    expect(plan([stage(B)], { history, rollback: true }).verdict).toBe('unchanged');
  });
  test('is no matter where it is already', () => {
    expect(plan([stage(B)], { history }).verdict).toBe('unchanged');
  });
  test('does not hold back another', () => {
    expect(plan([stage(A)], { history, digest: digest('c') }).verdict).toBe('go');
  });
});

describe('a rollback', () => {
  test('moves the stage to what it has held', () => {
    const { verdict, decisions } = plan([stage(B)], { rollback: true, digest: A });
    expect(verdict).toBe('go');
    expect(decisions[0]).toMatchObject({ action: 'move', reason: 'goes back from sha256:bbbbbbbbbbbb' });
  });
  test('is refused to what it never held, also by force', () => {
    expect(plan([stage(A)], { rollback: true, force: true })).toMatchObject({
      verdict: 'refused',
      refusals: [expect.stringContaining('Promote it instead')],
    });
  });
  test('does not move an immutable tag', () => {
    expect(plan([version(B)], { rollback: true, digest: A }).verdict).toBe('conflict');
  });
  test('to what is there changes nothing', () => {
    expect(plan([stage(A)], { rollback: true, digest: A }).verdict).toBe('unchanged');
  });
});
