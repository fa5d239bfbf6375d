import { fieldsOf, isFields } from '../fields.ts';

/** The strictness of a scan that an image passed. */
export interface ScanTerms {
  /** Severities that fail the gate. */
  readonly severity: readonly string[];
  readonly scanners: readonly string[];
  readonly ignoreUnfixed: boolean;
  readonly failOnEol: boolean;
  readonly allowUnknownOs: boolean;
  /** Findings passed because the baseline had them. */
  readonly baseline?: boolean;
  /** Accepted blind spots: `lock-file=app/yarn.lock`. */
  readonly acceptUnscanned?: readonly string[];
}

/** A kind of blind spot and a path, as in the input. */
const SPOT = /^[a-z-]{1,40}=\P{Cc}+$/u;
/** Blind spots named in a phrase. */
const MAX_NAMED = 3;

/** Where terms are less strict than required: phrases, empty when they are strict enough. */
export function looserThan(wanted: ScanTerms, terms: ScanTerms): readonly string[] {
  const lacking = (of: 'severity' | 'scanners') => wanted[of].filter((each) => !terms[of].includes(each));
  const [severity, scanners] = [lacking('severity'), lacking('scanners')];
  const spots = (terms.acceptUnscanned ?? []).filter((spot) => wanted.acceptUnscanned?.includes(spot) !== true);
  return [
    ...(severity.length > 0 ? [`let ${severity.join(', ')} pass`] : []),
    ...(scanners.length > 0 ? [`did not look with ${scanners.join(', ')}`] : []),
    ...(terms.ignoreUnfixed && !wanted.ignoreUnfixed ? ['let pass what has no fix'] : []),
    ...(wanted.failOnEol && !terms.failOnEol ? ['let systems pass that are past their end of life'] : []),
    ...(terms.allowUnknownOs && !wanted.allowUnknownOs ? ['let unknown systems pass'] : []),
    ...(spots.length > 0
      ? [`did not scan ${spots.slice(0, MAX_NAMED).join(', ')}${spots.length > MAX_NAMED ? ', …' : ''}`]
      : []),
    ...(terms.baseline === true && wanted.baseline !== true ? ['let findings pass that its baseline had'] : []),
  ];
}

/** Reads terms from untrusted JSON; undefined when invalid. */
export function readScanTerms(value: unknown): ScanTerms | undefined {
  const { severity, scanners, ignoreUnfixed, failOnEol, allowUnknownOs, baseline, acceptUnscanned } = fieldsOf(value);
  const flags = [ignoreUnfixed, failOnEol, allowUnknownOs];
  if (!isFields(value) || !isWords(severity) || !isWords(scanners) || flags.some((each) => typeof each !== 'boolean')) {
    return undefined;
  }
  if (acceptUnscanned !== undefined && !isSpots(acceptUnscanned)) return undefined;
  return {
    severity,
    scanners,
    ignoreUnfixed: ignoreUnfixed === true,
    failOnEol: failOnEol === true,
    allowUnknownOs: allowUnknownOs === true,
    // Anything but false counts as true, which makes terms less strict.
    ...(baseline === undefined || baseline === false ? {} : { baseline: true }),
    ...(acceptUnscanned === undefined ? {} : { acceptUnscanned }),
  };
}

function isSpots(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string' && SPOT.test(each));
}

function isWords(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= 20 &&
    value.every((each) => typeof each === 'string' && /^\w{1,40}$/.test(each))
  );
}
