import { shortDigest } from '../domain/digest.ts';
import { OUTCOMES } from '../domain/outcome.ts';
import { CATALOGUE } from '../errors/catalogue.ts';
import { renderVerdict } from './findings.ts';
import { bytes, code, details, plain, prose, table } from './markdown.ts';
import {
  heading,
  page,
  type RoadNode,
  renderDiagram,
  renderError,
  renderTime,
  renderWarnings,
  tagAction,
} from './parts.ts';
import type { PublishRecord, TargetFacts } from './record.ts';

/** The job summary: what came of the run at first sight, then the road, the image, the gate, and each registry. Pure. */
export function renderSummary(record: PublishRecord): string {
  const title =
    record.image === undefined
      ? (record.version ?? 'publish')
      : `${record.version ?? 'image'} · ${shortDigest(record.image.digest)}`;
  return page([
    heading(title, record.outcome),
    OUTCOMES[record.outcome],
    commitLine(record),
    ...record.errors.map(renderError),
    renderRoad(record),
    renderImage(record),
    record.verdict === undefined ? '' : renderVerdict(record.verdict, record),
    renderTags(record),
    renderNames(record),
    renderTargets(record.targets),
    renderWarnings(record.warnings),
    renderTime(record.steps),
  ]);
}

function commitLine({ commit }: PublishRecord): string {
  if (commit === undefined) return '';
  const ref = commit.ref.replace(/^refs\/(heads|tags|pull)\//, '');
  return `Commit [${code(commit.sha.slice(0, 7))}](${commit.repositoryUrl}/commit/${commit.sha}) on ${code(ref)}`;
}

type StepState = Extract<RoadNode['state'], 'done' | 'failed' | 'skipped'>;

/** The road from commit to tags as a diagram: where it ended is seen at once. */
function renderRoad(record: PublishRecord): string {
  if (record.outcome === 'invalid-input') return '';
  const failed = record.errors.length > 0;
  const content = record.targets.some(({ uploaded }) => uploaded !== undefined);
  const written = record.targets.some((target) => target.written.length > 0);
  const reached = (is: boolean, failedHere: boolean): StepState => (failedHere ? 'failed' : is ? 'done' : 'skipped');
  const gateFailed = ['findings', 'scanner-failed', 'database-failed'].includes(record.outcome);
  const steps: readonly (readonly [string, string, StepState])[] = [
    ['commit', `commit ${record.commit?.sha.slice(0, 7) ?? ''}`, 'done'],
    [
      'build',
      nameOfBuild(record.image?.origin),
      reached(record.image !== undefined, record.outcome === 'build-failed' || record.outcome === 'image-rejected'),
    ],
    ['gate', record.scan === 'off' ? 'gate off' : 'gate', reached(record.verdict !== undefined, gateFailed)],
    ['push', 'push by digest', reached(content, failed && record.outcome === 'registry-failed' && !written)],
    [
      'tags',
      'tags',
      reached(
        written,
        failed && (record.outcome === 'tag-conflict' || (record.outcome === 'registry-failed' && written)),
      ),
    ],
  ];
  return renderDiagram(steps.map(([id, label, state]) => ({ id, label, state })));
}

/** The road does not claim a build where the bytes were there already. */
function nameOfBuild(origin: string | undefined): string {
  if (origin?.startsWith('source ')) return 'source';
  return origin?.includes('an earlier run') ? 'published before' : 'build';
}

function renderImage({ image }: PublishRecord): string {
  if (image === undefined) return '';
  const rows = image.platforms.map(({ name, digest, bytes: size, layers, sbomPackages, provenance }) => [
    plain(name),
    code(shortDigest(digest)),
    bytes(size),
    String(layers),
    sbomPackages === undefined ? '–' : `${sbomPackages} ${sbomPackages === 1 ? 'package' : 'packages'}`,
    provenance ? '✓' : '–',
  ]);
  return [
    '### Image',
    `${code(image.digest)} from ${plain(image.origin)}`,
    table(['platform', 'manifest', 'compressed', 'layers', 'SBOM', 'provenance'], rows),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function renderTags({ targets }: PublishRecord): string {
  const rows = targets.flatMap(({ decisions, written, image }) =>
    decisions.map(({ tag, kind, action, from, reason }) => [
      code(`${image}:${tag}`),
      kind,
      tagAction(action, written.includes(tag)),
      from === undefined ? '' : code(shortDigest(from)),
      prose(reason),
    ]),
  );
  return rows.length === 0 ? '' : `### Tags\n\n${table(['tag', 'kind', '', 'held before', 'why'], rows)}`;
}

/** A run that asks no registry has no decisions to show; what the image is called is what it was for. */
function renderNames({ outcome, targets, tags, labels }: PublishRecord): string {
  const names =
    targets.length > 0 || tags.length === 0 ? [] : ['### Tags', tags.map((tag) => `- ${code(tag)}`).join('\n')];
  const rows = Object.entries(labels).map(([key, value]) => [code(key), plain(value)]);
  if (outcome === 'built') return names.join('\n\n');
  return outcome === 'planned' ? [...names, details('Labels', table(['label', 'value'], rows))].join('\n\n') : '';
}

function renderTargets(targets: readonly TargetFacts[]): string {
  const rows = targets.map(({ image, uploaded, written, error, decisions }) => [
    code(image),
    error === undefined ? resultOf(written.length > 0, decisions) : `❌ ${plain(CATALOGUE[error.code].title)}`,
    uploaded === undefined
      ? '–'
      : `blobs: ${uploaded.blobs}, ${bytes(uploaded.bytes)} (there already: ${uploaded.present})`,
    String(written.length),
  ]);
  return rows.length === 0 ? '' : `### Registries\n\n${table(['repository', 'result', 'sent', 'tags written'], rows)}`;
}

/** What became of a repository that gave no error. */
function resultOf(isWritten: boolean, decisions: TargetFacts['decisions']): string {
  const actions = new Set(decisions.map(({ action }) => action));
  if (actions.has('conflict')) return '⛔ conflict';
  if (isWritten) return '✅ published';
  if (actions.has('create') || actions.has('move')) return '· not written';
  return actions.has('keep') ? '✅ in place' : '⏸️ tags left as they are';
}
