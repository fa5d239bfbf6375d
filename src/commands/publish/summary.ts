import { bytes, counted } from '../../domain/amount.ts';
import { shortDigest } from '../../domain/digest.ts';
import { statementNames } from '../../domain/trust/predicates.ts';
import { renderGateResult } from '../../report/findings.ts';
import { code, details, plain, table } from '../../report/markdown.ts';
import {
  type DiagramNode,
  heading,
  imageTitle,
  meaning,
  type OutcomeTexts,
  page,
  renderDiagram,
  renderErrors,
  renderPull,
  renderTagRows,
  renderTime,
  renderWarnings,
} from '../../report/parts.ts';
import { type StepState, stateOf } from '../../report/step.ts';
import { partialResult, partialSentence } from '../../report/target.ts';
import { hasContent, type PublishResult, type TargetFacts } from './result.ts';

/** The job summary: the outcome first, then steps, image, gate, and each registry. Pure. */
export function renderSummary(record: PublishResult, outcomes: OutcomeTexts): string {
  const { outcome, image, version, targets } = record;
  return page([
    heading(outcomes, imageTitle(namesOf(record), version), outcome, image?.digest),
    meaning(outcomes, outcome, leftBehind(record)),
    renderNamesOf(record),
    commitLine(record),
    renderErrors(record.errors, record.gateResult !== undefined),
    renderSteps(record),
    renderImage(record),
    renderParts(record),
    renderCopies(record),
    record.gateResult === undefined ? '' : renderGateResult(record.gateResult, record),
    renderSigning(record),
    renderTags(record),
    renderNames(record),
    renderTargets(targets),
    renderWarnings(record.warnings),
    renderTime(record.steps),
  ]);
}

/** The image's location, as a command to copy; only its names if it is in no registry. */
function renderNamesOf(record: PublishResult): string {
  const pull = renderPull(pullable(record), record.image?.digest);
  return pull === '' ? namesOf(record).map(code).join(', ') : pull;
}

/** Repositories that have the image. */
function pullable({ outcome, targets }: PublishResult): readonly string[] {
  return targets.filter((target) => outcome === 'unchanged' || hasContent(target)).map((target) => target.image);
}

function namesOf({ targets, tags }: PublishResult): readonly string[] {
  return [...new Set(targets.length > 0 ? targets.map((target) => target.image) : tags.map(nameOf))];
}

/** What a failed run has left in the registries. */
function leftBehind({ outcome, targets, steps }: PublishResult): string {
  // The error about findings already contains it.
  if (outcome === 'invalid-input' || outcome === 'findings') return '';
  if (!steps.some(({ name }) => name === 'Push')) return 'Nothing was published.';
  return partialSentence(targets, (at) => hasContent(targets[at]));
}

/** The signer, the transparency log, and the statements. */
function renderSigning({ signing }: PublishResult): string {
  if (signing === undefined) return '';
  const names = statementNames(signing.statements.map(({ predicateType }) => predicateType));
  return `Signed ${plain(signing.description)}: ${names.map(code).join(', ')}`;
}

function nameOf(tag: string): string {
  return tag.replace(/:[^:/]*$/, '');
}

