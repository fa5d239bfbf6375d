import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { type ActionOptions, runAction } from '../support/action.ts';

/** Runs the action and tells which of its files Node has read. */
async function filesRead(inputs: ActionOptions['inputs']) {
  const list = join(tmpdir(), `files-read-${process.pid}`);
  const recorder = `
    import { appendFileSync } from 'node:fs';
    import { registerHooks } from 'node:module';
    registerHooks({ load: (url, context, next) => {
      appendFileSync(${JSON.stringify(list)}, url + '\\n');
      return next(url, context);
    } });`;
  try {
    await using run = await runAction({
      inputs,
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(recorder)}` },
    });
    const urls = (await readFile(list, 'utf8')).split('\n').filter((url) => url.startsWith('file:'));
    return { run, files: urls.map((url) => basename(url, '.js')) };
  } finally {
    await rm(list, { force: true });
  }
}

/** The chunks of libraries that most runs do without. */
const LIBRARIES = ['handlebars-template', 'pep440', 'sdk-clients', 'github', 'undici', 'tool-cache', 'tunnel-agent'];

const NAMED = { images: 'ghcr.io/org/app', push: 'false', 'dry-run': 'true', context: 'none' };

test('a start reads its inputs without any library that they do not need', async () => {
  const { run, files } = await filesRead({ ...NAMED, push: 'maybe' });
  expect(run.log).toContain('`push`: got "maybe", expected true or false.');
  expect(files).toContain('index');
  expect(files.filter((file) => LIBRARIES.includes(file))).toEqual([]);
});

test('a rule with a date loads the templates and the time zones, and no more', async () => {
  const { run, files } = await filesRead({
    ...NAMED,
    tags: "type=raw,value={{commit_date 'YYYY' tz='Asia/Tokyo'}}\ntype=nope",
  });
  expect(run.log).toContain('unknown type "nope"');
  expect(files.filter((file) => LIBRARIES.includes(file))).toEqual(['handlebars-template']);
});

test('a rule for versions of PEP 440 loads what reads them', async () => {
  const { files } = await filesRead({ ...NAMED, tags: 'type=pep440,pattern={{version}},value=1.2\ntype=nope' });
  expect(files.filter((file) => LIBRARIES.includes(file))).toEqual(['pep440']);
});
