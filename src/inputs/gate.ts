import { isDeepStrictEqual } from 'node:util';
import { type Fields, isFields } from '../domain/fields.ts';
import { SCANNERS, SEVERITIES } from '../domain/gate/severity.ts';
import { type Parsed, parsed, problems } from '../domain/parsed.ts';
import type { PartName } from '../domain/promotion/policy-part.ts';
import type { ScanTerms } from '../domain/promotion/scan-terms.ts';
import { didYouMean } from '../domain/suggestion.ts';
import { list } from './lists.ts';
import { readRaw, readTable } from './read-table.ts';
import { duration, flag, type InputsOf, path, pattern, set } from './schema.ts';
import { acceptedSpots } from './unscanned.ts';

/** Inputs for the evaluation of a scan. */
export const GATE_INPUTS = {
  severity: set(SEVERITIES, {
    group: 'Gate',
    about: 'The severities that fail the gate.',
    default: 'HIGH,CRITICAL',
  }),
  'ignore-unfixed': flag({
    group: 'Gate',
    about: 'Pass vulnerabilities that have no fixed version yet.',
    default: 'false',
  }),
  scanners: set(SCANNERS, {
    group: 'Gate',
    about: 'What to look for.',
    default: 'vuln,secret',
  }),
  ignorefile: path({
    group: 'Gate',
    about:
      'A YAML file of accepted findings, each with a reason and an expiry date. No file is read unless it is named here.',
    example: '.security/accepted.yaml',
  }),
  vex: list({ group: 'Gate', about: 'OpenVEX documents, a list of paths.', example: '.security/app.openvex.json' }),
  'fail-on-eol': flag({
    group: 'Gate',
    about: 'Fail the gate when the operating system of the image is past its end of life.',
    default: 'true',
  }),
  'allow-unknown-os': flag({
    group: 'Gate',
    about:
      'Pass images whose operating system packages Trivy cannot read. An image without any (`FROM scratch`) always passes.',
    default: 'false',
  }),
  'accept-unscanned': acceptedSpots({
    group: 'Gate',
    about:
      'What the scan may miss, one `kind=path` per line; the path may be a glob. Anything else that can hide a package fails the gate. Kinds: [docs/gate.md](docs/gate.md).',
    example: 'lock-file=app/package-lock.json',
  }),
  'max-db-age': duration({
    group: 'Gate',
    about: 'How old the vulnerability database may be: `3d`, `12h`, `90m`.',
    default: '3d',
  }),
} as const;
/** How a scan is evaluated. */
export type GateTerms = InputsOf<typeof GATE_INPUTS>;

/** Inputs for the source of the scanner and its databases. */
export const SCANNER_INPUTS = {
  'trivy-version': pattern(/^v?\d+\.\d+\.\d+$/, 'a version such as 0.76.0 (`latest` is not a version)', {
    group: 'Gate',
    about:
      'The version of Trivy. Empty: an allowed one on PATH, otherwise the default version is installed and its checksum verified.',
    example: '0.76.0',
  }),
  'trivy-sha256': pattern(/^[0-9a-f]{64}$/, 'a SHA-256 of 64 hexadecimal digits', {
    group: 'Gate',
    about:
      'SHA-256 of a Trivy on PATH that you trust, such as the build of a distribution. Without it, only official release builds are run from PATH.',
  }),
  'db-repository': list({
    group: 'Gate',
    about:
      'Where the vulnerability database comes from, a list that is tried in order. A private mirror is read with the login for its host.',
    default: 'mirror.gcr.io/aquasec/trivy-db:2,ghcr.io/aquasecurity/trivy-db:2',
  }),
  'java-db-repository': list({
    group: 'Gate',
    about: 'Where the database of Java archives comes from, a list that is tried in order.',
    default: 'mirror.gcr.io/aquasec/trivy-java-db:1,ghcr.io/aquasecurity/trivy-java-db:1',
  }),
} as const;

type ScannerInputs = InputsOf<typeof SCANNER_INPUTS>;

/** The scanner and its databases. */
export interface ScannerSettings {
  readonly version: string | undefined;
  /** SHA-256 of a program on PATH to accept besides those of the releases. */
  readonly sha256: string | undefined;
  /** Tried in order. */
  readonly databases: readonly string[];
  readonly javaDatabases: readonly string[];
}

export function scannerSettings(inputs: ScannerInputs): ScannerSettings {
  return {
    version: inputs['trivy-version'],
    sha256: inputs['trivy-sha256'],
    databases: inputs['db-repository'],
    javaDatabases: inputs['java-db-repository'],
  };
}

/** The gate terms in the inputs of a step. */
export function gateTerms(inputs: GateTerms): GateTerms {
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
 * Combines the stricter terms of two gates. Anything that lets findings pass (an ignore file, a VEX document, an
 * accepted blind spot) only counts if both name it. Pure.
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

/** The terms stored in a record. */
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
 * Reads terms from a file: a map of inputs by name, with defaults for missing ones.
 * @param nameOf the file and a part of it, for messages
 */
export function readGate(value: unknown, nameOf: PartName): Parsed<GateTerms> {
  if (!isFields(value))
    return problems(`${nameOf(['gate'])}: expected a map of inputs, such as \`severity: CRITICAL\`.`);
  const keys = Object.keys(value);
  const names = keys.map((name) => name.toLowerCase());
  const twice = keys.filter((_, at) => names.indexOf(names[at] ?? '') !== at);
  if (twice.length > 0) return problems(...twice.map((name) => `${nameOf(['gate', name])}: it occurs twice.`));
  const raw = readRaw(variablesOf(value), () => undefined);
  const known = Object.keys(GATE_INPUTS);
  const unknown = keys.filter((key) => !known.includes(key.toLowerCase()));
  const read = readTable<GateTerms>(GATE_INPUTS, raw, () => undefined);
  const keyOf = (input: string | undefined) => keys.find((key) => key.toLowerCase() === input) ?? '';
  const found = [
    ...read.problems.map(({ input, text }) => `${nameOf(['gate', keyOf(input)])}: ${text}`),
    ...unknown.map(
      (key) => `${nameOf(['gate', key])}: unknown key, expected ${known.join(', ')}.${didYouMean(key, known)}`,
    ),
  ];
  return found.length > 0 ? problems(...found) : parsed(read.values);
}

/** The inputs in the form that a runner passes them. */
function variablesOf(fields: Fields): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      `INPUT_${name.toUpperCase()}`,
      Array.isArray(value) ? value.map(String).join('\n') : String(value),
    ]),
  );
}
