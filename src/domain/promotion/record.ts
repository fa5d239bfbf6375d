import { COMMIT } from '../commit.ts';
import { type Digest, isDigest } from '../digest.ts';
import { fieldsOf, isFields, isPlainText, TEXT_LIMIT } from '../fields.ts';
import type { Descriptor } from '../manifest.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { readStrictJson } from '../strict-json.ts';
import { quoted } from '../suggestion.ts';
import { readScanTerms, type ScanTerms } from './scan-terms.ts';

/** The artifact type of a promotion record, and the media type of its JSON. */
export const PROMOTION_TYPE = 'application/vnd.io.github.registry-action.promotion.v1+json';

const SCHEMA_VERSION = 1;

const KINDS = ['publish', 'promotion', 'rollback'] as const;
type RecordKind = (typeof KINDS)[number];

/** An operation on an environment: what was done, by whom, and why it was allowed. */
export interface PromotionRecord {
  /** `publish`: the image was published after passing the gate; its environment is `publish`. */
  readonly kind: RecordKind;
  readonly environment: string;
  /**
   * `ghcr.io/org/prod/app`: the repository of this record. Found anywhere else it proves nothing. Records without it
   * are checked by `to`.
   */
  readonly repository?: string;
  /** Source of the image, in full: `ghcr.io/org/app:sha-abc1234`. */
  readonly from: string;
  /** The names written in the record's repository, in full. */
  readonly to: readonly string[];
  /** The image of the environment from then on. */
  readonly digest: Digest;
  /** The previous image of the environment; absent if there was none. */
  readonly previousDigest?: Digest;
  /** Manifest of the previous record of the same environment in the same repository; absent in the first. */
  readonly previousRecord?: Digest;
  readonly actor: string;
  /** URL of the run. */
  readonly run: string;
  /** Name of the event: `push`, `workflow_dispatch`. */
  readonly event: string;
  /** ISO 8601 in UTC: `2026-01-31T12:00:00.000Z`. */
  readonly time: string;
  /** The commit recorded in the image, if any. */
  readonly commit?: string;
  /** A person promoted it by name: lifts a hold. */
  readonly forced: boolean;
  readonly requirements: readonly { readonly name: string; readonly detail: string }[];
  /** The gate terms of the scan made for this; absent without a scan. */
  readonly scan?: ScanTerms;
  /** Time of that scan, if another run made it. */
  readonly scannedAt?: string;
  /** All images on hold from then on, so that the newest record is sufficient. */
  readonly held: readonly Digest[];
}

/** A record with the digest of its manifest. */
export type StoredRecord = PromotionRecord & {
  readonly manifest: Digest;
  /** The Sigstore bundle that its manifest has; undefined without one. Proves nothing until it is verified. */
  readonly bundle?: Descriptor;
  /** Set only once the bundle was verified. */
  readonly signature?: RecordSignature;
};

/** Who signed a record, as far as the certificate shows. */
interface RecordSignature {
  /** Address of the workflow file, with its ref. */
  readonly identity: string;
  /** By a timestamp authority or the transparency log. */
  readonly time: string;
}

/** Maximum size of a record in bytes. */
export const RECORD_LIMIT = 256 * 1024;
const LIST_LIMIT = 1000;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;

