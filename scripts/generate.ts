import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mirrorConfigSchema } from '../src/domain/mirror/read-config.ts';
import { policySchema } from '../src/domain/retention/read-policy.ts';
import { desiredStateSchema } from '../src/domain/setup/read-desired-state.ts';
import { renderDashboard } from './dashboard.ts';
import { emptyPage, fillBlocks, renderAction, renderBlocks, renderErrors } from './documents.ts';
import { renderJsonSchema, renderJsonTables } from './json-schema.ts';

const ROOT = join(import.meta.dirname, '..');

/** Every generated file, by path from the root of the repository, as it should be. */
export async function generatedFiles(root: string = ROOT): Promise<ReadonlyMap<string, string>> {
  const tables = { 'docs/json-output.md': { properties: await renderJsonTables() } };
  const pages = Object.entries({ ...renderBlocks(), ...tables }).map(async ([page, blocks]) => {
    const text = await readFile(join(root, page), 'utf8').catch(() => emptyPage(blocks));
    return [page, fillBlocks(text, blocks)] as const;
  });
  return new Map([
    ['action.yml', renderAction()],
    ['docs/errors.md', renderErrors()],
    ['docs/cleanup-policy.schema.json', `${JSON.stringify(policySchema(), undefined, 2)}\n`],
    ['docs/setup.schema.json', `${JSON.stringify(desiredStateSchema(), undefined, 2)}\n`],
    ['docs/mirror.schema.json', `${JSON.stringify(mirrorConfigSchema(), undefined, 2)}\n`],
    ['docs/output.schema.json', await renderJsonSchema()],
    ['monitoring/grafana-dashboard.json', renderDashboard()],
    ...(await Promise.all(pages)),
  ]);
}

/** The generated files that are not as they should be. */
export async function staleFiles(root: string = ROOT): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const [file, content] of await generatedFiles(root)) {
    const present = await readFile(join(root, file), 'utf8').catch(() => undefined);
    if (present !== content) stale.push(file);
  }
  return stale;
}

if (import.meta.main) {
  const stale = await staleFiles();
  if (process.argv.includes('--check')) {
    for (const file of stale)
      console.error(`${file} differs from what the tables in src say. Run: node scripts/generate.ts`);
    if (stale.length > 0) process.exitCode = 1;
    else console.log('All generated files are up to date.');
  } else {
    const files = await generatedFiles();
    for (const file of stale) {
      await mkdir(join(ROOT, dirname(file)), { recursive: true });
      await writeFile(join(ROOT, file), files.get(file) ?? '');
      console.log(`wrote ${file}`);
    }
  }
}
