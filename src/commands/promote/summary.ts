import { shortDigest } from '../../domain/digest.ts';
import type { History } from '../../domain/promotion/history.ts';
import { isSameStage, type PromotionRecord } from '../../domain/promotion/record.ts';
import { errorFacts } from '../../report/errors.ts';
import { renderVerdict } from '../../report/findings.ts';
import { bytes, code, details, plain, prose, table } from '../../report/markdown.ts';
import {
  type DiagramNode,
  heading,
  imageTitle,
  meaning,
  page,
  renderDiagram,
  renderError,
  renderPull,
  renderTagRows,
  renderTime,
  renderWarnings,
  withoutHost,
} from '../../report/parts.ts';
import { JSON_VERSION, verdictJson } from '../../report/run-json.ts';
import { stateOf } from '../../report/step.ts';
import { isPartial, partialResult, partialSentence, targetState } from '../../report/target.ts';
import type { PromotedTarget, PromotionReport } from './result.ts';

/** The outputs of a promotion. The digest is there apart, because GitHub blanks an output that contains a masked value. */
export function renderPromotionOutputs(report: PromotionReport): Readonly<Record<string, string>> {
  const { outcome, image, targets } = report;
  const [first] = targets;
  const isPlanned = outcome === 'planned';
  return {
    outcome,
    digest: image?.digest ?? '',
    image: image === undefined || first === undefined ? '' : `${first.image}@${image.digest}`,
    repository: first === undefined ? '' : withoutHost(first.image),
    tags: targets
      .flatMap((target) =>
        target.decisions
          .filter(({ tag, action }) => isPlanned || target.written.includes(tag) || action === 'keep')
          .map(({ tag }) => `${target.image}:${tag}`),
      )
      .join('\n'),
    version: image?.version ?? '',
    'previous-digest': first?.previousDigest ?? '',
    json: JSON.stringify(toJson(report)),
  };
}

/** Everything, for programs; the schema is in docs/json-output.md. */
function toJson({ errors, targets, history, run, verdict, ...report }: PromotionReport) {
  return {
    schemaVersion: JSON_VERSION,
    ...report,
    run,
    ...(verdict === undefined ? {} : { scan: verdictJson(verdict) }),
    errors: errors.map(errorFacts),
    partial: isPartial(targets, (at) => hasContent(targets[at])),
    targets: targets.map(({ error, ...target }) => ({
      ...target,
      state: targetState({ ...target, ...(error === undefined ? {} : { error }) }, targets),
      present: hasContent(target),
      ...(error === undefined ? {} : { error: errorFacts(error) }),
    })),
    ...(history === undefined
      ? {}
      : {
          history: {
            stage: history.stage,
            records: history.chain,
            held: [...history.held],
            ...(history.now === undefined ? {} : { now: history.now }),
            ...(history.before === undefined ? {} : { before: history.before }),
            gaps: history.gaps,
          },
        }),
  };
}

/** The job summary: what came of it at first sight, then the steps, the evidence, the tags and the history. Pure. */
export function renderPromotionSummary(report: PromotionReport): string {
  const { outcome, image, errors, warnings, steps, targets } = report;
  return page([
    heading('promote', title(report), outcome, image?.digest),
    meaning(outcome, errors, leftBehind(report)),
    renderNamesOf(report),
    renderOrigin(report),
    ...errors.map((error) => renderError(error, report.verdict !== undefined)),
    renderSteps(report),
    renderRequirements(report),
    report.verdict === undefined ? '' : renderVerdict(report.verdict, { scan: 'gate' }),
    renderTags(report),
    renderRepositories(targets),
    renderAttachments(report),
    renderHistory(report),
    renderWarnings(warnings),
    renderTime(steps),
  ]);
}

/** `org/app to production` */
function title({ targets, stage, kind }: PromotionReport): string {
  const name = imageTitle(targets.map((target) => target.image));
  return [name, stage ?? ''].filter((part) => part !== '').join(kind === 'rollback' ? ' in ' : ' to ');
}

/** What a failed run has left in the registries. */
function leftBehind({ outcome, targets, steps }: PromotionReport): string {
  if (outcome === 'invalid-input') return '';
  if (!steps.some(({ name }) => name === 'Copy' || name === 'Tags and records')) return 'Nothing was promoted.';
  return partialSentence(targets, (at) => hasContent(targets[at]));
}

/** Repositories that have the image. */
function pullable({ outcome, targets }: PromotionReport): readonly string[] {
  // An image that was refused is not offered, though it may be in the repository.
  return outcome === 'refused' ? [] : targets.filter((target) => hasContent(target)).map((target) => target.image);
}

/** Where the image is, as a command to be copied; its targets alone where it is not there. */
function renderNamesOf(report: PromotionReport): string {
  const { targets, image } = report;
  const pull = renderPull(pullable(report), image?.digest);
  return pull === '' ? [...new Set(targets.map((target) => target.image))].map(code).join(', ') : pull;
}

