import { compareText } from '../compare-text.ts';
import { fieldsOf } from '../fields.ts';

/** One run's numbers of one repository. Absent ones were unknown then. */
export interface HistoryEntry {
  /** ISO 8601 in UTC. */
  readonly at: string;
  readonly repository: string;
  readonly images: number;
  readonly tags: number;
  readonly bytes: number;
  readonly critical?: number;
  readonly high?: number;
  readonly drift?: number;
}

/** Entries to keep of each repository: more than a year of daily runs. */
const MAX_ENTRIES = 400;
/** Lines of a file to read: a file that grew elsewhere is cut as well. */
const MAX_LINES = 100_000;

/**
 * Reads a history: one JSON object on each line. Lines of another form are left out, and counted.
 * @param text of the file; empty when there is none
 */
export function readHistoryFile(text: string): { readonly entries: readonly HistoryEntry[]; readonly unread: number } {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const read = lines.slice(-MAX_LINES).map(entryOf);
  const entries = read.filter((entry) => entry !== undefined);
  return { entries, unread: read.length - entries.length };
}

function entryOf(line: string): HistoryEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { at, repository, images, tags, bytes, critical, high, drift } = fieldsOf(value);
  if (typeof at !== 'string' || Number.isNaN(Date.parse(at)) || typeof repository !== 'string') return undefined;
  if (!isCount(images) || !isCount(tags) || !isCount(bytes)) return undefined;
  return {
    at: new Date(at).toISOString(),
    repository,
    images,
    tags,
    bytes,
    ...(isCount(critical) ? { critical } : {}),
    ...(isCount(high) ? { high } : {}),
    ...(isCount(drift) ? { drift } : {}),
  };
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

/** Adds entries, and drops the oldest of each repository. One entry a moment and repository: a later one replaces it. */
export function appendHistory(known: readonly HistoryEntry[], added: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const all = new Map([...known, ...added].map((each) => [JSON.stringify([each.at, each.repository]), each]));
  const groups = Map.groupBy(all.values(), ({ repository }) => repository);
  return [...groups.values()]
    .flatMap((group) => group.toSorted((a, b) => compareText(a.at, b.at)).slice(-MAX_ENTRIES))
    .toSorted((a, b) => compareText(a.at, b.at) || compareText(a.repository, b.repository));
}

/** The text of a history file. */
export function renderHistory(entries: readonly HistoryEntry[]): string {
  return entries.map((each) => `${JSON.stringify(each)}\n`).join('');
}
