import { type Fields, isFields } from '../fields.ts';
import { DecodeError, fields, list, optionalFields, optionalText, text, texts, wrong } from './decode.ts';
import type { Finding } from './finding.ts';
import { SEVERITIES, type Severity } from './severity.ts';

/** A finding whose platform is not set yet. */
export type ReportFinding = Omit<Finding, 'platform'>;

/** The relevant part of Trivy's JSON report, schema version 2. */
export interface ScanReport {
  readonly scannerVersion: string | undefined;
  /** Digest of the image config. */
  readonly imageId: string;
  readonly diffIds: readonly string[];
  readonly os: string;
  readonly architecture: string;
  /** The operating system, if recognised by the scanner. */
  readonly system: { readonly family: string; readonly version: string; readonly endOfLife: boolean } | undefined;
  /** Number of operating system packages; undefined when the scanner did not look for them. */
  readonly systemPackages: number | undefined;
  /** Operating system packages: the package manager of their database, and `name@version`. */
  readonly installed: readonly { readonly manager: string; readonly id: string }[];
  /** Number of language packages. */
  readonly languagePackages: number;
  readonly findings: readonly ReportFinding[];
}

const MAX_RESULTS = 50_000;
const MAX_FINDINGS = 200_000;

/**
 * Reads a parsed JSON report. Drops the text of secrets, masked or not.
 * https://github.com/aquasecurity/trivy/blob/main/pkg/types/report.go
 * @throws DecodeError with the path of the invalid value
 */
export function decodeReport(json: unknown): ScanReport {
  const report = fields(json, 'report');
  if (report.SchemaVersion !== 2) wrong('SchemaVersion', '2', report.SchemaVersion);
  const metadata = fields(report.Metadata, 'Metadata');
  const config = fields(metadata.ImageConfig, 'Metadata.ImageConfig');
  const system = decodeSystem(metadata.OS);
  const results = list(report.Results, 'Results', MAX_RESULTS).map((each, at) =>
    decodeResult(each, `Results[${at}]`, { system, artifact: report.ArtifactName }),
  );
  const findings = results.flatMap((result) => result.findings);
  if (findings.length > MAX_FINDINGS)
    throw new DecodeError(`Results: ${findings.length} findings, more than ${MAX_FINDINGS}`);
  const ofSystem = results.filter((result) => result.class === 'os-pkgs');
  return {
    scannerVersion: optionalText(optionalFields(report.Trivy, 'Trivy').Version, 'Trivy.Version'),
    imageId: text(metadata.ImageID, 'Metadata.ImageID'),
    diffIds: texts(metadata.DiffIDs, 'Metadata.DiffIDs', MAX_RESULTS),
    os: text(config.os, 'Metadata.ImageConfig.os'),
    architecture: text(config.architecture, 'Metadata.ImageConfig.architecture'),
    system,
    systemPackages: ofSystem.length === 0 ? undefined : sum(ofSystem),
    installed: ofSystem.flatMap(({ installed }) => installed),
    languagePackages: sum(results.filter((result) => result.class === 'lang-pkgs')),
    findings,
  };
}

function sum(results: readonly { readonly packages: number }[]): number {
  return results.reduce((total, { packages }) => total + packages, 0);
}

function decodeSystem(value: unknown): ScanReport['system'] {
  if (value === undefined || value === null) return undefined;
  const { Family, Name, EOSL } = fields(value, 'Metadata.OS');
  const family = optionalText(Family, 'Metadata.OS.Family');
  if (family === undefined || family === 'none') return undefined;
  if (EOSL !== undefined && typeof EOSL !== 'boolean') wrong('Metadata.OS.EOSL', 'true or false', EOSL);
  return { family, version: optionalText(Name, 'Metadata.OS.Name') ?? '', endOfLife: EOSL === true };
}

interface About {
  readonly system: ScanReport['system'];
  /** Trivy's scan target: a path of this run, used where there is no better name. */
  readonly artifact: unknown;
}

function decodeResult(value: unknown, path: string, { system, artifact }: About) {
  const result = fields(value, path);
  const resultClass = optionalText(result.Class, `${path}.Class`) ?? '';
  const isSystem = resultClass === 'os-pkgs';
  const given = optionalText(result.Target, `${path}.Target`) ?? '';
  const isConfig = given === artifact && (resultClass === 'config' || resultClass === 'secret');
  const ofSystem = system === undefined ? 'operating system' : `${system.family} ${system.version}`.trim();
  const target = isSystem ? ofSystem : isConfig ? 'image config' : given;
  const type = optionalText(result.Type, `${path}.Type`) ?? resultClass;
  const modified = list(result.ExperimentalModifiedFindings, `${path}.ExperimentalModifiedFindings`, MAX_FINDINGS);
  // Exclusions are decided here, never by a configuration that the scanner may have found.
  if (modified.length > 0)
    throw new DecodeError(`${path}: the scanner itself has left out ${modified.length} findings`);
  const context = { target, type, file: isSystem || isConfig ? undefined : given };
  const read = (name: string, decode: (value: Fields, path: string, context: Context) => ReportFinding | undefined) =>
    list(result[name], `${path}.${name}`, MAX_FINDINGS).flatMap((each, at) => {
      const where = `${path}.${name}[${at}]`;
      return decode(fields(each, where), where, context) ?? [];
    });
  const packages = list(result.Packages, `${path}.Packages`, MAX_FINDINGS);
  return {
    class: resultClass,
    packages: packages.length,
    installed: isSystem ? packages.map((each, at) => decodeInstalled(each, `${path}.Packages[${at}]`)) : [],
    findings: [
      ...read('Vulnerabilities', decodeVulnerability),
      ...read('Secrets', decodeSecret),
      ...read('Misconfigurations', decodeMisconfiguration),
      ...read('Licenses', decodeLicense),
    ],
  };
}

