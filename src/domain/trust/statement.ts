import { type Digest, isDigest, splitDigest } from '../digest.ts';
import { type Fields, fieldsOf, isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { miscasedKey, readStrictJson } from '../strict-json.ts';
import { quoted } from '../suggestion.ts';

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

/** What parsers read that take no account of case. */
const STATEMENT_KEYS = ['_type', 'subject', 'predicateType', 'predicate'];
const SUBJECT_KEYS = ['name', 'digest'];
const ALGORITHMS = ['sha256', 'sha512'];

/**
 * Reads the payload of an envelope. A subject without a digest that is understood here makes the statement useless, and so does
 * what other parsers read in another way.
 */
export function readStatement(payload: Uint8Array): Parsed<Statement> {
  const value = readStrictJson(payload);
  if (!value.ok) return problems(...value.problems.map((problem) => `the statement cannot be read: ${problem}`));
  const fields = fieldsOf(value.value);
  const { _type: type, predicateType, predicate, subject } = fields;
  if (!STATEMENT_TYPES.includes(type)) return problems('the signed content is no in-toto statement');
  if (typeof predicateType !== 'string' || predicateType === '') return problems('the statement has no predicate type');
  if (!Array.isArray(subject) || subject.length === 0) return problems('the statement names no subject');
  if (subject.length > MAX_SUBJECTS) return problems(`the statement names more than ${MAX_SUBJECTS} subjects`);
  const entries = subject.map(fieldsOf);
  const miscased =
    miscasedKey(fields, STATEMENT_KEYS) ??
    entries.map((entry) => miscasedKey(entry, SUBJECT_KEYS)).find((key) => key !== undefined) ??
    entries.map(({ digest }) => miscasedKey(fieldsOf(digest), ALGORITHMS)).find((key) => key !== undefined);
  if (miscased !== undefined) return problems(`the statement has the key ${quoted(miscased)}, in another case`);
  const subjects = entries.map(({ digest }) => digestOf(digest));
  if (!subjects.every((digest) => digest !== undefined)) return problems('a subject of the statement has no digest');
  return parsed({ predicateType, subjects, predicate: isFields(predicate) ? predicate : {} });
}

/** By SHA-256 where it is given, and otherwise by SHA-512. */
function digestOf(value: unknown): Digest | undefined {
  const { sha256, sha512 } = fieldsOf(value);
  const digest = sha256 === undefined ? `sha512:${sha512}` : `sha256:${sha256}`;
  return isDigest(digest) ? digest : undefined;
}
