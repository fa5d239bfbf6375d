import { type Digest, isDigest } from '../digest.ts';
import { type Fields, fieldsOf, isPlainText } from '../fields.ts';
import { SEVERITIES, type SeverityCounts } from '../gate/severity.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { readScanTerms, type ScanTerms } from '../promotion/scan-terms.ts';
import { miscasedKey } from '../strict-json.ts';
import { quoted } from '../suggestion.ts';

/** What the gate decided about an image, as it is signed: `docs/predicates/gate-result.md`. */
export interface GateResult {
  readonly result: 'passed' | 'failed';
  readonly scanner: { readonly name: string; readonly version: string };
  /** When the vulnerability database was made; absent where no vulnerabilities were looked for. */
  readonly database?: { readonly updatedAt: string };
  readonly policy: ScanTerms;
  /** Of all findings, before the policy. */
  readonly counts: SeverityCounts;
  readonly platforms: readonly PlatformResult[];
  /** Findings that passed because of a decision, by the kind of decision. */
  readonly suppressed: Readonly<Record<string, number>>;
}

interface PlatformResult {
  readonly platform: string;
  /** Of the platform's manifest. */
  readonly digest: Digest;
  readonly counts: SeverityCounts;
  /** Findings that the policy does not allow. */
  readonly blocking: number;
  /** Packages that were scanned. */
  readonly packages: number;
  /** SHA-256 of the vulnerability report of this platform, where one was signed as well. */
  readonly report?: Digest;
}

/** More platforms than any image has. */
const MAX_PLATFORMS = 100;

/** What parsers read that take no account of case. */
const KEYS = ['result', 'scanner', 'database', 'policy', 'counts', 'platforms', 'suppressed'];

export function gateResultPredicate(result: GateResult): Fields {
  return { ...result };
}

/** Reads the predicate of a statement that was verified. What is not understood is not a pass. */
export function readGateResult(predicate: Fields): Parsed<GateResult> {
  const { result, scanner, database, policy, counts, platforms, suppressed } = predicate;
  const { name, version } = fieldsOf(scanner);
  const { updatedAt } = fieldsOf(database);
  const terms = readScanTerms(policy);
  const total = readCounts(counts);
  const miscased = miscasedKey(predicate, KEYS);
  if (miscased !== undefined) return problems(`the gate result has the key ${quoted(miscased)}, in another case`);
  if (result !== 'passed' && result !== 'failed') return problems('the gate result is neither passed nor failed');
  if (!isPlainText(name) || !isPlainText(version)) return problems('the gate result names no scanner');
  if (database !== undefined && !isTime(updatedAt)) return problems('the gate result has a database without a date');
  if (terms === undefined) return problems('the gate result names no policy');
  if (total === undefined) return problems('the gate result has no counts');
  if (!Array.isArray(platforms) || platforms.length === 0 || platforms.length > MAX_PLATFORMS) {
    return problems('the gate result names no platform');
  }
  const read = platforms.map(readPlatform);
  if (!read.every((platform) => platform !== undefined)) return problems('a platform of the gate result is incomplete');
  return parsed({
    result,
    scanner: { name, version },
    ...(isTime(updatedAt) ? { database: { updatedAt } } : {}),
    policy: terms,
    counts: total,
    platforms: read,
    suppressed: readNumbers(suppressed),
  });
}

function readPlatform(value: unknown): PlatformResult | undefined {
  const { platform, digest, counts, blocking, packages, report } = fieldsOf(value);
  const own = readCounts(counts);
  if (!isPlainText(platform) || !isDigest(digest) || own === undefined || !isCount(blocking) || !isCount(packages)) {
    return undefined;
  }
  return { platform, digest, counts: own, blocking, packages, ...(isDigest(report) ? { report } : {}) };
}

function readCounts(value: unknown): SeverityCounts | undefined {
  const fields = fieldsOf(value);
  const [CRITICAL, HIGH, MEDIUM, LOW, UNKNOWN] = SEVERITIES.map((severity) => fields[severity]);
  return isCount(CRITICAL) && isCount(HIGH) && isCount(MEDIUM) && isCount(LOW) && isCount(UNKNOWN)
    ? { CRITICAL, HIGH, MEDIUM, LOW, UNKNOWN }
    : undefined;
}

function readNumbers(value: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value)).filter((entry): entry is [string, number] => isCount(entry[1])),
  );
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && value.length < 40 && !Number.isNaN(Date.parse(value));
}