function decodeInstalled(value: unknown, path: string): ScanReport['installed'][number] {
  const { ID, AnalyzedBy } = fields(value, path);
  return { manager: optionalText(AnalyzedBy, `${path}.AnalyzedBy`) ?? '', id: optionalText(ID, `${path}.ID`) ?? '' };
}

interface Context {
  readonly target: string;
  readonly type: string;
  /** The target if it is a file of the image. */
  readonly file: string | undefined;
}

function decodeSeverity(value: unknown, path: string): Severity {
  const word = optionalText(value, path) ?? 'UNKNOWN';
  return SEVERITIES.find((each) => each === word) ?? wrong(path, SEVERITIES.join(', '), value);
}

function layerOf(value: Fields, path: string): string | undefined {
  const layer = optionalFields(value.Layer, `${path}.Layer`);
  return optionalText(layer.Digest, `${path}.Layer.Digest`) ?? optionalText(layer.DiffID, `${path}.Layer.DiffID`);
}

function relative(path: string | undefined): string | undefined {
  return path?.replace(/^\/+/, '') || undefined;
}

function decodeVulnerability(value: Fields, path: string, { target, type, file }: Context): ReportFinding {
  const at = (name: string) => optionalText(value[name], `${path}.${name}`);
  const identifier = optionalFields(value.PkgIdentifier, `${path}.PkgIdentifier`);
  return {
    class: 'vulnerability',
    id: text(value.VulnerabilityID, `${path}.VulnerabilityID`),
    severity: decodeSeverity(value.Severity, `${path}.Severity`),
    target,
    title: at('Title'),
    url: at('PrimaryURL'),
    path: relative(at('PkgPath') ?? file),
    layer: layerOf(value, path),
    aliases: value.VendorIDs === undefined ? undefined : texts(value.VendorIDs, `${path}.VendorIDs`, 1000),
    package: {
      name: text(value.PkgName, `${path}.PkgName`),
      type,
      installed: at('InstalledVersion') ?? '',
      fixed: at('FixedVersion'),
      status: at('Status'),
      purl: optionalText(identifier.PURL, `${path}.PkgIdentifier.PURL`),
    },
  };
}

function decodeSecret(value: Fields, path: string, { target, file }: Context): ReportFinding {
  const line = value.StartLine;
  return {
    class: 'secret',
    id: text(value.RuleID, `${path}.RuleID`),
    severity: decodeSeverity(value.Severity, `${path}.Severity`),
    target: relative(target) ?? '',
    title: optionalText(value.Title, `${path}.Title`),
    path: relative(file),
    line: file !== undefined && typeof line === 'number' && line > 0 ? line : undefined,
    layer: layerOf(value, path),
    context: contextOf(value.Match),
  };
}

/** A hash of the text around a secret, which the scanner masks: 32-bit FNV-1a distinguishes several in one file. */
function contextOf(match: unknown): string | undefined {
  if (typeof match !== 'string') return undefined;
  let hash = 0x811c9dc5;
  for (const character of match) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(16);
}

function decodeMisconfiguration(value: Fields, path: string, { target, file }: Context): ReportFinding | undefined {
  const status = optionalText(value.Status, `${path}.Status`) ?? 'FAIL';
  if (status === 'PASS' || status === 'EXCEPTION') return undefined;
  const line = isFields(value.CauseMetadata) ? value.CauseMetadata.StartLine : undefined;
  const older = optionalText(value.AVDID, `${path}.AVDID`);
  return {
    class: 'misconfiguration',
    id: text(value.ID, `${path}.ID`),
    severity: decodeSeverity(value.Severity, `${path}.Severity`),
    target: relative(target) ?? '',
    title: optionalText(value.Title, `${path}.Title`),
    url: optionalText(value.PrimaryURL, `${path}.PrimaryURL`),
    path: relative(file),
    line: file !== undefined && typeof line === 'number' && line > 0 ? line : undefined,
    layer: layerOf(value, path),
    aliases: older === undefined ? undefined : [older],
  };
}

function decodeLicense(value: Fields, path: string, { target, type }: Context): ReportFinding {
  const name = optionalText(value.PkgName, `${path}.PkgName`);
  const category = optionalText(value.Category, `${path}.Category`);
  return {
    class: 'license',
    id: text(value.Name, `${path}.Name`),
    severity: decodeSeverity(value.Severity, `${path}.Severity`),
    target: relative(target) ?? '',
    title: category === undefined ? undefined : `licence of category ${category}`,
    url: optionalText(value.Link, `${path}.Link`),
    path: relative(optionalText(value.FilePath, `${path}.FilePath`)),
    package: name === undefined ? undefined : { name, type, installed: '' },
  };
}
