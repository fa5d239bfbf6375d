import { createHash } from 'node:crypto';
import { type PromotionRecord, recordBytes, type StoredRecord } from '../../src/domain/promotion/record.ts';

/** A promotion to staging that nothing is special about, but for what is said. */
export function recordWith(more: Partial<PromotionRecord> & Pick<PromotionRecord, 'digest'>): PromotionRecord {
  return {
    kind: 'promotion',
    environment: 'staging',
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

/** The same as it is found in a repository; its digest stands for that of its manifest. */
export function storedWith(more: Partial<PromotionRecord> & Pick<PromotionRecord, 'digest'>): StoredRecord {
  const record = recordWith(more);
  return { ...record, manifest: `sha256:${createHash('sha256').update(recordBytes(record)).digest('hex')}` };
}