/** Whether two names mean the same environment: GitHub compares them case-insensitively. */
export function isSameEnvironment(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** The bytes of a record. Deterministic. */
export function recordBytes(record: PromotionRecord): Uint8Array {
  const { kind, environment, from, to, digest, actor, run, event, time, forced, held } = record;
  const { repository, previousDigest, previousRecord, commit, scan, scannedAt } = record;
  return new TextEncoder().encode(
    JSON.stringify({
      schemaVersion: SCHEMA_VERSION,
      kind,
      environment,
      ...(repository === undefined ? {} : { repository }),
      from,
      to,
      digest,
      ...(previousDigest === undefined ? {} : { previousDigest }),
      ...(previousRecord === undefined ? {} : { previousRecord }),
      actor,
      run,
      event,
      time,
      ...(commit === undefined ? {} : { commit }),
      forced,
      requirements: record.requirements.map(({ name, detail }) => ({ name, detail })),
      ...(scan === undefined ? {} : { scan: termsInOrder(scan) }),
      ...(scannedAt === undefined ? {} : { scannedAt }),
      held,
    }),
  );
}

/** Equal terms have equal bytes. */
function termsInOrder(terms: ScanTerms): ScanTerms {
  const { severity, scanners, ignoreUnfixed, failOnEol, allowUnknownOs, baseline, acceptUnscanned } = terms;
  return {
    severity,
    scanners,
    ignoreUnfixed,
    failOnEol,
    allowUnknownOs,
    ...(baseline === undefined ? {} : { baseline }),
    ...(acceptUnscanned === undefined ? {} : { acceptUnscanned }),
  };
}

/** Parses an untrusted record. Never throws. */
export function readRecord(bytes: Uint8Array): Parsed<PromotionRecord> {
  if (bytes.length > RECORD_LIMIT) {
    return problems(`a promotion record has at most ${RECORD_LIMIT} bytes, and this one has ${bytes.length}`);
  }
  const json = readStrictJson(bytes);
  return json.ok
    ? parseRecord(json.value)
    : problems(...json.problems.map((problem) => `the promotion record cannot be read: ${problem}`));
}

/** Reads a record from untrusted JSON; ignores unknown fields. Never throws. */
export function parseRecord(value: unknown): Parsed<PromotionRecord> {
  if (!isFields(value)) return problems('the promotion record is not a JSON object');
  if (value.schemaVersion !== SCHEMA_VERSION) {
    return problems(
      `the promotion record has the schemaVersion ${show(value.schemaVersion)}, and this version of the action supports ${SCHEMA_VERSION}`,
    );
  }
  const found: string[] = [];
  const refuse = (field: string, expected: string, got: unknown) =>
    found.push(`${field} of the promotion record is ${show(got)}, expected ${expected}`);
  const text = (field: string): string => {
    const got = value[field];
    if (isPlainText(got)) return got;
    refuse(field, `a text of 1 to ${TEXT_LIMIT} characters on one line`, got);
    return '';
  };
  const matching = (field: string, pattern: RegExp, expected: string): string => {
    const got = value[field];
    if (isPlainText(got) && pattern.test(got)) return got;
    refuse(field, expected, got);
    return '';
  };
  const list = (field: string): readonly unknown[] => {
    const got = value[field];
    if (Array.isArray(got) && got.length <= LIST_LIMIT) return got;
    refuse(field, `a list of at most ${LIST_LIMIT} entries`, got);
    return [];
  };
  const { kind, digest, previousDigest, previousRecord, forced, commit } = value;
  const scan = readScanTerms(value.scan);
  const to = list('to');
  const held = list('held');
  const requirements = list('requirements').map((each) => fieldsOf(each));

  const known = KINDS.find((each) => each === kind);
  if (known === undefined) refuse('kind', 'publish, promotion or rollback', kind);
  if (!isDigest(digest)) refuse('digest', 'a digest', digest);
  if (previousDigest !== undefined && !isDigest(previousDigest)) refuse('previousDigest', 'a digest', previousDigest);
  if (previousRecord !== undefined && !isDigest(previousRecord)) refuse('previousRecord', 'a digest', previousRecord);
  if (value.scan !== undefined && scan === undefined) refuse('scan', 'the terms of a scan', value.scan);
  if (typeof forced !== 'boolean') refuse('forced', 'true or false', forced);
  if (!to.every(isPlainText)) refuse('to', 'a list of names', to);
  if (!held.every(isDigest)) refuse('held', 'a list of digests', held);
  if (!requirements.every(({ name, detail }) => isPlainText(name) && isPlainText(detail))) {
    refuse('requirements', 'a list of objects with a name and a detail', value.requirements);
  }
  const timeOf = (field: 'time' | 'scannedAt'): string => {
    const time = matching(field, TIME, 'a time in UTC such as 2026-01-31T12:00:00.000Z');
    if (time !== '' && Number.isNaN(Date.parse(time))) refuse(field, 'a time that exists', time);
    return time;
  };
  const record = {
    kind: known ?? 'promotion',
    environment: text('environment'),
    ...(value.repository === undefined ? {} : { repository: text('repository') }),
    from: text('from'),
    to: to.filter(isPlainText),
    ...(isDigest(previousDigest) ? { previousDigest } : {}),
    ...(isDigest(previousRecord) ? { previousRecord } : {}),
    actor: text('actor'),
    // Shown as a link in the summary.
    run: matching('run', /^https?:\/\/[^\s"'<>\\]+$/, 'an http or https address'),
    event: matching('event', /^[a-z_]{1,64}$/, 'the name of an event'),
    time: timeOf('time'),
    ...(commit === undefined ? {} : { commit: matching('commit', COMMIT, 'a full commit id') }),
    forced: forced === true,
    requirements: requirements.flatMap(({ name, detail }) =>
      isPlainText(name) && isPlainText(detail) ? [{ name, detail }] : [],
    ),
    ...(scan === undefined ? {} : { scan }),
    ...(value.scannedAt === undefined ? {} : { scannedAt: timeOf('scannedAt') }),
    held: held.filter(isDigest),
  };
  return found.length > 0 || !isDigest(digest) ? problems(...found) : parsed({ ...record, digest });
}

function show(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return value === undefined ? 'missing' : isFields(value) ? 'an object' : quoted(String(value));
}
