import { shortDigest } from '../domain/digest.ts';
import { FAILURES, type OutcomeText } from '../domain/outcome.ts';
import type { ActionError } from '../errors/action-error.ts';
import { CATALOGUE, type ErrorCode } from '../errors/catalogue.ts';
import { code, details, duration, plain, prose, table } from './markdown.ts';

const DOCS = 'https://github.com/org/registry-action/blob/v1/docs/errors.md';

/** A summary from its non-empty parts. */
export function page(parts: readonly string[]): string {
  return parts
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

/** A command's words for its outcomes. */
export interface OutcomeTexts {
  /** Of successful runs, by outcome. */
  readonly successes: Readonly<Record<string, OutcomeText>>;
  /** Start of the heading for failures without words of their own: `Publishing failed:`. */
  readonly failed: string;
}

/**
 * The heading, with the outcome first.
 * @param subject of the run, `org/app:main`; empty when there is none
 * @param digest of the image, if known
 */
export function heading(
  { successes, failed }: OutcomeTexts,
  subject: string,
  outcome: string,
  digest?: string,
): string {
  const success = Object.hasOwn(successes, outcome) ? successes[outcome] : undefined;
  const mark = success !== undefined ? (success.isPartial ? '⚠️' : '✅') : outcome === 'cancelled' ? '⏹️' : '❌';
  const short = digest === undefined ? '' : shortDigest(digest).replace(/^sha\d+:/, '');
  const what = [plain(subject), short === '' ? '' : `(${short})`].filter((part) => part !== '').join(' ');
  const text = `${(success ?? failureText(outcome)).heading ?? failed} ${what}`;
  return `## ${mark} ${text.trim().replace(/:$/, '')}`;
}

/** The meaning of the outcome; for a failure, which the error explains, what it has left behind. */
export function meaning({ successes }: OutcomeTexts, outcome: string, left: string): string {
  const success = Object.hasOwn(successes, outcome) ? successes[outcome] : undefined;
  return success?.about ?? (outcome === 'cancelled' ? FAILURES.cancelled.about : left);
}

function failureText(outcome: string): OutcomeText {
  const failures: Readonly<Record<string, OutcomeText>> = FAILURES;
  return (Object.hasOwn(failures, outcome) ? failures[outcome] : undefined) ?? FAILURES.failed;
}

/**
 * The image in a heading: its repository without the host, and the number of others.
 * @param images full names without tag
 * @param tag empty: none
 */
export function imageTitle(images: readonly string[], tag = ''): string {
  const [first, ...others] = new Set(images.map(withoutHost));
  if (first === undefined) return tag;
  const name = tag === '' ? first : `${first}:${tag}`;
  return others.length === 0 ? name : `${name} and ${others.length} more`;
}

/** The repository without its registry: `org/app` of `ghcr.io/org/app`. */
export function withoutHost(image: string): string {
  const [first = '', ...rest] = image.split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? rest.join('/') : image;
}

/** A name with a shortened digest, as everywhere in a summary. */
export function shortName(name: string): string {
  return name.replace(/@(sha256:[a-f0-9]{12})[a-f0-9]+$/, '@$1');
}

/** Maximum repositories with a pull command in a summary. */
const MAX_PULLS = 5;

/**
 * The names of the image, and commands to pull exactly this one.
 * @param names repositories that have it, without tag
 * @param digest undefined, or `names` empty: there is nothing to pull
 */
export function renderPull(names: readonly string[], digest: string | undefined): string {
  if (names.length === 0 || digest === undefined) return '';
  const lines = [...new Set(names)]
    .slice(0, MAX_PULLS)
    .map((name) => `docker pull ${name.replaceAll(/[^\w./:-]/g, '?')}@${digest}`);
  return ['```sh', ...lines, '```'].join('\n');
}

/**
 * What happened, why, and the remedy: the catalogue row, once for errors with the same remedy.
 * @param hasTable whether tables follow that have what a message lists, such as findings
 */
export function renderErrors(errors: readonly ActionError[], hasTable = false): string {
  const groups = Map.groupBy(errors, ({ code, remedy }) => [code, ...remedy].join('\n'));
  return [...groups.values()].map((group) => renderGroup(group, hasTable)).join('\n\n');
}

function renderGroup(errors: readonly ActionError[], hasTable: boolean): string {
  const [first] = errors;
  if (first === undefined) return '';
  const { code, remedy } = first;
  return [
    `> **${plain(CATALOGUE[code].title)}** ([${code}](${DOCS}#${code.toLowerCase()}))`,
    ...errors.map((error) => `> ${shownLines(error, hasTable).map(prose).join('<br>')}`),
    ...remedy.map((step, index) => `> ${index + 1}. ${prose(step)}`),
  ].join('\n>\n');
}

/** Errors whose lines the tables of their page have. */
const LISTED: readonly ErrorCode[] = ['FINDINGS', 'REPORT_FINDINGS', 'REPORT_CONDITION'];

function shownLines({ code, message }: ActionError, hasTable: boolean): readonly string[] {
  const [first = '', ...lines] = message.split('\n');
  return hasTable && LISTED.includes(code) ? [first.replace(/:$/, '.')] : [first, ...lines];
}

export function renderWarnings(warnings: readonly string[]): string {
  return warnings.length === 0 ? '' : `**Warnings**\n\n${warnings.map((warning) => `- ${prose(warning)}`).join('\n')}`;
}

/** Duration of each step, collapsed. */
export function renderTime(steps: readonly { readonly name: string; readonly milliseconds: number }[]): string {
  const rows = steps.map(({ name, milliseconds }) => [plain(name), duration(milliseconds)]);
  return rows.length === 0 ? '' : details('Time', table(['step', 'took'], rows));
}

/** Style of a diagram node: its mark and colours. */
const STATES = {
  done: ['✓', 'fill:#dafbe1,stroke:#1a7f37,color:#1f2328'],
  /** Not verified by this run: marks claims that anyone with push access could have written. */
  claimed: ['✓', 'fill:#f6f8fa,stroke:#1a7f37,color:#1f2328,stroke-dasharray:4 3'],
  failed: ['✗', 'fill:#ffebe9,stroke:#cf222e,color:#1f2328'],
  partial: ['✗', 'fill:#fff8c5,stroke:#9a6700,color:#1f2328'],
  planned: ['·', 'fill:#ddf4ff,stroke:#0969da,color:#1f2328'],
  skipped: ['·', 'fill:#f6f8fa,stroke:#d0d7de,color:#59636e'],
  left: ['↩', 'fill:#f6f8fa,stroke:#d0d7de,color:#59636e'],
} as const;

export interface DiagramNode {
  readonly id: string;
  /** May contain untrusted names. */
  readonly label: string;
  readonly state: keyof typeof STATES;
}

/** Nodes from left to right. */
export function renderDiagram(nodes: readonly DiagramNode[]): string {
  const used = new Set(nodes.map(({ state }) => state));
  return [
    '```mermaid',
    // Keeps name and digest on one line.
    '%%{init: {"flowchart": {"wrappingWidth": 500}}}%%',
    'flowchart LR',
    ...nodes.map(({ id, label, state }) => `  ${id}["${STATES[state][0]} ${inLabel(label)}"]:::${state}`),
    ...(nodes.length > 1 ? [`  ${nodes.map(({ id }) => id).join(' --> ')}`] : []),
    ...[...used].map((state) => `  classDef ${state} ${STATES[state][1]}`),
    '```',
  ].join('\n');
}

/** Untrusted names in a diagram: nothing that could end a label or open a tag. */
function inLabel(text: string): string {
  return text.replace(/[^\p{L}\p{N} ._:/@·-]/gu, '?');
}

const DONE = {
  create: '🆕 created',
  move: '➡️ moved',
  keep: '✔️ in place',
  leave: '⏸️ left',
  refuse: '⛔ not written',
  conflict: '⛔ conflict',
} as const;
const TO_DO = { ...DONE, create: '🆕 to create', move: '➡️ to move' } as const;

/** A tag of one repository, its result or decision, and the reason. */
export interface TagRow {
  /** Full name. */
  readonly name: string;
  readonly kind: string;
  readonly action: keyof typeof DONE;
  readonly isWritten: boolean;
  readonly previous?: string | undefined;
  readonly reason: string;
}

/** The tags, with one row for all repositories that had the same result. Empty without tags. */
export function renderTagRows(tags: readonly TagRow[]): string {
  const same = Map.groupBy(tags, ({ name, ...rest }) => JSON.stringify([name.replace(/^.*:/, ''), rest]));
  const rows = [...same.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { kind, action, isWritten, previous, reason } = first;
    return [
      [
        group.map(({ name }) => code(name)).join('<br>'),
        kind,
        (isWritten ? DONE : TO_DO)[action].replaceAll(' ', '&nbsp;'),
        previous === undefined ? '' : code(shortDigest(previous)),
        prose(reason.replace(REPEATED, '')),
      ],
    ];
  });
  return rows.length === 0 ? '' : `### Tags\n\n${table(['tag', 'kind', 'result', 'previous', 'reason'], rows)}`;
}

/** Start of a reason that repeats other columns. */
const REPEATED = /^(?:new$|(?:moves|goes back) from sha256:[0-9a-f]+$|(?:moves|stays): )/;
