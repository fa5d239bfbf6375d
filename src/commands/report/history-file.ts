import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { appendHistory, type HistoryEntry, readHistoryFile, renderHistory } from '../../domain/report/history.ts';
import { ActionError } from '../../errors/action-error.ts';
import { warn } from '../../run/progress.ts';
import { replaceFile } from '../../runtime/replace-file.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { highestCounts } from './counts.ts';
import type { PartialReport } from './result.ts';

/** 400 entries of a hundred repositories have about 8 MB. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * Adds this run's numbers to the history file, and takes all of it into the result. A file that is no history is not overwritten.
 * @throws ActionError INPUT_INVALID
 */
export async function updateHistory(runtime: Runtime, path: string, partial: PartialReport): Promise<void> {
  const file = resolve(runtime.workspace, path);
  const invalid = (why: string, cause?: unknown) =>
    new ActionError('INPUT_INVALID', `\`history-file\`: ${path} ${why}`, { cause, facts: { input: 'history-file' } });
  const text = await readText(file).catch((error: unknown) => {
    throw error instanceof RangeError
      ? invalid(`has more than ${MAX_FILE_BYTES} bytes, so it is no history of this action. Name another file.`)
      : invalid(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  });
  const { entries, unread } = readHistoryFile(text);
  if (unread > 0 && entries.length === 0) throw invalid('is no history of this action. Name another file.');
  if (unread > 0) warn(runtime, partial, `${path}: ${unread} lines were no entries of a history and were removed.`);
  const all = appendHistory(entries, entriesOf(partial));
  try {
    await mkdir(dirname(file), { recursive: true });
    await replaceFile(file, renderHistory(all));
  } catch (error) {
    throw invalid(`cannot be written: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  partial.history = all;
}

async function readText(file: string): Promise<string> {
  const found = await stat(file).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return '';
  if (found.size > MAX_FILE_BYTES) throw new RangeError();
  return readFile(file, 'utf8');
}

/** What could not be read completely gets no entry: a trend of half a repository would mislead. */
function entriesOf({ reportedAt = '', repositories, drift }: PartialReport): readonly HistoryEntry[] {
  return repositories.flatMap(({ repository, content, errors, watched }) => {
    if (content === undefined || errors.length > 0) return [];
    const counts = highestCounts(watched);
    const differences = drift?.drifts.filter(({ image, kind }) => image === repository && kind !== 'behind').length;
    return [
      {
        at: reportedAt,
        repository,
        images: content.counts.images,
        tags: content.counts.tags,
        bytes: content.sizes.distinct,
        ...(counts === undefined ? {} : { critical: counts.CRITICAL, high: counts.HIGH }),
        ...(differences === undefined ? {} : { drift: differences }),
      },
    ];
  });
}
