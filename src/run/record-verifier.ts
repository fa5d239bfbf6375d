import { UNSIGNED } from '../domain/promotion/uncounted.ts';
import type { RecordVerifier } from '../evidence/signed-records.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { RecordTrustOptions } from './record-trust.ts';

/** Checks the signatures of promotion records; Sigstore's libraries are loaded with the first signed one. */
export function recordVerifier(runtime: Runtime, options: RecordTrustOptions): RecordVerifier {
  let opened: Promise<RecordVerifier> | undefined;
  const open = async () => {
    const { openRecordChecks } = await import('./record-trust.ts');
    return openRecordChecks(runtime, options).verify;
  };
  return async (repository, records) => {
    if (records.every(({ bundle }) => bundle === undefined)) {
      return { verified: [], uncounted: records.map((record) => ({ record, reason: UNSIGNED })) };
    }
    opened ??= open();
    return (await opened)(repository, records);
  };
}