/** Whether the image is in a repository: copied by this run, or there before. */
function hasContent(target: PromotedTarget | undefined): boolean {
  if (target === undefined) return false;
  return (
    target.present ||
    target.copied ||
    target.written.length > 0 ||
    target.decisions.some(({ action }) => action === 'keep')
  );
}

/** What came along with the image: anyone who may push to its source could have attached it. */
function renderAttachments({ attachments = [] }: PromotionReport): string {
  const rows = attachments
    .slice(0, MAX_ROWS)
    .map(({ digest, artifactType, bytes: size }) => [code(shortDigest(digest)), plain(artifactType), bytes(size)]);
  const more =
    attachments.length > MAX_ROWS ? `\n\n${attachments.length - MAX_ROWS} more are in the \`json\` output.` : '';
  return rows.length === 0
    ? ''
    : details(`Copied with the image: ${attachments.length}`, table(['attachment', 'type', 'size'], rows) + more);
}

function renderOrigin(report: PromotionReport): string {
  const { kind, from, image, run } = report;
  if (from === undefined || image === undefined) return '';
  // A rollback takes the image from where it is.
  const origin = kind === 'rollback' ? '' : ` from ${code(shortName(from))}`;
  const parts = [
    pullable(report).length > 0 ? origin.trim() : `${code(image.digest)}${origin}`,
    image.commit === undefined ? '' : `commit ${code(image.commit.slice(0, 7))}`,
    run === undefined ? '' : `requested by ${plain(run.actor)} (${plain(run.event)})`,
  ];
  return parts
    .filter((part) => part !== '')
    .join(', ')
    .replace(/^[a-z]/, (letter) => letter.toUpperCase());
}

/** A name whose digest is cut, as everywhere in a summary. */
function shortName(name: string): string {
  return name.replace(/@(sha256:[a-f0-9]{12})[a-f0-9]+$/, '@$1');
}

/** What an image is called in its repository: its tag, or its digest. */
function ownName(name: string): string {
  const at = name.indexOf('@');
  return at < 0 ? name.replace(/^.*:(?=[^:/]*$)/, '') : shortDigest(name.slice(at + 1));
}

/** A digest says nothing to anybody who knows the commit. */
function nameOrCommit(name: string, commit: string | undefined): string {
  return commit !== undefined && name.includes('@') ? `commit ${commit.slice(0, 7)}` : ownName(name);
}

/** The environments that the image has passed, by its records, the steps of a run that failed, and where it was to go. */
function renderSteps(report: PromotionReport): string {
  const { outcome, kind, from, image, stage, passed, history, targets, errors, steps } = report;
  if (stage === undefined || outcome === 'invalid-input') return '';
  const nodes: Omit<DiagramNode, 'id'>[] = [];
  const [first] = passed;
  // The record of a publish names the repository of the sources: its commit says more.
  const origin =
    first?.kind === 'publish' && first.commit !== undefined
      ? `commit ${first.commit.slice(0, 7)}`
      : nameOrCommit(first?.from ?? from ?? '', image?.commit);
  if (kind !== 'rollback' && origin !== '') nodes.push({ label: origin.slice(0, 40), state: 'done' });
  const before = [...new Set(passed.map((each) => each.stage))].filter((each) => !isSameStage(each, stage));
  nodes.push(...before.map((label) => ({ label, state: 'done' as const })));
  if (kind === 'rollback' && history?.now !== undefined && history.now !== image?.digest) {
    nodes.push({ label: `${stage} · ${shortHash(history.now)}`, state: 'left' });
  }
  const label = image === undefined ? stage : `${stage} · ${shortHash(image.digest)}`;
  if (errors.length > 0) {
    nodes.push(...failedSteps(steps), {
      label,
      state: targets.some(({ written }) => written.length > 0) ? 'partial' : 'skipped',
    });
  } else {
    const isThere = targets.every(({ decisions }) => decisions.every(({ action }) => action === 'keep'));
    nodes.push({ label, state: outcome === 'planned' && !isThere ? 'planned' : 'done' });
  }
  return image === undefined && errors.length === 0
    ? ''
    : renderDiagram(nodes.map((node, at) => ({ id: `s${at}`, ...node })));
}

/** As much of a digest as fits into a node. */
function shortHash(digest: string): string {
  return shortDigest(digest).replace(/^\w+:/, '');
}

/** Steps as they are called in a diagram, in their order. */
const STEPS = [
  ['source', 'Source', 'History'],
  ['targets', 'Targets'],
  ['requirements', 'Plan'],
  ['pre-flight', 'Pre-flight'],
  ['copy', 'Copy'],
  ['tags', 'Tags and records'],
] as const;

/** Steps that only read: they are shown when they failed. */
const READS: readonly string[] = ['source', 'targets'];

