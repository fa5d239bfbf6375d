import { counted } from '../domain/amount.ts';
import { describeSubject, type Finding, type FindingOrigin } from '../domain/gate/finding.ts';
import { type FindingRow, findingRows } from '../domain/gate/finding-rows.ts';
import { ignoreSkeleton } from '../domain/gate/ignore-skeleton.ts';
import type { GateResult, Suppressed } from '../domain/gate/policy.ts';
import { SEVERITIES, type Severity } from '../domain/gate/severity.ts';
import { code, details, plain, prose, table } from './markdown.ts';

const SIGNS: Readonly<Record<Severity, string>> = {
  CRITICAL: '🟥',
  HIGH: '🟧',
  MEDIUM: '🟨',
  LOW: '🟦',
  UNKNOWN: '⬜',
};
/** A summary may have 1 MiB, with up to five such tables; further rows are in `json-file` and the SARIF file. */
const MAX_ROWS = 150;
/** Maximum length of untrusted text in a cell. */
const MAX_TEXT_LENGTH = 160;
/** Maximum files in one row. */
const MAX_PLACES = 3;
/** From this many findings on, a hint says where to start. */
const MANY_FINDINGS = 5;

export interface GateResultView {
  /** How the gate was configured. */
  readonly scan: 'gate' | 'report' | 'off' | 'not-reached';
  /** The ignore file, if any. */
  readonly ignorefile?: string | undefined;
}

