import { fieldsOf } from '../../domain/fields.ts';
import type { Descriptor } from '../../domain/manifest.ts';
import { type PromotionRecord, recordBytes } from '../../domain/promotion/record.ts';
import { decideRecordSigning, type RecordSigning } from '../../domain/promotion/record-signing.ts';
import { PREDICATES } from '../../domain/trust/predicates.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { RecordChecks, RecordVerifier } from '../../evidence/signed-records.ts';
import type { StatementSigner } from '../../run/signing.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { SignRecord } from './apply.ts';
import type { PromoteInputs } from './inputs.ts';

/** How this promotion trusts the records it reads, and signs its own. */
export interface OpenRecordSigning extends Pick<RecordSigning, 'counts' | 'obstacle'> {
  /** Undefined: all records of a repository count. */
  readonly verify: RecordVerifier | undefined;
  /** Undefined: the record of this run is unsigned. */
  readonly sign: SignRecord | undefined;
}

const PLAIN: OpenRecordSigning = { counts: 'any', verify: undefined, sign: undefined };

/**
 * Decides which promotion records count. Requests an OIDC token only where the job may have one; loads Sigstore's
 * libraries only when something has to be verified or signed.
 * @throws ActionError SIGNING_NOT_PERMITTED
 */
export async function openRecordSigning(
  runtime: Runtime,
  inputs: PromoteInputs,
  environment: string,
): Promise<OpenRecordSigning> {
  const { asked, identities, repositories } = inputs.recordTrust;
  const mayRequestToken = Boolean(runtime.env.ACTIONS_ID_TOKEN_REQUEST_URL);
  const namesSigners = identities.length > 0 || repositories.length > 0;
  if (asked === 'any' || !(mayRequestToken || asked === 'signed' || namesSigners)) return PLAIN;
  const { readJobToken } = await import('../../run/signing.ts');
  const decided = decideRecordSigning({
    asked,
    namesSigners,
    namesInstance: inputs.signingConfig !== undefined,
    token: await readJobToken(runtime),
    environment,
  });
  const { counts, signs, obstacle } = decided;
  const written = inputs.record && !inputs.dryRun;
  if (written && counts === 'signed' && obstacle !== undefined) throw notPermitted(obstacle, environment);
  if (counts === 'any') {
    if (obstacle !== undefined) runtime.log.info(`Promotion records are not signed: ${obstacle}.`);
    return { ...PLAIN, ...(obstacle === undefined ? {} : { obstacle }) };
  }
  const { openRecordChecks } = await import('../../run/record-trust.ts');
  const { issuer, trustedRoots } = inputs.trust;
  const checks = openRecordChecks(runtime, { issuer, trustedRoots, identities, repositories });
  return { counts, verify: checks.verify, sign: signs && written ? recordSigner(runtime, inputs, checks) : undefined };
}

/** Signs as the job, and checks that the result counts: a record that does not would be found at the next rollback. */
function recordSigner(runtime: Runtime, { signingConfig }: PromoteInputs, checks: RecordChecks): SignRecord {
  let opened: Promise<StatementSigner> | undefined;
  const open = async () => {
    const { openSigner } = await import('../../run/signing.ts');
    const signer = await openSigner(runtime, { kind: 'keyless', config: signingConfig });
    runtime.log.info(`Promotion records are signed ${signer.description}.`);
    return signer;
  };
  return async (record, subject) => {
    try {
      opened ??= open();
      const bytes = await signOne(await opened, record, subject);
      const problems = await checks.problemsOf(record, bytes);
      if (problems.length === 0) return bytes;
      throw new ActionError(
        'SIGNING_REFUSED',
        `The signature of the promotion record would not count: ${problems.join('; ')}.`,
      );
    } catch (error) {
      throw unsigned(error);
    }
  };
}

async function signOne(signer: StatementSigner, record: PromotionRecord, subject: Descriptor): Promise<Uint8Array> {
  const predicate: unknown = JSON.parse(new TextDecoder().decode(recordBytes(record)));
  const [bundle] = await signer.sign(
    [{ predicateType: PREDICATES.promotion, predicate: fieldsOf(predicate), subject }],
    record.repository === undefined ? [] : [record.repository],
  );
  if (bundle === undefined) throw new ActionError('INTERNAL', 'The promotion record was not signed.');
  return bundle.bytes;
}

const ANY = 'To promote without a signature, set `records: any` for this run; its record is then unsigned.';

function unsigned(error: unknown): unknown {
  if (!(error instanceof ActionError) || error.code === 'CANCELLED') return error;
  return new ActionError(error.code, `${error.message} No tag was moved.`, {
    cause: error,
    facts: error.facts,
    remedy: [
      error.code === 'SIGNING_REFUSED'
        ? 'Check that `signing-config`, `trusted-root` and `signer-issuer` belong to the same Sigstore instance.'
        : 'Run again later: https://status.sigstore.dev shows known problems of the public instance.',
      ANY,
    ],
  });
}

function notPermitted(obstacle: string, environment: string): ActionError {
  return new ActionError(
    'SIGNING_NOT_PERMITTED',
    `Promotion records must be signed, and ${obstacle}: the record of this run would not count. Nothing was written.`,
    {
      facts: { input: 'records' },
      remedy: [
        `Give the job \`environment: ${environment}\` and \`id-token: write\` in its \`permissions:\`.`,
        'Or set `records: any`, which counts unsigned records as well.',
      ],
    },
  );
}
