import { buffer } from 'node:stream/consumers';
import pLimit from 'p-limit';
import type { PromotionRecord, StoredRecord } from '../domain/promotion/record.ts';
import { type RecordSigners, signedRecordProblems } from '../domain/promotion/record-trust.ts';
import { UNSIGNED, type UncountedRecord } from '../domain/promotion/uncounted.ts';
import { ActionError } from '../errors/action-error.ts';
import type { Repository } from '../oci/client/repository.ts';
import type { BundleChecker } from '../sigstore/verify-bundle.ts';
import { readBundleStatement } from './bundle-statement.ts';

/** Records of one repository, separated by whether their signatures prove them. */
interface VerifiedRecords {
  readonly verified: readonly StoredRecord[];
  readonly uncounted: readonly UncountedRecord[];
}

export type RecordVerifier = (repository: Repository, records: readonly StoredRecord[]) => Promise<VerifiedRecords>;

/** Verifies records, and bundles that are about to be attached. */
export interface RecordChecks {
  readonly verify: RecordVerifier;
  /** Why a bundle would not make this record count; empty when it does. */
  readonly problemsOf: (record: PromotionRecord, bundle: Uint8Array) => Promise<readonly string[]>;
}

export interface RecordTrust {
  readonly signers: RecordSigners;
  /** Loads the trusted roots; called only if a record has a signature. */
  readonly checker: () => Promise<BundleChecker>;
  readonly now: () => Date;
}

const MAX_CONCURRENT_READS = 6;

/**
 * Verifies the signatures of promotion records. Unsigned ones need no request.
 * @throws ActionError when a bundle or the trusted root cannot be read: that does not mean unsigned
 */
export function createRecordChecks({ signers, checker, now }: RecordTrust): RecordChecks {
  const limit = pLimit(MAX_CONCURRENT_READS);
  const verify: RecordVerifier = async (repository, records) => {
    const judged = await limit.map([...records], async (record) => {
      const result = await verifyOne(repository, record);
      return typeof result === 'string' ? { record, reason: result } : result;
    });
    return {
      verified: judged.flatMap((each) => ('reason' in each ? [] : [each])),
      uncounted: judged.flatMap((each) => ('reason' in each ? [each] : [])),
    };
  };
  return {
    verify,
    problemsOf: async (record, bytes) => {
      const statement = readBundleStatement(await checker(), bytes);
      return statement.ok
        ? signedRecordProblems(record, statement.value, record.digest, signers, now())
        : statement.problems;
    },
  };

  async function verifyOne(repository: Repository, record: StoredRecord): Promise<StoredRecord | string> {
    if (record.bundle === undefined) return UNSIGNED;
    const bytes = await readBundle(repository, record);
    if (bytes === undefined) return 'its signature no longer exists in the repository';
    const statement = readBundleStatement(await checker(), bytes);
    if (!statement.ok) return statement.problems.join('; ');
    const problems = signedRecordProblems(record, statement.value, record.digest, signers, now());
    if (problems.length > 0) return problems.join('; ');
    const { signer, time } = statement.value;
    return signer.kind === 'certificate' && time !== undefined
      ? { ...record, signature: { identity: signer.claims.identity, time: time.toISOString() } }
      : 'its signature shows neither who signed nor when';
  }
}

async function readBundle(repository: Repository, { bundle }: StoredRecord): Promise<Buffer | undefined> {
  if (bundle === undefined) return undefined;
  try {
    return await buffer(await repository.getBlob(bundle));
  } catch (error) {
    if (error instanceof ActionError && (error.facts.status === 404 || error.code === 'DIGEST_MISMATCH'))
      return undefined;
    throw error;
  }
}
