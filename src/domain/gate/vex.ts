import { isFields } from '../fields.ts';
import { DecodeError, fields, list, optionalText, text, texts, wrong } from './decode.ts';
import type { Finding } from './finding.ts';
import { parsePurl, purlMatches } from './purl.ts';

/** https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md#status-labels */
const STATUSES = ['not_affected', 'affected', 'fixed', 'under_investigation'] as const;
type VexStatus = (typeof STATUSES)[number];

/** One statement of an OpenVEX document. */
export interface VexStatement {
  /** The id and its aliases. */
  readonly vulnerabilities: readonly string[];
  readonly products: readonly VexProduct[];
  readonly status: VexStatus;
  /** The reason given in the document. */
  readonly reason: string;
  /** Milliseconds: the later of two statements about the same thing applies. */
  readonly time: number;
  /** Its position: `app.openvex.json statements[2]`. */
  readonly place: string;
}

interface VexProduct {
  readonly purls: readonly string[];
  /** Undefined: the whole product. */
  readonly subcomponents: readonly (readonly string[])[] | undefined;
}

const MAX_STATEMENTS = 20_000;

/**
 * Reads an OpenVEX document.
 * @param file the name for messages
 * @throws DecodeError with the path of the invalid value
 */
export function parseVex(json: string, file: string): readonly VexStatement[] {
  const document = fields(parseJson(json), 'document');
  const context = optionalText(document['@context'], '@context') ?? '';
  if (!/^https:\/\/openvex\.dev\/ns(?:\/v\d+\.\d+\.\d+)?$/.test(context)) {
    const other = document.bomFormat === 'CycloneDX' ? 'CycloneDX' : isFields(document.document) ? 'CSAF' : undefined;
    if (other !== undefined) throw new DecodeError(`it is a ${other} document, expected OpenVEX`);
    wrong('@context', 'https://openvex.dev/ns/v0.2.0', document['@context']);
  }
  const created = document.timestamp;
  return list(document.statements, 'statements', MAX_STATEMENTS).map((each, at) => {
    const path = `statements[${at}]`;
    const statement = fields(each, path);
    const status =
      STATUSES.find((word) => word === statement.status) ??
      wrong(`${path}.status`, STATUSES.join(', '), statement.status);
    const words = [
      optionalText(statement.justification, `${path}.justification`),
      optionalText(statement.impact_statement, `${path}.impact_statement`),
      optionalText(statement.status_notes, `${path}.status_notes`),
    ].filter((word) => word !== undefined);
    if (
      status === 'not_affected' &&
      statement.justification === undefined &&
      statement.impact_statement === undefined
    ) {
      throw new DecodeError(`${path}: not_affected needs a justification or an impact_statement`);
    }
    return {
      vulnerabilities: readVulnerability(statement.vulnerability, `${path}.vulnerability`),
      products: list(statement.products, `${path}.products`, MAX_STATEMENTS).map((product, index) =>
        readProduct(product, statement.subcomponents, `${path}.products[${index}]`),
      ),
      status,
      reason: [status, ...words].join(': '),
      time: readTime(statement.timestamp ?? created, `${path}.timestamp`),
      place: `${file} ${path}`,
    };
  });
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new DecodeError(`not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readTime(value: unknown, path: string): number {
  const time = Date.parse(text(value, path));
  return Number.isNaN(time) ? wrong(path, 'a time such as 2026-01-02T03:04:05Z', value) : time;
}

function readVulnerability(value: unknown, path: string): readonly string[] {
  // Version 0.0.1 of the specification had the bare id here.
  if (typeof value === 'string') return [text(value, path)];
  const { name, aliases, '@id': id } = fields(value, path);
  return [text(name ?? id, `${path}.name`), ...texts(aliases, `${path}.aliases`, 1000)];
}

/** @param ofStatement the parts of all products: version 0.0.1 of the specification listed them beside the products */
function readProduct(value: unknown, ofStatement: unknown, path: string): VexProduct {
  const own = isFields(value) ? value.subcomponents : undefined;
  const parts = list(own ?? ofStatement, `${path}.subcomponents`, MAX_STATEMENTS);
  return {
    purls: readNames(value, path),
    subcomponents:
      parts.length === 0 ? undefined : parts.map((part, at) => readNames(part, `${path}.subcomponents[${at}]`)),
  };
}

function readNames(value: unknown, path: string): readonly string[] {
  if (typeof value === 'string') return [text(value, path)];
  const { '@id': id, identifiers } = fields(value, path);
  const purl = isFields(identifiers) ? optionalText(identifiers.purl, `${path}.identifiers.purl`) : undefined;
  const names = [optionalText(id, `${path}.@id`), purl].filter((name) => name !== undefined);
  return names.length > 0 ? names : wrong(path, 'an @id or identifiers.purl', value);
}

/** The names that a VEX document may use for the scanned image. */
export interface VexSubject {
  /** Digests of the index and of the platform's manifest. */
  readonly digests: readonly string[];
  /** `ghcr.io/org/app`, for all target repositories. */
  readonly names: readonly string[];
  readonly architecture: string;
}

/**
 * The statement that clears a finding: the latest matching one, if it says `not_affected` or `fixed`. Ignores
 * statements about other products, or about parts that do not contain the finding.
 */
export function clearingStatement(
  statements: readonly VexStatement[],
  finding: Finding,
  subject: VexSubject,
): VexStatement | undefined {
  if (finding.class !== 'vulnerability') return undefined;
  const ids = [finding.id, ...(finding.aliases ?? [])];
  const latest = statements
    .filter(
      (each) =>
        each.vulnerabilities.some((id) => ids.includes(id)) &&
        each.products.some((product) => speaksOf(product, finding, subject)),
    )
    .reduce<VexStatement | undefined>(
      (best, each) => (best !== undefined && best.time > each.time ? best : each),
      undefined,
    );
  return latest?.status === 'not_affected' || latest?.status === 'fixed' ? latest : undefined;
}

/** The findings of one platform, and the names that a document may use for it. */
export interface VexScope {
  readonly findings: readonly Finding[];
  readonly subject: VexSubject;
}

const SHOWN_PURLS = 3;

/** Unmatched statements, with the part that did not match: the vulnerability, or the product. */
export function unmatchedStatements(
  statements: readonly VexStatement[],
  scopes: readonly VexScope[],
): readonly string[] {
  return statements.flatMap((statement) => {
    const about = scopes.map(({ findings, subject }) => ({
      subject,
      findings: findings.filter(
        (finding) =>
          finding.class === 'vulnerability' &&
          statement.vulnerabilities.some((id) => id === finding.id || finding.aliases?.includes(id)),
      ),
    }));
    const matches = about.some(({ findings, subject }) =>
      findings.some((finding) => statement.products.some((product) => speaksOf(product, finding, subject))),
    );
    if (matches) return [];
    const [id = 'no vulnerability'] = statement.vulnerabilities;
    const found = about.flatMap(({ findings }) => findings);
    if (found.length === 0) return [`${statement.place} has no effect: the scan did not find ${id} in this image.`];
    const products = [...new Set(statement.products.flatMap(({ purls }) => purls))].slice(0, SHOWN_PURLS).join(', ');
    const purls = [...new Set(found.flatMap((finding) => finding.package?.purl ?? []))]
      .slice(0, SHOWN_PURLS)
      .join(', ');
    const names = [...new Set(scopes.flatMap(({ subject }) => subject.names))].slice(0, SHOWN_PURLS).join(', ');
    return [
      `${statement.place} has no effect: ${id} was found in ${purls || 'a package without a purl'}, but the product ${products || '(none)'} is neither that package nor this image${names === '' ? '' : ` (${names})`}.`,
    ];
  });
}

function speaksOf({ purls, subcomponents }: VexProduct, finding: Finding, subject: VexSubject): boolean {
  const isOf = (names: readonly string[]) => names.some((name) => isFindingPackage(name, finding));
  if (purls.some((purl) => isImage(purl, subject))) return subcomponents === undefined || subcomponents.some(isOf);
  // A subcomponent of a package: the report does not show nesting, so such a statement clears nothing.
  return subcomponents === undefined && isOf(purls);
}

function isFindingPackage(name: string, finding: Finding): boolean {
  const purl = parsePurl(name);
  return purl !== undefined && purlMatches(purl, parsePurl(finding.package?.purl));
}

/** https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md */
function isImage(name: string, { digests, names, architecture }: VexSubject): boolean {
  const purl = parsePurl(name);
  if (purl?.type !== 'oci') return false;
  const arch = purl.qualifiers?.arch;
  if (arch !== undefined && arch !== architecture) return false;
  if (purl.version) return digests.includes(purl.version);
  // Without a digest it covers every version in that repository; a name alone would be ambiguous.
  const repository = purl.qualifiers?.repository_url?.toLowerCase();
  return names.some((each) => each.toLowerCase() === repository);
}
