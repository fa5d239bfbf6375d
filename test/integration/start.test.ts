import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ActionOptions, actionEntry, runAction } from '../support/action.ts';
import { startRegistry } from '../support/registry.ts';

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

/** A text that only the program of each command has, to find its chunk. */
const PROGRAMS: Readonly<Record<string, string>> = {
  cleanup: 'The cleanup is complete',
  login: 'No credentials found for',
  mirror: 'Every target has what its source has',
  promote: 'The next run writes it',
  publish: 'There is nothing to publish',
  report: 'verification of signatures',
  setup: 'There was nothing to change.',
  verify: 'so it cannot be verified',
};

const POLICY = 'rules:\n  - { select: { tagged: false }, remove: { older-than: 7d } }';
const mirrors = (host: string) => `version: 1\nmirrors:\n  - { from: "${host}/a", to: "${host}/b", tags: [latest] }`;

/** Command, whose program it runs, and inputs that are valid. */
const RUNS: readonly (readonly [string, string, (host: string) => Readonly<Record<string, string>>])[] = [
  ['publish', 'publish', (host) => ({ images: `${host}/app`, source: 'none', tags: 'type=raw,value=a' })],
  ['merge', 'publish', (host) => ({ images: `${host}/app`, layouts: 'none', platforms: 'linux/amd64' })],
  ['promote', 'promote', (host) => ({ images: `${host}/app`, from: 'main', environment: 'production' })],
  ['verify', 'verify', (host) => ({ images: `${host}/app:1`, 'signer-key': 'none.pub' })],
  ['cleanup', 'cleanup', (host) => ({ images: `${host}/app`, policy: POLICY })],
  ['setup', 'setup', (host) => ({ config: `version: 1\nregistries:\n  r: { at: "${host}" }` })],
  ['mirror', 'mirror', (host) => ({ config: mirrors(host), 'dry-run': 'true' })],
  ['report', 'report', (host) => ({ images: `${host}/app` })],
  ['login', 'login', (host) => ({ registry: host })],
];

describe('a command loads its own program and no other', async () => {
  const dist = dirname(actionEntry());
  const names = (await readdir(dist)).filter((name) => name.endsWith('.js'));
  const chunks = await Promise.all(
    names.map(async (name) => ({ name: basename(name, '.js'), text: await readFile(join(dist, name), 'utf8') })),
  );
  const programs = Object.entries(PROGRAMS).map(([command, text]) => ({
    command,
    chunks: chunks.filter((chunk) => chunk.text.includes(text)).map(({ name }) => name),
  }));

  test.each(programs)('the program of $command is in one chunk', (program) => {
    expect(program.chunks).toHaveLength(1);
  });

  test.each(RUNS)('%s', async (command, program, inputs) => {
    await using registry = await startRegistry();
    const { run, files } = await filesRead({ command, ...inputs(registry.host) });
    const loaded = programs.filter((each) => each.chunks.some((chunk) => files.includes(chunk)));
    expect(
      loaded.map((each) => each.command),
      run.log,
    ).toEqual([program]);
  });
});
