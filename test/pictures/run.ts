import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { startBrowser } from './browser.ts';
import { summaryPage } from './page.ts';
import { withPalette } from './palette.ts';
import { nineRuns } from './runs.ts';

// Draws the job summaries of nine runs of the built action as GitHub shows them. Three are shown in the documentation and go to
// docs/images; the others are for whoever changes a summary, and go to a folder that git ignores.

const ROOT = join(import.meta.dirname, '../..');
const SHOWN = join(ROOT, 'docs', 'images');
const OTHERS = join(ROOT, '.cache', 'pictures');
const IN_DOCS: ReadonlySet<string> = new Set(['published', 'gate-failed', 'promoted']);
const WIDTH = 900;
const JOBS: Readonly<Record<string, string>> = {
  promoted: 'production',
  'rolled-back': 'production',
  refused: 'production',
};

for (const folder of [SHOWN, OTHERS]) await mkdir(folder, { recursive: true });
const temp = await mkdtemp(join(tmpdir(), 'registry-action-pages-'));
try {
  const shots = await nineRuns();
  await using browser = await startBrowser();
  for (const { name, summary } of shots) {
    const page = join(temp, `${name}.html`);
    await writeFile(page, await summaryPage(JOBS[name] ?? 'publish', summary));
    const picture = join(IN_DOCS.has(name) ? SHOWN : OTHERS, `${name}.png`);
    const png = withPalette(await browser.capture(page, WIDTH));
    await writeFile(picture, png);
    await writeFile(join(OTHERS, `${name}.md`), summary);
    console.log(`${relative(ROOT, picture)}  ${Math.ceil(png.length / 1024)} KB`);
  }
} finally {
  await rm(temp, { recursive: true, force: true });
}
