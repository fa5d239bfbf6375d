import { bytes } from '../../domain/amount.ts';
import { shortDigest } from '../../domain/digest.ts';
import { renderGateResult } from '../../report/findings.ts';
import { code, details, plain, prose, table } from '../../report/markdown.ts';
import {
  heading,
  imageTitle,
  meaning,
  page,
  renderErrors,
  renderPull,
  renderTagRows,
  renderTime,
  renderWarnings,
  shortName,
} from '../../report/parts.ts';
import { partialResult, partialSentence } from '../../report/target.ts';
import { renderSteps } from './diagram.ts';
import { renderHistory } from './history-table.ts';
import { OUTCOMES } from './outcomes.ts';
import { hasContent, type PromotedTarget, type PromotionResult } from './result.ts';

/** Maximum attachments in the summary; all are in `json`. */
const MAX_ATTACHMENTS = 20;

/** The job summary: the outcome first, then steps, evidence, tags and history. Pure. */
export function renderPromotionSummary(report: PromotionResult): string {
  const { outcome, image, errors, warnings, steps, targets } = report;
  return page([
    heading(OUTCOMES, title(report), outcome, image?.digest),
    meaning(OUTCOMES, outcome, leftBehind(report)),
    renderNamesOf(report),
    renderOrigin(report),
    renderErrors(errors, report.gateResult !== undefined),
    renderSteps(report),
    renderRequirements(report),
    report.gateResult === undefined ? '' : renderGateResult(report.gateResult, { scan: 'gate' }),
    renderTags(report),
    renderRepositories(targets),
    renderAttachments(report),
    renderHistory(report),
    renderWarnings(warnings),
    renderTime(steps),
  ]);
}

/** `org/app to production` */
function title({ targets, environment, kind }: PromotionResult): string {
  const name = imageTitle(targets.map((target) => target.image));
  return [name, environment ?? ''].filter((part) => part !== '').join(kind === 'rollback' ? ' in ' : ' to ');
}

/** What a failed run has left in the registries. */
function leftBehind({ outcome, targets, steps }: PromotionResult): string {
  if (outcome === 'invalid-input') return '';
  if (!steps.some(({ name }) => name === 'Copy' || name === 'Tags and records')) return 'Nothing was promoted.';
  return partialSentence(targets, (at) => hasContent(targets[at]));
}

/** Repositories that have the image. */
function pullable({ outcome, targets }: PromotionResult): readonly string[] {
  // A refused image is not suggested, even if the repository has it.
  return outcome === 'refused' ? [] : targets.filter((target) => hasContent(target)).map((target) => target.image);
}

/** The image's location, as a command to copy; only its targets if it is not there. */
function renderNamesOf(report: PromotionResult): string {
  const { targets, image } = report;
  const pull = renderPull(pullable(report), image?.digest);
  return pull === '' ? [...new Set(targets.map((target) => target.image))].map(code).join(', ') : pull;
}

/** Attachments copied with the image: anyone with push access to its source could have added them. */
function renderAttachments({ attachments = [] }: PromotionResult): string {
  const rows = attachments
    .slice(0, MAX_ATTACHMENTS)
    .map(({ digest, artifactType, bytes: size }) => [code(shortDigest(digest)), plain(artifactType), bytes(size)]);
  const more =
    attachments.length > MAX_ATTACHMENTS
      ? `\n\n${attachments.length - MAX_ATTACHMENTS} more are in the \`json\` output.`
      : '';
  return rows.length === 0
    ? ''
    : details(`Copied with the image: ${attachments.length}`, table(['attachment', 'type', 'size'], rows) + more);
}

function renderOrigin(report: PromotionResult): string {
  const { kind, from, image, run } = report;
  if (from === undefined || image === undefined) return '';
  // A rollback does not copy the image.
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

function renderRequirements({ requirements, kind, environment, errors }: PromotionResult): string {
  // States explicitly that nothing was checked.
  if (requirements.length === 0 && kind === 'promotion' && environment !== undefined && errors.length === 0) {
    return `Nothing is required of ${code(environment)}: neither ${code('.github/promotion.yaml')} nor ${code('require')} names anything.`;
  }
  // Already in the error.
  if (requirements.length === 1 && requirements[0]?.met === false && errors.length > 0) return '';
  const rows = requirements.map((each) => [
    each.met ? '✅' : '❌',
    code(each.name),
    prose(each.met ? each.detail : each.reason),
  ]);
  return rows.length === 0 ? '' : `### Requirements\n\n${table(['met', 'required', 'found'], rows)}`;
}

function renderTags({ targets, errors }: PromotionResult): string {
  return renderTagRows(
    targets.flatMap(({ image, decisions, written }) =>
      decisions.map(({ tag, kind, action, holds: previous, reason }) => {
        const isWritten = written.includes(tag);
        const isLeft = errors.length > 0 && !isWritten && (action === 'create' || action === 'move');
        // Unmet requirements are listed once, above.
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
    target.record === undefined
      ? '–'
      : `${code(shortDigest(target.record))} (${target.isRecordSigned === true ? 'signed' : 'unsigned'})`,
  ]);
  const isOfInterest = targets.some(
    ({ error, copied, record }) => error !== undefined || copied || record !== undefined,
  );
  const header = ['repository', 'result', 'content', 'promotion record'];
  return isOfInterest ? `### Repositories\n\n${table(header, rows)}` : '';
}
