import { isDeepStrictEqual } from 'node:util';
import { type Fields, isFields } from '../domain/fields.ts';
import { type Parsed, parsed, problems } from '../domain/parsed.ts';
import type { ScanTerms } from '../domain/promotion/scan-terms.ts';
import { INPUTS } from './catalogue.ts';
import { readTable } from './parse.ts';
import type { InputsOf } from './schema.ts';

/** The inputs that decide how a scan is judged. */
const GATE = {
  severity: INPUTS.severity,
  'ignore-unfixed': INPUTS['ignore-unfixed'],
  scanners: INPUTS.scanners,
  ignorefile: INPUTS.ignorefile,
  vex: INPUTS.vex,
  'fail-on-eol': INPUTS['fail-on-eol'],
  'allow-unknown-os': INPUTS['allow-unknown-os'],
  'accept-unscanned': INPUTS['accept-unscanned'],
  'max-db-age': INPUTS['max-db-age'],
} as const;

/** How a scan is judged. */
export type GateTerms = InputsOf<typeof GATE>;

/** Those of the inputs of a step. */
export function gateOf(inputs: GateTerms): GateTerms {
  const { severity, scanners, ignorefile, vex } = inputs;
  return {
    severity,
    'ignore-unfixed': inputs['ignore-unfixed'],
    scanners,
    ignorefile,
    vex,
    'fail-on-eol': inputs['fail-on-eol'],
    'allow-unknown-os': inputs['allow-unknown-os'],
    'accept-unscanned': inputs['accept-unscanned'],
    'max-db-age': inputs['max-db-age'],
  };
}

/**
 * The stricter of two ways to judge a scan, term by term. What lets something pass (an ignore file, a VEX document, an accepted blind spot) only counts
 * when both name it. Pure.
 */
export function stricterGate(a: GateTerms, b: GateTerms): GateTerms {
  return {
    severity: [...new Set([...a.severity, ...b.severity])],
    'ignore-unfixed': a['ignore-unfixed'] && b['ignore-unfixed'],
    scanners: [...new Set([...a.scanners, ...b.scanners])],
    ignorefile: a.ignorefile === b.ignorefile ? a.ignorefile : undefined,
    vex: a.vex.filter((path) => b.vex.includes(path)),
    'fail-on-eol': a['fail-on-eol'] || b['fail-on-eol'],
    'allow-unknown-os': a['allow-unknown-os'] && b['allow-unknown-os'],
    'accept-unscanned': a['accept-unscanned'].filter((spot) =>
      b['accept-unscanned'].some((other) => isDeepStrictEqual(other, spot)),
    ),
    'max-db-age': Math.min(a['max-db-age'], b['max-db-age']),
  };
}

/** The terms that a record keeps. */
export function scanTermsOf(gate: GateTerms): ScanTerms {
  const spots = gate['accept-unscanned'].map(({ kind, glob }) => `${kind}=${glob}`);
  return {
    severity: gate.severity,
    scanners: gate.scanners,
    ignoreUnfixed: gate['ignore-unfixed'],
    failOnEol: gate['fail-on-eol'],
    allowUnknownOs: gate['allow-unknown-os'],
    ...(spots.length === 0 ? {} : { acceptUnscanned: spots }),
  };
}

/**
 * Reads terms out of a file: a map of inputs by name, what is missing has its default.
 * @param where the file and the key in it, for messages
 */
export function readGate(value: unknown, where: string): Parsed<GateTerms> {
  if (!isFields(value)) return problems(`${where}: expected a map of inputs, such as \`severity: CRITICAL\`.`);
  const names = Object.keys(value).map((name) => name.toLowerCase());
  const twice = names.filter((name, at) => names.indexOf(name) !== at);
  if (twice.length > 0) return problems(...twice.map((name) => `${where}, \`${name}\`: it is there twice.`));
  const { values, problems: found } = readTable<GateTerms>(GATE, 'promote', variablesOf(value), () => undefined);
  return found.length > 0
    ? problems(...found.map(({ input, says }) => `${where}, \`${input}\`: ${says}`))
    : parsed(values);
}

/** The inputs as a runner would hand them over. */
function variablesOf(fields: Fields): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      `INPUT_${name.toUpperCase()}`,
      Array.isArray(value) ? value.map(String).join('\n') : String(value),
    ]),
  );
}
