import { shortDigest } from '../domain/digest.ts';
import { isGreen, OUTCOMES } from '../domain/outcome.ts';
import type { ActionError } from '../errors/action-error.ts';
import { CATALOGUE } from '../errors/catalogue.ts';
import { renderVerdict } from './findings.ts';
import { bytes, code, details, duration, plain, prose, table } from './markdown.ts';
import type { PublishRecord, TargetFacts } from './record.ts';

const DOCS = 'https://github.com/org/registry-action/blob/v1/docs/errors.md';

/** The job summary: what came of the run at first sight, then the road, the image, the gate, and each registry. Pure. */
export function renderSummary(record: PublishRecord): string {
  const title =
    record.image === undefined
      ? (record.version ?? 'publish')
      : `${record.version ?? 'image'} · ${shortDigest(record.image.digest)}`;
  return [
    `## ${isGreen(record.outcome) ? '✅' : record.outcome === 'cancelled' ? '⏹️' : '❌'} ${plain(title)}: ${record.outcome}`,
    OUTCOMES[record.outcome],
    commitLine(record),
    ...record.errors.map(renderError),
    renderRoad(record),
    renderImage(record),
    record.verdict === undefined ? '' : renderVerdict(record.verdict, record.scan),
    renderTags(record),
    renderTargets(record.targets),
    record.warnings.length === 0
      ? ''
      : `**Warnings**\n\n${record.warnings.map((warning) => `- ${prose(warning)}`).join('\n')}`,
    record.steps.length === 0
      ? ''
      : details(
          'Time',
          table(
            ['step', 'took'],
            record.steps.map(({ name, milliseconds }) => [plain(name), duration(milliseconds)]),
          ),
        ),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

function commitLine({ commit }: PublishRecord): string {
  if (commit === undefined) return '';
  const ref = commit.ref.replace(/^refs\/(heads|tags|pull)\//, '');
  return `Commit [${code(commit.sha.slice(0, 7))}](${commit.repositoryUrl}/commit/${commit.sha}) on ${code(ref)}`;
}

/** What happened, why, what to do: the whole row of the catalogue. */
export function renderError(error: ActionError): string {
  const row = CATALOGUE[error.code];
  return [
    `> **${plain(row.title)}** ([${error.code}](${DOCS}#${error.code.toLowerCase()}))`,
    `> ${error.message.split('\n').map(prose).join('<br>')}`,
    ...row.remedy.map((step, index) => `> ${index + 1}. ${step}`),
  ].join('\n>\n');
}

type StepState = 'done' | 'failed' | 'skipped';

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
      record.image?.origin.startsWith('source ') ? 'source' : 'build',
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
  return [
    '```mermaid',
    'flowchart LR',
    ...steps.map(
      ([id, label, state]) => `  ${id}["${{ done: '✓', failed: '✗', skipped: '·' }[state]} ${label}"]:::${state}`,
    ),
    `  ${steps.map(([id]) => id).join(' --> ')}`,
    '  classDef done fill:#dafbe1,stroke:#1a7f37,color:#1f2328',
    '  classDef failed fill:#ffebe9,stroke:#cf222e,color:#1f2328',
    '  classDef skipped fill:#f6f8fa,stroke:#d0d7de,color:#59636e',
    '```',
  ].join('\n');
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
  ].join('\n\n');
}

const ACTIONS = {
  create: '🆕 created',
  move: '➡️ moved',
  keep: '✔️ in place',
  leave: '⏸️ left',
  conflict: '⛔ conflict',
} as const;
const PLANNED = {
  create: '🆕 to create',
  move: '➡️ to move',
  keep: '✔️ in place',
  leave: '⏸️ to leave',
  conflict: '⛔ conflict',
} as const;

function renderTags({ targets }: PublishRecord): string {
  const rows = targets.flatMap(({ decisions, written, image }) =>
    decisions.map(({ tag, kind, action, from, reason }) => [
      code(`${image}:${tag}`),
      kind,
      written.includes(tag) || action === 'keep' || action === 'leave' || action === 'conflict'
        ? ACTIONS[action]
        : PLANNED[action],
      from === undefined ? '' : code(shortDigest(from)),
      prose(reason),
    ]),
  );
  return rows.length === 0 ? '' : `### Tags\n\n${table(['tag', 'kind', '', 'held before', 'why'], rows)}`;
}

function renderTargets(targets: readonly TargetFacts[]): string {
  const rows = targets.map(({ image, uploaded, written, error, decisions }) => [
    code(image),
    error !== undefined
      ? `❌ ${plain(CATALOGUE[error.code].title)}`
      : written.length > 0
        ? '✅ published'
        : decisions.some(({ action }) => action === 'create' || action === 'move')
          ? '· not written'
          : '✅ in place',
    uploaded === undefined ? '–' : `${uploaded.blobs} blobs, ${bytes(uploaded.bytes)} (${uploaded.present} were there)`,
    String(written.length),
  ]);
  return rows.length === 0 ? '' : `### Registries\n\n${table(['repository', 'result', 'sent', 'tags written'], rows)}`;
}