function commitLine({ commit }: PublishResult): string {
  if (commit === undefined) return '';
  const ref = commit.ref.replace(/^refs\/(heads|tags|pull)\//, '');
  return `Commit [${code(commit.sha.slice(0, 7))}](${commit.repositoryUrl}/commit/${commit.sha}) on ${code(ref)}`;
}

/** The steps of this run as a diagram that shows where it ended. */
function renderSteps(record: PublishResult): string {
  const { outcome, steps, targets, image, gateResult, scan, errors } = record;
  if (outcome === 'invalid-input') return '';
  const nodes: DiagramNode[] = [
    {
      id: 'commit',
      label: `commit ${record.commit?.sha.slice(0, 7) ?? ''}`,
      state: record.commit === undefined ? stateOf(steps, 'Tags and labels') : 'done',
    },
    // Tag conflicts are detected in this step and reported after it.
    {
      id: 'preflight',
      label: 'pre-flight',
      state: outcome === 'tag-conflict' && image === undefined ? 'failed' : stateOf(steps, 'Pre-flight'),
    },
    {
      id: 'build',
      label: nameOfBuild(image?.origin),
      state:
        outcome === 'image-rejected' ? 'failed' : stateOf(steps, 'Build', 'Source', 'Merge', 'Read what was published'),
    },
    {
      id: 'gate',
      label: scan === 'off' ? 'gate off' : 'gate',
      state: outcome === 'findings' ? 'failed' : gateResult === undefined ? stateOf(steps, 'Gate') : 'done',
    },
    { id: 'push', label: 'push by digest', state: contentState(steps, targets) },
    { id: 'tags', label: 'tags', state: tagsState(targets) },
  ];
  // A source is read before the registries.
  if (stateOf(steps, 'Source') !== 'skipped') nodes.splice(1, 2, ...nodes.slice(1, 3).toReversed());
  // Nothing was pushed, as intended.
  const shown = outcome === 'built' ? nodes.filter(({ id }) => id !== 'preflight') : nodes;
  const isNamed = errors.length === 0 || shown.some(({ state }) => state === 'failed');
  const stopped = isNamed ? undefined : shown.find(({ state }) => state === 'skipped');
  return renderDiagram(shown.map((node) => (node === stopped ? { ...node, state: 'failed' } : node)));
}

function contentState(steps: PublishResult['steps'], targets: readonly TargetFacts[]): StepState {
  if (stateOf(steps, 'Push') === 'failed' && targets.length === 0) return 'failed';
  const isFailed = targets.some(
    ({ error, uploaded, written }) => error !== undefined && !uploaded && written.length === 0,
  );
  if (steps.some(({ name }) => name === 'Push') && isFailed) return 'failed';
  return targets.some(({ uploaded }) => uploaded !== undefined) ? 'done' : 'skipped';
}

function tagsState(targets: readonly TargetFacts[]): StepState {
  const isFailed = targets.some(
    ({ error, uploaded, written }) => error !== undefined && (uploaded || written.length > 0),
  );
  if (isFailed) return 'failed';
  return targets.some(({ written }) => written.length > 0) ? 'done' : 'skipped';
}

/** Does not claim a build if the bytes already existed. */
function nameOfBuild(origin: string | undefined): string {
  if (origin?.startsWith('source ')) return 'source';
  if (origin?.startsWith('a merge ')) return 'merge';
  return origin?.includes('read from the registry') ? 'published before' : 'build';
}

function renderImage(record: PublishResult): string {
  const { image } = record;
  if (image === undefined) return '';
  const isNamed = pullable(record).length > 0;
  const rows = image.platforms.map(({ name, digest, bytes: size, layers, sbomPackages, provenance }) => [
    plain(name),
    code(shortDigest(digest)),
    bytes(size),
    String(layers),
    sbomPackages === undefined ? '–' : counted(sbomPackages, 'package'),
    provenance ? '✓' : '–',
  ]);
  return [
    '### Image',
    isNamed ? `From ${plain(image.origin)}.` : `${code(image.digest)} from ${plain(image.origin)}`,
    table(['platform', 'manifest', 'compressed', 'layers', 'SBOM', 'provenance'], rows),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Where the image is on the runner. */
function renderCopies({ layout, loaded, exported = [] }: PublishResult): string {
  const lines = [
    ...(layout === undefined ? [] : [`- the layout ${code(layout)}`]),
    ...exported.map(({ format, path }) => `- ${code(path)} (${format})`),
    ...(loaded === undefined
      ? []
      : [`- in the Docker Engine, ${plain(loaded.platform)} ${code(shortDigest(loaded.digest))}`]),
  ];
  return lines.length === 0 ? '' : `On the runner:\n\n${lines.join('\n')}`;
}

/** Who built what, as far as the jobs have said. */
function renderParts({ parts = [] }: PublishResult): string {
  const rows = parts.map(({ source, digest, platforms, builtBy }) => [
    plain(platforms.join(', ')),
    code(shortDigest(digest)),
    code(source),
    builtBy === undefined ? '–' : plain(builtBy.run.runner),
    builtBy === undefined ? '–' : plain(`${builtBy.run.id}, attempt ${builtBy.run.attempt}`),
  ]);
  return parts.length === 0
    ? ''
    : `### Merged from\n\n${table(['platform', 'image', 'source', 'runner', 'run'], rows)}`;
}

function renderTags({ targets, errors }: PublishResult): string {
  return renderTagRows(
    targets.flatMap(({ decisions, written, image }) =>
      decisions.map(({ tag, kind, action, from: previous, reason }) => {
        const isWritten = written.includes(tag);
        const isLeft = errors.length > 0 && !isWritten && (action === 'create' || action === 'move');
        return { name: `${image}:${tag}`, kind, action: isLeft ? 'refuse' : action, isWritten, previous, reason };
      }),
    ),
  );
}

/** A run without registry access has no decisions to show, only the names of the image. */
function renderNames({ outcome, targets, tags, labels }: PublishResult): string {
  const names =
    targets.length > 0 || tags.length === 0 ? [] : ['### Tags', tags.map((tag) => `- ${code(tag)}`).join('\n')];
  const rows = Object.entries(labels).map(([key, value]) => [code(key), plain(value)]);
  if (outcome === 'built') return names.join('\n\n');
  return outcome === 'planned' ? [...names, details('Labels', table(['label', 'value'], rows))].join('\n\n') : '';
}

function renderTargets(targets: readonly TargetFacts[]): string {
  const rows = targets.map((target) => {
    const { image, uploaded, written, decisions } = target;
    return [
      code(image),
      partialResult(target, targets, hasContent(target)) ?? resultOf(written.length > 0, decisions),
      uploaded === undefined
        ? '–'
        : `${uploaded.blobs} blobs, ${bytes(uploaded.bytes)}${uploaded.present === 0 ? '' : ` (${uploaded.present} already present)`}`,
      String(written.length),
    ];
  });
  const isOfInterest = rows.some(([, result]) => result !== NOT_WRITTEN);
  return !isOfInterest ? '' : `### Registries\n\n${table(['repository', 'result', 'pushed', 'tags written'], rows)}`;
}

const NOT_WRITTEN = '· not written';

/** The result of a repository without an error. */
function resultOf(isWritten: boolean, decisions: TargetFacts['decisions']): string {
  const actions = new Set(decisions.map(({ action }) => action));
  if (actions.has('conflict')) return '⛔ conflict';
  if (isWritten) return '✅ published';
  if (actions.has('create') || actions.has('move')) return NOT_WRITTEN;
  return actions.has('keep') ? '✅ in place' : '⏸️ tags left as they are';
}
