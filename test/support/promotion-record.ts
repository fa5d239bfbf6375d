import type { PromotionRecord } from '../../src/domain/promotion/record.ts';

/** A promotion to staging that nothing is special about, but for what is said. */
export function recordWith(more: Partial<PromotionRecord> & Pick<PromotionRecord, 'digest'>): PromotionRecord {
  return {
    kind: 'promotion',
    stage: 'staging',
    from: 'ghcr.io/org/app:dev',
    to: ['ghcr.io/org/app:staging'],
    actor: 'octocat',
    run: 'https://github.com/org/app/actions/runs/1/attempts/1',
    event: 'push',
    time: '2026-01-31T12:00:00.000Z',
    forced: false,
    requirements: [],
    held: [],
    ...more,
  };
}
