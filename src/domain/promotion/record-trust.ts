import { type Digest, shortDigest } from '../digest.ts';
import { quoted } from '../suggestion.ts';
import { identityProblems, type TextRule } from '../trust/identity.ts';
import { PREDICATES } from '../trust/predicates.ts';
import type { SignedStatement } from '../trust/verification.ts';
import { isTrustedTrigger } from './events.ts';
import { isSameEnvironment, type PromotionRecord, parseRecord, recordBytes } from './record.ts';

/** Whose promotion records count. */
export interface RecordSigners {
  readonly issuer: string;
  /** `https://github.com/org/app`: repositories whose jobs may sign; at least one. */
  readonly repositories: readonly string[];
  /** Id of the only repository in `repositories`: names can be reused, ids cannot. */
  readonly repositoryId?: string | undefined;
  /** Workflow files that may sign; empty: all of the repositories. */
  readonly identities: readonly TextRule[];
}

/** How far a record's own time may be from the time of its signature: the image's tags move in between. */
const MAX_TIME_DIFFERENCE_MS = 60 * 60 * 1000;
/** How far the clocks of a timestamp authority and a runner may differ. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;

type SignedRecord = Omit<SignedStatement, 'format' | 'manifest'>;

/**
 * Why a record does not count although its bundle is cryptographically valid: a promotion is shown only by the job that
 * made it, in the GitHub environment it is about. Pure.
 * @param subject the image that the record is attached to
 * @returns parts of a sentence; empty when it counts
 */
export function signedRecordProblems(
  record: PromotionRecord,
  statement: SignedRecord,
  subject: Digest,
  signers: RecordSigners,
  now: Date,
): readonly string[] {
  const { predicateType, subjects, predicate, signer, time } = statement;
  if (predicateType !== PREDICATES.promotion) return [`its signature is for another statement (${predicateType})`];
  if (!subjects.includes(subject)) {
    return [`its signature is for ${subjects.map(shortDigest).join(', ')}, not for ${shortDigest(subject)}`];
  }
  const signed = parseRecord(predicate);
  if (!signed.ok) return [`what is signed is no promotion record (${signed.problems.join('; ')})`];
  if (!isEqual(recordBytes(signed.value), recordBytes(record))) return ['it differs from what is signed'];
  if (signer.kind !== 'certificate') return ['it was signed with a key, which shows no GitHub environment'];
  const { claims } = signer;
  const { environment, event } = record;
  if (claims.environment === undefined) {
    return [`it was signed by a job without the environment ${quoted(environment)} (${claims.identity})`];
  }
  if (!isSameEnvironment(claims.environment, environment)) {
    return [`it was signed by a job in the environment ${quoted(claims.environment)}, not ${quoted(environment)}`];
  }
  return [
    ...signerProblems(claims, signers),
    ...(isTrustedTrigger(claims.trigger ?? '')
      ? []
      : [`it was signed by a run of ${claims.trigger ?? 'an unknown event'}, which may not promote`]),
    ...(claims.trigger === event
      ? []
      : [`it names the event ${quoted(event)}, and its certificate ${quoted(claims.trigger ?? 'none')}`]),
    ...timeProblems(record, time, now),
  ];
}

type Claims = Extract<SignedStatement['signer'], { kind: 'certificate' }>['claims'];

/** Problems with the accepted signer that comes nearest. */
function signerProblems(
  claims: Claims,
  { issuer, repositories, repositoryId, identities }: RecordSigners,
): readonly string[] {
  const anyWorkflow: TextRule = { kind: 'exact', text: claims.identity };
  const rules = identities.length === 0 ? [anyWorkflow] : identities;
  const perSigner = repositories.flatMap((repository) =>
    rules.map((identity) =>
      identityProblems(claims, {
        issuer,
        identity,
        repository,
        ...(repositoryId === undefined ? {} : { repositoryId }),
      }),
    ),
  );
  if (perSigner.some((problems) => problems.length === 0)) return [];
  return perSigner.toSorted((one, other) => one.length - other.length)[0] ?? ['no repository may sign records'];
}

function timeProblems({ time }: PromotionRecord, signed: Date | undefined, now: Date): readonly string[] {
  if (signed === undefined) return ['its signature has no trusted time'];
  if (signed.getTime() > now.getTime() + CLOCK_SKEW_MS)
    return [`it was signed at ${signed.toISOString()}, in the future`];
  return Math.abs(signed.getTime() - Date.parse(time)) > MAX_TIME_DIFFERENCE_MS
    ? [`it is dated ${time}, and was signed at ${signed.toISOString()}`]
    : [];
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
