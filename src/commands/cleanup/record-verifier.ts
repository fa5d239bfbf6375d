import type { RecordVerifier } from '../../evidence/signed-records.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { CleanupInputs } from './inputs.ts';

/** Checks the signatures of promotion records; Sigstore's libraries are loaded with the first signed one. */
export function recordVerifier(runtime: Runtime, { recordTrust }: CleanupInputs): RecordVerifier {
  let opened: Promise<RecordVerifier> | undefined;
  const open = async () => {
    const { openRecordChecks } = await import('../../run/record-trust.ts');
    return openRecordChecks(runtime, recordTrust).verify;
  };
  return async (repository, records) => {
    opened ??= open();
    return (await opened)(repository, records);
  };
}
