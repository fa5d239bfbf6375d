import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import type { History } from '../../../../src/domain/promotion/history.ts';
import { type PlannedTarget, type Promotion, planPromotion } from '../../../../src/domain/promotion/plan.ts';

const digest = (sign: string): Digest => `sha256:${sign.repeat(64)}`;
const A = digest('a');
const B = digest('b');
const HISTORY: History = {
  environment: 'production',
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
const environment = (holds?: Digest) => target('production', 'moving', holds);
const version = (holds?: Digest) => target('1.2.3-production', 'immutable', holds);

function plan(targets: readonly PlannedTarget[], more: Partial<Promotion> = {}) {
  const { status, decisions, refusals } = planPromotion({
    digest: B,
    targets,
    judgements: [{ name: 'sbom', met: true, detail: 'one' }],
    history: HISTORY,
    ...more,
  });
  return { status, actions: decisions.map(({ tag, action }) => `${tag} ${action}`), refusals, decisions };
}

describe('what happens to a tag', () => {
  test.each([
    ['free', environment(), 'create', 'go'],
    ['holds another image', environment(A), 'move', 'go'],
    ['holds this image', environment(B), 'keep', 'unchanged'],
    ['immutable and free', version(), 'create', 'go'],
    ['immutable, holds this image', version(B), 'keep', 'unchanged'],
    ['immutable, holds another image', version(A), 'conflict', 'conflict'],
  ])('%s', (_, given, action, status) => {
    expect(plan([given])).toMatchObject({ status, actions: [`${given.tag} ${action}`], refusals: [] });
  });
  test('immutable tags are written first', () => {
    expect(plan([environment(A), version()]).actions).toEqual(['1.2.3-production create', 'production move']);
  });
  test('one conflict holds back all', () => {
    expect(plan([environment(A), version(A)], { force: true }).status).toBe('conflict');
  });
  test('a conflict names both images', () => {
    expect(plan([version(A)]).decisions[0]?.reason).toMatch(/sha256:a{12},.*sha256:b{12}$/);
  });
  test('no target is not a success', () => {
    expect(plan([])).toMatchObject({ status: 'refused', refusals: [expect.stringContaining('no target')] });
  });
});

describe('requirements', () => {
  const judgements = [
    { name: 'sbom', met: false, reason: 'linux/arm64: there is no SBOM' },
    { name: 'branch=main', met: true, detail: 'abc1234 is on main' },
    { name: 'signature', met: false, reason: 'signatures cannot be checked' },
  ] as const;
  test('one that is not met refuses every target, with all reasons', () => {
    const { status, actions, refusals } = plan([environment(A), version()], { judgements });
    expect(status).toBe('refused');
    expect(actions).toEqual(['1.2.3-production refuse', 'production refuse']);
    expect(refusals).toEqual(['sbom: linux/arm64: there is no SBOM.', 'signature: signatures cannot be checked.']);
  });
  test('a tag that holds the image already does not hide it', () => {
    expect(plan([environment(B)], { judgements }).status).toBe('refused');
  });
  test('`force` lifts none', () => {
    expect(plan([environment(A)], { judgements, force: true }).status).toBe('refused');
  });
  test('a rollback lifts none that was judged', () => {
    expect(plan([environment(B)], { judgements, rollback: true, digest: A }).status).toBe('refused');
  });
  test('a refused promotion says of an immutable tag that it is in the way too', () => {
    expect(plan([version(A)], { judgements })).toMatchObject({
      status: 'refused',
      actions: ['1.2.3-production conflict'],
    });
  });
});

describe('a digest that is held back', () => {
  const history: History = { ...HISTORY, held: new Set([B]), deployed: new Set([A, B]) };
  test('is refused', () => {
    expect(plan([environment(A), version()], { history })).toMatchObject({
      status: 'refused',
      refusals: [expect.stringMatching(/rolled back from sha256:b{12}.*force: true/)],
    });
  });
  test('passes when a person asks for it', () => {
    expect(plan([environment(A)], { history, force: true }).status).toBe('go');
  });
  test('may be any, where a record of what the environment has cannot be understood', () => {
    const refusals = [expect.stringMatching(/cannot be understood.*sha256:b{12}.*force: true/)];
    expect(plan([environment(A)], { unclear: 1 })).toMatchObject({ status: 'refused', refusals });
    expect(plan([environment(A)], { unclear: 1, force: true }).status).toBe('go');
    expect(plan([environment(B)], { unclear: 1 }).status).toBe('unchanged');
    expect(plan([environment(A)], { history, unclear: 1, rollback: true, byHand: true }).status).toBe('go');
  });
  test('passes as the target of a rollback that a person asks for, and of no other', () => {
    expect(plan([environment(A)], { history, rollback: true, byHand: true }).status).toBe('go');
    expect(plan([environment(A)], { history, rollback: true })).toMatchObject({
      status: 'refused',
      refusals: [expect.stringMatching(/rolled back from sha256:b{12}.*by hand/)],
    });
    expect(plan([environment(B)], { history, rollback: true }).status).toBe('unchanged');
  });
  test('is no matter where it is already', () => {
    expect(plan([environment(B)], { history }).status).toBe('unchanged');
  });
  test('does not hold back another', () => {
    expect(plan([environment(A)], { history, digest: digest('c') }).status).toBe('go');
  });
});

describe('a rollback', () => {
  test('moves the environment to what it has held', () => {
    const { status, decisions } = plan([environment(B)], { rollback: true, digest: A });
    expect(status).toBe('go');
    expect(decisions[0]).toMatchObject({ action: 'move', reason: 'goes back from sha256:bbbbbbbbbbbb' });
  });
  test('is refused to what it never held, also by force', () => {
    expect(plan([environment(A)], { rollback: true, force: true })).toMatchObject({
      status: 'refused',
      refusals: [expect.stringContaining('Promote it instead')],
    });
  });
  test('does not move an immutable tag', () => {
    expect(plan([version(B)], { rollback: true, digest: A }).status).toBe('conflict');
  });
  test('to what is there changes nothing', () => {
    expect(plan([environment(A)], { rollback: true, digest: A }).status).toBe('unchanged');
  });
});
