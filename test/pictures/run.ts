import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { startBrowser } from './browser.ts';
import { dashboardPage } from './dashboard.ts';
import { summaryPage } from './page.ts';
import { withPalette } from './palette.ts';
import { startPrometheus } from './prometheus.ts';
import { allRuns, reportRun } from './runs.ts';

// Draws the job summaries of runs of the built action as GitHub shows them, and the dashboard with their metrics. Some are shown in the documentation
// and go to docs/images; the others are for whoever changes a summary, and go to a folder that git ignores.

const ROOT = join(import.meta.dirname, '../..');
const SHOWN = join(ROOT, 'docs', 'images');
const OTHERS = join(ROOT, '.cache', 'pictures');
const IN_DOCS: ReadonlySet<string> = new Set(['published', 'gate-failed', 'promoted', 'report', 'dashboard']);
const WIDTH = 900;
const DASHBOARD_WIDTH = 1400;
const JOBS: Readonly<Record<string, string>> = {
  promoted: 'production',
  'rolled-back': 'production',
  refused: 'production',
  report: 'report',
};

for (const folder of [SHOWN, OTHERS]) await mkdir(folder, { recursive: true });
const temp = await mkdtemp(join(tmpdir(), 'registry-action-pages-'));
try {
  // `npm run pictures -- report` draws only what belongs to reports.
  const shots = process.argv.includes('report') ? [await reportRun()] : await allRuns();
  await using browser = await startBrowser();
  const draw = async (name: string, html: string, width: number) => {
    const page = join(temp, `${name}.html`);
    await writeFile(page, html);
    const picture = join(IN_DOCS.has(name) ? SHOWN : OTHERS, `${name}.png`);
    const png = withPalette(await browser.capture(page, width));
    await writeFile(picture, png);
    console.log(`${relative(ROOT, picture)}  ${Math.ceil(png.length / 1024)} KB`);
  };
  for (const { name, summary, metrics } of shots) {
    await draw(name, await summaryPage(JOBS[name] ?? 'publish', summary), WIDTH);
    await writeFile(join(OTHERS, `${name}.md`), summary);
    if (metrics === undefined) continue;
    await using prometheus = await startPrometheus(join(temp, 'prometheus'), metrics);
    await draw('dashboard', await dashboardPage(prometheus), DASHBOARD_WIDTH);
  }
} finally {
  await rm(temp, { recursive: true, force: true });
}
