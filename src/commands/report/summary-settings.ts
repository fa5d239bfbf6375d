import { code, prose, table } from '../../report/markdown.ts';
import type { ReportResult } from './result.ts';

const MAX_ROWS = 30;

/** Registries compared with the setup file, and the settings that differ. */
export function renderSettings({ settings = [] }: Pick<ReportResult, 'settings'>): string {
  if (settings.length === 0) return '';
  const rows = settings.map(({ registry, differences, equal, unread }) => [
    code(registry),
    differences === undefined ? '🔒 not readable' : differences.length === 0 ? '✅ none' : `⚠️ ${differences.length}`,
    differences === undefined ? '' : String(equal),
    unread.length === 0 ? '' : String(unread.length),
  ]);
  const all = settings.flatMap(({ registry, differences = [] }) => differences.map((each) => ({ registry, ...each })));
  const isOne = settings.length === 1;
  const list = all
    .slice(0, MAX_ROWS)
    .map(({ registry, setting, is, should, line }) => [
      isOne ? '' : code(registry),
      code(setting),
      is === undefined ? 'unknown' : code(is),
      should === undefined ? 'none' : code(should),
      line === undefined ? '' : String(line),
    ]);
  return [
    '### Settings',
    table(['registry', 'differences', 'as in the file', 'not read'], rows),
    all.length === 0 ? '' : table(['registry', 'setting', 'is', 'should be', 'line'], list),
    all.length > MAX_ROWS ? `${all.length} settings differ; the first ${MAX_ROWS} are shown.` : '',
    all.length === 0 ? '' : prose('A plan of `command: setup` with the same file shows how to make them so.'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