/** What a run did until it failed. Where no step failed it was before the first that did not run. */
function failedSteps(steps: PromotionReport['steps']): readonly Omit<DiagramNode, 'id'>[] {
  const nodes = STEPS.map(([label, ...names]) => ({ label, state: stateOf(steps, ...names) }));
  const isNamed = nodes.some(({ state }) => state === 'failed');
  const stopped = isNamed ? undefined : nodes.find(({ state }) => state === 'skipped');
  return nodes
    .map((node) => (node === stopped ? { ...node, state: 'failed' as const } : node))
    .filter(({ label, state }) =>
      label === 'tags' ? true : READS.includes(label) ? state === 'failed' : state !== 'skipped',
    );
}

function renderRequirements({ requirements, kind, stage, errors }: PromotionReport): string {
  // Nobody should have to infer that nothing was looked at.
  if (requirements.length === 0 && kind === 'promotion' && stage !== undefined && errors.length === 0) {
    return `Nothing is required of ${code(stage)}: neither ${code('.github/promotion.yaml')} nor ${code('require')} names anything.`;
  }
  // The error has said it.
  if (requirements.length === 1 && requirements[0]?.met === false && errors.length > 0) return '';
  const rows = requirements.map((each) => [
    each.met ? '✅' : '❌',
    code(each.name),
    prose(each.met ? each.detail : each.reason),
  ]);
  return rows.length === 0 ? '' : `### Requirements\n\n${table(['met', 'required', 'found'], rows)}`;
}

function renderTags({ targets, errors }: PromotionReport): string {
  return renderTagRows(
    targets.flatMap(({ image, decisions, written }) =>
      decisions.map(({ tag, kind, action, holds: previous, reason }) => {
        const isWritten = written.includes(tag);
        const isLeft = errors.length > 0 && !isWritten && (action === 'create' || action === 'move');
        // What is not met stands above, once.
        const why = action === 'refuse' || isLeft ? '' : reason;
        return { name: `${image}:${tag}`, kind, action: isLeft ? 'refuse' : action, isWritten, previous, reason: why };
      }),
    ),
  );
}

function renderRepositories(targets: readonly PromotedTarget[]): string {
  const rows = targets.map((target) => [
    code(target.image),
    partialResult(target, targets, hasContent(target)) ?? (target.written.length > 0 ? '✅ moved' : '·'),
    target.copied ? 'copied' : hasContent(target) ? 'already present' : '–',
    target.record === undefined ? '–' : `${code(shortDigest(target.record))} (unsigned)`,
  ]);
  const isOfInterest = targets.some(
    ({ error, copied, record }) => error !== undefined || copied || record !== undefined,
  );
  const header = ['repository', 'result', 'content', 'promotion record'];
  return isOfInterest ? `### Repositories\n\n${table(header, rows)}` : '';
}

/** An address of somebody else's as that of a link: nothing in it is Markdown. */
function linked(address: string): string {
  return address.replaceAll(/[()[\]!*`|{}^~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The newest first; of more than these, the rest is in `json`. */
const MAX_ROWS = 20;

function renderHistory(report: PromotionReport): string {
  const { history } = report;
  if (history === undefined || history.chain.length === 0) return '';
  const marked = marker(report, history);
  const rows = history.chain
    .toReversed()
    .slice(0, MAX_ROWS)
    .map((record) => [
      plain(record.time.replace(/^(.{10})T(\d\d:\d\d:\d\d).*$/, '$1 $2')).replace(' ', '<br>'),
      `${record.kind === 'rollback' ? '↩️&nbsp;rollback' : '➡️&nbsp;promotion'}${record.forced ? ' (forced)' : ''}`,
      code(shortDigest(record.digest)) + marked(record),
      record.commit === undefined ? '' : code(record.commit.slice(0, 7)),
      code(withoutHost(shortName(record.from))),
      `[${plain(record.actor)}](${linked(record.run)})`,
    ]);
  const more =
    history.chain.length > MAX_ROWS
      ? `\n\n${history.chain.length - MAX_ROWS} older ones are in the \`json\` output.`
      : '';
  const unread = history.unread === undefined ? '' : '\n\nOlder records were not read: `dry-run: true` shows them.';
  const gaps = history.gaps.map((gap) => `- ${prose(gap)}`).join('\n');
  return details(
    `History of ${plain(history.stage)} before this run, by unsigned promotion records`,
    [table(['time (UTC)', 'kind', 'image', 'commit', 'from', 'by'], rows) + more + unread, gaps]
      .filter((part) => part !== '')
      .join('\n\n'),
    true,
  );
}

/** What a record is marked with: the newest of what the stage holds, which a run may have changed, and what is held back. */
function marker({ targets: [first], image }: PromotionReport, { chain, now, held }: History) {
  const hasMoved = first?.decisions.some(({ kind, tag }) => kind === 'moving' && first.written.includes(tag)) ?? false;
  const newest = chain.findLast(({ digest }) => digest === now);
  return (record: PromotionRecord): string => {
    if (record === newest) return hasMoved ? ' **until now**' : ' **now**';
    const isLifted = hasMoved && record.digest === image?.digest;
    return held.has(record.digest) && !isLifted ? ' ✋ on hold' : '';
  };
}
