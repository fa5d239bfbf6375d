import { type Digest, isDigest, splitDigest } from '../digest.ts';
import { type Fields, fieldsOf, isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';

/** The media type of a statement as the payload of a DSSE envelope. */
export const STATEMENT_MEDIA_TYPE = 'application/vnd.in-toto+json';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const STATEMENT_TYPES: readonly unknown[] = [STATEMENT_TYPE, 'https://in-toto.io/Statement/v0.1'];
/** More subjects than GitHub allows in one statement. */
const MAX_SUBJECTS = 1024;

/** An in-toto statement about one image or platform. https://github.com/in-toto/attestation/tree/main/spec/v1 */
export interface Statement {
  readonly predicateType: string;
  /** Digests that it is about. */
  readonly subjects: readonly Digest[];
  readonly predicate: Fields;
}

/**
 * The bytes to sign. A signature names no image (`cosign sign` leaves the name empty); `gh` and people read the names of an
 * attestation.
 * @param names of the image without tag and digest, `ghcr.io/org/app`
 */
export function statementBytes(
  { predicateType, subjects, predicate }: Statement,
  names: readonly string[] = [],
): Uint8Array<ArrayBuffer> {
  const subject = subjects.flatMap((subjectDigest) => {
    const { algorithm, hex } = splitDigest(subjectDigest);
    const digest = { [algorithm]: hex };
    return names.length === 0 ? [{ digest }] : names.map((name) => ({ name, digest }));
  });
  return new TextEncoder().encode(JSON.stringify({ _type: STATEMENT_TYPE, subject, predicateType, predicate }));
}

/** Reads the payload of an envelope. A subject without a digest that is understood here makes the statement useless. */
export function readStatement(payload: Uint8Array): Parsed<Statement> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    return problems('the statement is not JSON');
  }
  const { _type: type, predicateType, predicate, subject } = fieldsOf(value);
  if (!STATEMENT_TYPES.includes(type)) return problems('the signed content is no in-toto statement');
  if (typeof predicateType !== 'string' || predicateType === '') return problems('the statement has no predicate type');
  if (!Array.isArray(subject) || subject.length === 0) return problems('the statement names no subject');
  if (subject.length > MAX_SUBJECTS) return problems(`the statement names more than ${MAX_SUBJECTS} subjects`);
  const subjects = subject.map((entry: unknown) => digestOf(fieldsOf(entry).digest));
  if (!subjects.every((digest) => digest !== undefined)) return problems('a subject of the statement has no digest');
  return parsed({ predicateType, subjects, predicate: isFields(predicate) ? predicate : {} });
}

function digestOf(value: unknown): Digest | undefined {
  const { sha256, sha512 } = fieldsOf(value);
  return [`sha256:${sha256}`, `sha512:${sha512}`].find((digest) => isDigest(digest));
}
