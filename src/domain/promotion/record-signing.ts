import type { Fields } from '../fields.ts';
import { quoted } from '../suggestion.ts';
import { isSameEnvironment } from './record.ts';

/** What is known before a promotion reads its records. */
export interface RecordSigningFacts {
  /** The input `records`. */
  readonly asked: 'auto' | 'signed' | 'any';
  /** Whether an input names who may sign records. */
  readonly namesSigners: boolean;
  /** Whether an input names the Sigstore instance. */
  readonly namesInstance: boolean;
  /** Payload of the job's OIDC token; undefined without the permission for it. */
  readonly token: Fields | undefined;
  /** That the promotion is to. */
  readonly environment: string;
}

/** Which records count, and whether this run signs its own. */
export interface RecordSigning {
  readonly counts: 'signed' | 'any';
  readonly signs: boolean;
  /** Why this job cannot sign a record that counts, as a sentence without its end; undefined when it can. */
  readonly obstacle?: string;
}

/**
 * Decides how promotion records are trusted. A job that can sign them relies on signed ones only; a job that cannot
 * continues with unsigned ones unless an input asks for more, and says why. Pure.
 */
export function decideRecordSigning(facts: RecordSigningFacts): RecordSigning {
  if (facts.asked === 'any') return { counts: 'any', signs: false };
  const isDemanded = facts.asked === 'signed' || facts.namesSigners;
  const obstacle = signingObstacle(facts) ?? (isDemanded ? undefined : privateObstacle(facts));
  if (obstacle === undefined) return { counts: 'signed', signs: true };
  return { counts: isDemanded ? 'signed' : 'any', signs: false, obstacle };
}

function signingObstacle({ token, environment }: RecordSigningFacts): string | undefined {
  if (token === undefined) return 'the job may not request an OIDC token (`id-token: write`)';
  const { environment: own } = token;
  if (typeof own !== 'string' || own === '') return `the job has no \`environment: ${environment}\``;
  return isSameEnvironment(own, environment)
    ? undefined
    : `the job runs in the environment ${quoted(own)}, not in ${quoted(environment)}`;
}

/** GitHub's own instance needs Enterprise Cloud, and the public one would publish names: both have to be asked for. */
function privateObstacle({ token, namesInstance }: RecordSigningFacts): string | undefined {
  return namesInstance || token?.repository_visibility === 'public'
    ? undefined
    : 'the repository is not public, and `signing-config` names no Sigstore instance for it';
}
