import { compareText } from '../../domain/compare-text.ts';
import { ageGroups } from '../../domain/report/ages.ts';
import { pie } from '../../report/pie.ts';
import type { ReportResult, RepositoryReport } from './result.ts';

/** More slices cannot be told apart. */
const MAX_SLICES = 8;
/** Points of a trend. */
const MAX_POINTS = 14;

/** The default of mermaid is hardly visible on white. */
const COLOUR = '%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#0969da"}}}}%%';

/** Images of all repositories by age. The json has the same numbers. Empty when they are all in one group. */
export function renderAges(repositories: readonly RepositoryReport[], now: number): string {
  const times = repositories.flatMap(({ content }) => content?.images.map(({ pushedAt }) => pushedAt) ?? []);
  const groups = ageGroups(times, now);
  if (groups.filter(({ images }) => images > 0).length < 2) return '';
  const most = Math.max(...groups.map(({ images }) => images));
  return [
    '```mermaid',
    COLOUR,
    'xychart-beta',
    '  title "Images by age"',
    `  x-axis [${groups.map(({ name }) => `"${name}"`).join(', ')}]`,
    `  y-axis "images" 0 --> ${most}`,
    `  bar [${groups.map(({ images }) => images).join(', ')}]`,
    '```',
  ].join('\n');
}

/** Storage by repository. Empty for a single one. */
export function renderStorage(repositories: readonly RepositoryReport[]): string {
  const sizes = repositories
    .flatMap(({ path, content }) => (content === undefined ? [] : [{ path, bytes: content.sizes.distinct }]))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((a, b) => b.bytes - a.bytes || compareText(a.path, b.path));
  if (sizes.length < 2) return '';
  const rest = sizes.slice(MAX_SLICES - 1).reduce((sum, { bytes }) => sum + bytes, 0);
  const slices = [
    ...sizes.slice(0, MAX_SLICES - 1).map(({ path, bytes }) => [path, bytes] as const),
    ...(rest > 0 ? [['others', rest] as const] : []),
  ];
  const [unit, size] = unitFor(sizes[0]?.bytes ?? 0);
  return pie(
    `Storage by repository (${unit})`,
    slices.map(([name, bytes]) => [name, inUnit(bytes, size)]),
  );
}

/** Storage over the last runs. Empty before the second one. */
export function renderTrend({ history = [], repositories }: ReportResult): string {
  const shown = new Set(repositories.map(({ repository }) => repository));
  const own = history.filter(({ repository }) => shown.has(repository));
  const runs = [...Map.groupBy(own, ({ at }) => at)].slice(-MAX_POINTS);
  // Runs about fewer repositories would look like a fall.
  const complete = runs.filter(([, entries]) => entries.length === shown.size);
  if (complete.length < 2) return '';
  const sums = complete.map(([, entries]) => entries.reduce((total, { bytes }) => total + bytes, 0));
  const [unit, size] = unitFor(Math.max(...sums));
  const points = sums.map((sum) => Math.round((sum / size) * 100) / 100);
  return [
    '```mermaid',
    COLOUR,
    'xychart-beta',
    `  title "Storage over the last runs (${unit})"`,
    `  x-axis [${complete.map(([at]) => `"${at.slice(5, 16).replace('T', ' ')}"`).join(', ')}]`,
    `  y-axis "${unit}" 0 --> ${Math.max(1, Math.ceil(1.1 * Math.max(...points)))}`,
    `  line [${points.join(', ')}]`,
    '```',
  ].join('\n');
}

const UNITS: readonly (readonly [name: string, bytes: number])[] = [
  ['TiB', 1024 ** 4],
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
];

const unitFor = (bytes: number) => UNITS.find(([, from]) => bytes >= from) ?? (['B', 1] as const);

/** At least something for what exists: a slice of 0 is no slice. */
const inUnit = (bytes: number, size: number) => Math.max(0.01, Math.round((bytes / size) * 100) / 100);