/** The gate in the summary: content of each platform, what fails the gate, what passes and why. Pure. */
export function renderGateResult(gateResult: GateResult, view: GateResultView): string {
  const { gated, others, suppressed, platforms, notes, comparison } = gateResult;
  const rows = findingRows(gated);
  const known = suppressed.filter(({ by }) => by === 'baseline').map(({ finding }) => finding);
  const accepted = suppressed.filter(({ by }) => by !== 'baseline');
  return [
    `### Gate\n\n${headOf(gateResult, rows, view)}`,
    platformTable(platforms),
    earlierLine(platforms),
    comparisonLine(gateResult, known),
    section(`<b>${comparison === undefined ? 'Blocking findings' : 'New: blocking findings'}</b>`, rows, true),
    firstStep(gateResult, rows),
    skeletonOf(gateResult, view),
    section('Known from the baseline', findingRows(known)),
    section('Fixed since the baseline', findingRows(comparison?.fixed ?? [])),
    accepted.length === 0 ? '' : details(`Accepted (${accepted.length})`, acceptedTable(accepted)),
    section('Other findings', findingRows(others)),
    notes.length === 0 ? '' : details(`Notes (${notes.length})`, notes.map((note) => `- ${prose(note)}`).join('\n')),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** One row per platform; only severities that occur. */
function platformTable(platforms: GateResult['platforms']): string {
  const present = SEVERITIES.filter((severity) => platforms.some(({ counts }) => counts[severity] > 0));
  return table(
    ['platform', 'system', 'packages', ...present.map(severityTitle), present.length === 0 ? 'findings' : 'blocking'],
    platforms.map(({ platform, system, packages, counts, gated }) => [
      plain(platform),
      plain(system ?? '–'),
      String(packages),
      ...present.map((severity) => String(counts[severity])),
      gated === 0 ? '0' : `**${gated}**`,
    ]),
  );
}

function earlierLine(platforms: GateResult['platforms']): string {
  const earlier = platforms.filter(({ scannedAt }) => scannedAt !== undefined);
  if (earlier.length === 0) return '';
  return `Scanned by an earlier step of this job, evaluated again: ${earlier.map(({ platform }) => plain(platform)).join(', ')}.`;
}

function severityTitle(severity: Severity): string {
  return `${SIGNS[severity]}&nbsp;${severity.toLowerCase()}`;
}

function headOf({ passed, gated }: GateResult, rows: readonly FindingRow[], { scan }: GateResultView): string {
  if (passed) return '✅ Every platform passed.';
  const different = rows.length === gated.length ? '' : ` (${rows.length} different)`;
  const count = `${counted(gated.length, 'finding')}${different}`;
  return `${scan === 'report' ? '⚠️ Would be blocked' : '❌ Blocked'} by ${count}.`;
}

function comparisonLine({ comparison, gated }: GateResult, known: readonly Finding[]): string {
  if (comparison === undefined) return '';
  const { image, isSameImage, missing, fixed } = comparison;
  const lacking = missing.map(
    (platform) => `> ${code(image)} does not have ${plain(platform)}: all findings of it are new.`,
  );
  return [
    `Compared with ${code(image)}: **${gated.length}** new, ${known.length} known, ${fixed.length} fixed.`,
    isSameImage ? `> ${code(image)} is this very image, so nothing can be new.` : '',
    ...lacking,
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}

function section(title: string, rows: readonly FindingRow[], open = false): string {
  return rows.length === 0 ? '' : details(`${title} (${rows.length})`, findingTable(rows), open);
}

/** One row per finding, with its platforms, the fixed version, and its origin in the image. */
function findingTable(rows: readonly FindingRow[]): string {
  const hasOrigins = rows.some(({ finding }) => finding.origin !== undefined);
  const cells = rows.slice(0, MAX_ROWS).map(({ finding, platforms, places }) => [
    severityTitle(finding.severity),
    link(finding),
    // Without a package the subject is the path, which follows.
    [
      short((finding.package === undefined ? finding.title : undefined) ?? describeSubject(finding)),
      places.length === 0 ? short(finding.target) : repositoriesOf(places),
    ].join('<br>'),
    plain(platforms.join(', ')),
    ...(hasOrigins ? [originOf(finding.origin)] : []),
  ]);
  const header = ['severity', 'id', 'what and where', 'platforms', ...(hasOrigins ? ['comes from'] : [])];
  const more = rows.length > MAX_ROWS ? `\n\n… and ${rows.length - MAX_ROWS} more.` : '';
  return table(header, cells) + more;
}

function repositoriesOf(places: readonly string[]): string {
  const more = places.length > MAX_PLACES ? ` and ${places.length - MAX_PLACES} more` : '';
  return places
    .slice(0, MAX_PLACES)
    .map((place) => code(cut(place)))
    .join('<br>')
    .concat(more);
}

/** `base image node:24-slim`, `RUN npm ci (line 7)`. */
function originOf(origin: FindingOrigin | undefined): string {
  if (origin === undefined) return '–';
  const { from, base, step, line } = origin;
  if (from === 'base') return base === undefined ? 'base image' : `base image ${code(cut(base))}`;
  const what = step === undefined ? '–' : code(cut(step, 80));
  return line === undefined ? what : `${what} (line ${line})`;
}

function acceptedTable(accepted: readonly Suppressed[]): string {
  const reasons = Map.groupBy(accepted, ({ by, reason, expires }) => JSON.stringify([by, reason, expires]));
  const rows = [...reasons.values()].flatMap((same) =>
    findingRows(same.map(({ finding }) => finding)).map(({ finding, platforms }) => [
      link(finding),
      short(describeSubject(finding)),
      plain(platforms.join(', ')),
      same[0]?.by ?? '',
      short(same[0]?.reason ?? ''),
      until(same[0]),
    ]),
  );
  const more = rows.length > MAX_ROWS ? `\n\n… and ${rows.length - MAX_ROWS} more.` : '';
  return table(['id', 'what', 'platform', 'by', 'reason', 'until'], rows.slice(0, MAX_ROWS)) + more;
}

function until(accepted: Suppressed | undefined): string {
  const { expires, daysLeft } = accepted ?? {};
  if (expires === undefined) return '';
  return `${expires}${daysLeft === undefined ? '' : ` (${counted(daysLeft, 'day')})`}`;
}

/** Where to start with many findings; other options are in the error's remedy. */
function firstStep({ passed }: GateResult, rows: readonly FindingRow[]): string {
  const fromBase = rows.filter(({ finding }) => finding.origin?.from === 'base');
  const isMostlyBase = fromBase.length * 2 > rows.length;
  if (passed || (rows.length < MANY_FINDINGS && !isMostlyBase)) return '';
  const base = fromBase.flatMap(({ finding }) => finding.origin?.base ?? [])[0];
  const fixable = rows.filter(({ finding }) => finding.package?.fixed !== undefined).length;
  return isMostlyBase
    ? `${fromBase.length} of ${rows.length} come from the base image${base === undefined ? '' : ` ${code(cut(base))}`}: build on a newer one (a newer tag, or \`pull: true\` and no cache).`
    : `${fixable} of ${rows.length} have a fixed version: update those packages first.`;
}

function skeletonOf({ gated, passed, platforms, today }: GateResult, { ignorefile }: GateResultView): string {
  if (passed) return '';
  const { yaml, entries, omitted } = ignoreSkeleton(gated, {
    today,
    platforms: platforms.map(({ platform }) => platform),
  });
  const where =
    ignorefile === undefined
      ? 'Save what you accept as `.security/accepted.yaml` and set `ignorefile: .security/accepted.yaml`.'
      : `Add what you accept to ${code(ignorefile)}.`;
  const more = omitted === 0 ? '' : `\n\n${omitted} more findings are not listed here.`;
  return details(
    `Ignore-file entries for ${entries === 1 ? 'this finding' : 'these findings'} (${entries})`,
    `${where} Fill in each \`reason\`: an empty one is rejected. Each entry expires in 30 days.\n\n\`\`\`yaml\n${yaml}\n\`\`\`${more}`,
  );
}

function cut(text: string, length = MAX_TEXT_LENGTH): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

function short(text: string): string {
  return plain(cut(text));
}

/** Only plain web URLs become links: they come from an unsigned database. */
function link({ id, url }: Finding): string {
  return url !== undefined && url.length <= 300 && /^https:\/\/[a-z0-9.-]+\/[\w./%?=&~:+-]*$/i.test(url)
    ? `[${short(id)}](${url})`
    : short(id);
}
