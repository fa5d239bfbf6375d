import { code, details, prose, table } from '../../../report/markdown.ts';
import type { ExportResult } from '../result.ts';

/** Of a long list, what a page shows. */
const MAX_ROWS = 100;

export function renderExport({ format, directory, files, removed, leftOut }: ExportResult): string {
  const rows = leftOut
    .slice(0, MAX_ROWS)
    .map(({ what, reason, instead }) => [code(what), prose(reason), instead === '' ? '' : prose(instead)]);
  const more = leftOut.length - rows.length;
  return [
    `**Files of ${format} in ${code(directory)}: ${files.length}**`,
    files.length === 0 ? '' : details(`Files: ${files.length}`, files.map(code).join(' ')),
    removed.length === 0
      ? ''
      : details(`No longer part of it, and removed: ${removed.length}`, removed.map(code).join(' ')),
    rows.length === 0 ? '' : `#### Left out\n\n${table(['what', 'why', 'instead'], rows)}`,
    more > 0 ? `and ${more} more: see the output \`json\`.` : '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
