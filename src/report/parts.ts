import { shortDigest } from '../domain/digest.ts';
import { FAILURES, type OutcomeText } from '../domain/outcome.ts';
import type { ActionError } from '../errors/action-error.ts';
import { CATALOGUE } from '../errors/catalogue.ts';
import { code, details, duration, plain, prose, table } from './markdown.ts';

const DOCS = 'https://github.com/org/registry-action/blob/v1/docs/errors.md';

/** A summary of its parts; those that are empty are left out. */
export function page(parts: readonly string[]): string {
  return parts
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

/** How a command speaks of its outcomes. */
export interface OutcomeTexts {
  /** Of runs that succeed, by outcome. */
  readonly successes: Readonly<Record<string, OutcomeText>>;
  /** How the heading begins where the failure has no words of its own: `Publishing failed:`. */
  readonly failed: string;
}

/**
 * The heading: what came of it is seen before anything is read.
 * @param subject what the run was about, `org/app:main`; empty when there is nothing to name
 * @param digest of the image, where it is known
 */
export function heading(
  { successes, failed }: OutcomeTexts,
  subject: string,
  outcome: string,
  digest?: string,
): string {
  const success = Object.hasOwn(successes, outcome) ? successes[outcome] : undefined;
  const mark = success !== undefined ? '✅' : outcome === 'cancelled' ? '⏹️' : '❌';
  const short = digest === undefined ? '' : shortDigest(digest).replace(/^sha\d+:/, '');
  const what = [plain(subject), short === '' ? '' : `(${short})`].filter((part) => part !== '').join(' ');
  const text = `${(success ?? failureText(outcome)).heading ?? failed} ${what}`;
  return `## ${mark} ${text.trim().replace(/:$/, '')}`;
}

/** What the outcome means; of a failure the error says more, and this what it left behind. */
export function meaning({ successes }: OutcomeTexts, outcome: string, left: string): string {
  const success = Object.hasOwn(successes, outcome) ? successes[outcome] : undefined;
  return success?.about ?? (outcome === 'cancelled' ? FAILURES.cancelled.about : left);
}

function failureText(outcome: string): OutcomeText {
  const failures: Readonly<Record<string, OutcomeText>> = FAILURES;
  return (Object.hasOwn(failures, outcome) ? failures[outcome] : undefined) ?? FAILURES.failed;
}

/**
 * What the image is called in a heading: its repository without the host, and how many others there are.
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

/** A name whose digest is cut, as everywhere in a summary. */
export function shortName(name: string): string {
  return name.replace(/@(sha256:[a-f0-9]{12})[a-f0-9]+$/, '@$1');
}

/** Repositories that a summary shows a command for. */
const MAX_PULLS = 5;

/**
 * The names of the image, and how to pull exactly this one, ready to be copied.
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
 * What happened, why, what to do: the row of the catalogue, once for errors that have the same remedy.
 * @param hasTable whether the findings follow in a table, so that the message need not list them
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

function shownLines({ code, message }: ActionError, hasTable: boolean): readonly string[] {
  const [first = '', ...lines] = message.split('\n');
  return hasTable && code === 'FINDINGS' ? [first.replace(/:$/, '.')] : [first, ...lines];
}

export function renderWarnings(warnings: readonly string[]): string {
  return warnings.length === 0 ? '' : `**Warnings**\n\n${warnings.map((warning) => `- ${prose(warning)}`).join('\n')}`;
}

/** How long each step took, folded. */
export function renderTime(steps: readonly { readonly name: string; readonly milliseconds: number }[]): string {
  const rows = steps.map(({ name, milliseconds }) => [plain(name), duration(milliseconds)]);
  return rows.length === 0 ? '' : details('Time', table(['step', 'took'], rows));
}

/** How a node of a diagram looks: its mark, and its colours. */
const STATES = {
  done: ['✓', 'fill:#dafbe1,stroke:#1a7f37,color:#1f2328'],
  /** Not seen by this run: something that anyone with push access could have written says so. */
  claimed: ['✓', 'fill:#f6f8fa,stroke:#1a7f37,color:#1f2328,stroke-dasharray:4 3'],
  failed: ['✗', 'fill:#ffebe9,stroke:#cf222e,color:#1f2328'],
  partial: ['✗', 'fill:#fff8c5,stroke:#9a6700,color:#1f2328'],
  planned: ['·', 'fill:#ddf4ff,stroke:#0969da,color:#1f2328'],
  skipped: ['·', 'fill:#f6f8fa,stroke:#d0d7de,color:#59636e'],
  left: ['↩', 'fill:#f6f8fa,stroke:#d0d7de,color:#59636e'],
} as const;

export interface DiagramNode {
  readonly id: string;
  /** May hold names of others. */
  readonly label: string;
  readonly state: keyof typeof STATES;
}

/** Nodes from left to right. */
export function renderDiagram(nodes: readonly DiagramNode[]): string {
  const used = new Set(nodes.map(({ state }) => state));
  return [
    '```mermaid',
    // A name and a digest stay on one line.
    '%%{init: {"flowchart": {"wrappingWidth": 500}}}%%',
    'flowchart LR',
    ...nodes.map(({ id, label, state }) => `  ${id}["${STATES[state][0]} ${inLabel(label)}"]:::${state}`),
    ...(nodes.length > 1 ? [`  ${nodes.map(({ id }) => id).join(' --> ')}`] : []),
    ...[...used].map((state) => `  classDef ${state} ${STATES[state][1]}`),
    '```',
  ].join('\n');
}

/** Names of others inside a diagram: nothing that could end a label or open a tag. */
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

/** A tag of one repository, what became of it or is to become of it, and why. */
export interface TagRow {
  /** Full name. */
  readonly name: string;
  readonly kind: string;
  readonly action: keyof typeof DONE;
  readonly isWritten: boolean;
  readonly previous?: string | undefined;
  readonly reason: string;
}

/** The tags, one row for all repositories in which the same became of them. Empty when there are none. */
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

/** How a reason begins that the other columns have said already. */
const REPEATED = /^(?:new$|(?:moves|goes back) from sha256:[0-9a-f]+$|(?:moves|stays): )/;
