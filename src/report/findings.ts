import { describeSubject, type Finding } from '../domain/gate/finding.ts';
import type { Verdict } from '../domain/gate/policy.ts';
import { SEVERITIES, type Severity } from '../domain/gate/severity.ts';
import { code, details, plain, prose, table } from './markdown.ts';
import type { PublishRecord } from './record.ts';

const SIGNS: Readonly<Record<Severity, string>> = {
  CRITICAL: '🟥',
  HIGH: '🟧',
  MEDIUM: '🟨',
  LOW: '🟦',
  UNKNOWN: '⬜',
};
/** A summary may have 1 MiB; what is beyond is in the SARIF file and in `json`. */
const SHOWN = 200;

/** The gate in the summary: what each platform holds, what closes the gate, what was let pass and why. Pure. */
export function renderVerdict(verdict: Verdict, scan: PublishRecord['scan']): string {
  const { gated, others, suppressed, platforms, notes, passed } = verdict;
  const head = passed
    ? '✅ Every platform has passed.'
    : `${scan === 'report' ? '⚠️ Would be closed' : '❌ Closed'} by ${gated.length} ${gated.length === 1 ? 'finding' : 'findings'}.`;
  return [
    `### Gate\n\n${head}`,
    table(
      [
        'platform',
        'system',
        'packages',
        ...SEVERITIES.map((severity) => `${SIGNS[severity]} ${severity.toLowerCase()}`),
        'close the gate',
      ],
      platforms.map(({ platform, system, packages, counts, gated: closing }) => [
        plain(platform),
        plain(system ?? '–'),
        String(packages),
        ...SEVERITIES.map((severity) => String(counts[severity])),
        closing === 0 ? '0' : `**${closing}**`,
      ]),
    ),
    gated.length === 0 ? '' : details(`<b>What closes the gate</b> (${gated.length})`, findings(gated), true),
    suppressed.length === 0 ? '' : details(`Let pass (${suppressed.length})`, accepted(verdict)),
    others.length === 0 ? '' : details(`Other findings (${others.length})`, findings(others)),
    notes.map((note) => `> ${prose(note)}`).join('\n>\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function findings(list: readonly Finding[]): string {
  const rows = list.slice(0, SHOWN).map((finding) => [
    `${SIGNS[finding.severity]} ${finding.severity.toLowerCase()}`,
    link(finding),
    // Without a package the subject is the path, which stands in the last column already.
    plain((finding.package === undefined ? finding.title : undefined) ?? describeSubject(finding)),
    plain(finding.platform),
    finding.path === undefined ? plain(finding.target) : code(placeIn(finding.path, finding.line)),
  ]);
  const more = list.length > SHOWN ? `\n\n… and ${list.length - SHOWN} more.` : '';
  return table(['severity', 'id', 'what', 'platform', 'where'], rows) + more;
}

function placeIn(path: string, line: number | undefined): string {
  return line === undefined ? path : `${path}:${line}`;
}

function accepted({ suppressed }: Verdict): string {
  return table(
    ['id', 'what', 'platform', 'by', 'reason', 'until'],
    suppressed
      .slice(0, SHOWN)
      .map(({ finding, by, reason, expires, daysLeft }) => [
        link(finding),
        plain(describeSubject(finding)),
        plain(finding.platform),
        by,
        plain(reason),
        expires === undefined
          ? ''
          : `${expires}${daysLeft === undefined ? '' : ` (${daysLeft} ${daysLeft === 1 ? 'day' : 'days'})`}`,
      ]),
  );
}

/** Only addresses that are plainly web pages become links: they come out of a database that is not signed. */
function link({ id, url }: Finding): string {
  return url !== undefined && /^https:\/\/[a-z0-9.-]+\/[\w./%?=&~:+-]*$/i.test(url)
    ? `[${plain(id)}](${url})`
    : plain(id);
}
