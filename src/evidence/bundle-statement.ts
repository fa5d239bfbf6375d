import type { Bundle } from '@sigstore/bundle';
import { fieldsOf } from '../domain/fields.ts';
import { type Parsed, problems } from '../domain/parsed.ts';
import { readStrictJson } from '../domain/strict-json.ts';
import { readStatement, STATEMENT_MEDIA_TYPE, type Statement } from '../domain/trust/statement.ts';
import type { SignedStatement } from '../domain/trust/verification.ts';
import type { BundleChecker } from '../sigstore/verify-bundle.ts';

/** A statement whose signature was verified, without its location. */
export type CheckedStatement = Omit<SignedStatement, 'format' | 'manifest'>;

/** Verifies the bytes of a bundle, and reads its statement. */
export function readBundleStatement(check: BundleChecker, bytes: Uint8Array): Parsed<CheckedStatement> {
  const json = readStrictJson(bytes);
  if (!json.ok) return problems(`it is no valid bundle (${json.problems.join('; ')})`);
  return checked(check(json.value), ({ content }) =>
    content.$case === 'dsseEnvelope' ? payloadOf(content.dsseEnvelope) : problems('it signs bytes and no statement'),
  );
}

/** The signed content is inspected only after the signature was verified. */
export function checked(
  result: ReturnType<BundleChecker>,
  statementOf: (bundle: Bundle) => Parsed<Statement>,
): Parsed<CheckedStatement> {
  if (!result.ok) return result;
  const { signer, time, bundle } = result.value;
  const statement = statementOf(bundle);
  if (!statement.ok) return statement;
  return { ok: true, value: { ...statement.value, signer, ...(time === undefined ? {} : { time }) } };
}

export function payloadOf(envelope: { readonly payloadType: string; readonly payload: Uint8Array }): Parsed<Statement> {
  return envelope.payloadType === STATEMENT_MEDIA_TYPE
    ? readStatement(envelope.payload)
    : problems('what it signs is no in-toto statement');
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** The predicate type that a bundle claims, before its signature is verified; undefined when it has none. */
export function claimedType(bytes: Uint8Array): unknown {
  const { payload } = fieldsOf(fieldsOf(parseJson(bytes)).dsseEnvelope);
  return typeof payload === 'string' ? fieldsOf(parseJson(Buffer.from(payload, 'base64'))).predicateType : undefined;
}
