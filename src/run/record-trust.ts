import type { RecordSigners } from '../domain/promotion/record-trust.ts';
import { createRecordChecks, type RecordChecks } from '../evidence/signed-records.ts';
import type { RecordTrustSettings } from '../inputs/record-trust.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type BundleChecker, createBundleChecker } from '../sigstore/verify-bundle.ts';
import { loadTrustedRoots } from './sigstore.ts';

/** How the signatures of promotion records are verified. */
export interface RecordTrustOptions extends Omit<RecordTrustSettings, 'asked'> {
  readonly issuer: string;
  /** Files, `public`, `github`; empty: both instances. */
  readonly trustedRoots: readonly string[];
}

/** Verifies promotion records; trusted roots are loaded with the first signature. */
export function openRecordChecks(runtime: Runtime, options: RecordTrustOptions): RecordChecks {
  let checker: Promise<BundleChecker> | undefined;
  return createRecordChecks({
    signers: signersOf(runtime, options),
    checker: () => {
      checker ??= loadTrustedRoots(runtime, options.trustedRoots).then((roots) =>
        createBundleChecker({ roots, keys: [] }),
      );
      return checker;
    },
    now: () => runtime.clock.now(),
  });
}

function signersOf({ env }: Runtime, { issuer, identities, repositories }: RecordTrustOptions): RecordSigners {
  if (repositories.length > 0) return { issuer, identities, repositories };
  const server = env.GITHUB_SERVER_URL || 'https://github.com';
  return {
    issuer,
    identities,
    repositories: [`${server}/${env.GITHUB_REPOSITORY ?? ''}`],
    repositoryId: env.GITHUB_REPOSITORY_ID || undefined,
  };
}
