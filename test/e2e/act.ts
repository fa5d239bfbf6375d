import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Fields, fieldsOf } from '../../src/domain/fields.ts';
import { actionEntry } from '../support/action.ts';
import { pushEvent } from '../support/repository.ts';
import { run } from './programs.ts';
import type { Scene } from './scene.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** act does not say which commit a reusable workflow is of: in its place stands the action that it is told to have. */
function withReleased(workflow: string): string {
  const own =
    /^ {6}# This workflow's own commit[:,][\s\S]*?^ {6}- id: (\w+)\n {8}uses: \.\/(?:\.\.\/)?\.registry-action$/gm;
  const replaced = workflow.replaceAll(own, '      - id: $1\n        uses: org/registry-action@v1');
  if (replaced.includes('.registry-action')) throw new Error('The steps of a reusable workflow have another form.');
  return replaced;
}

const RUN_ID = 4242;

const REUSABLE = ['promote.yml', 'cleanup.yml', 'publish.yml'];

const reusable = () => Promise.all(REUSABLE.map((name) => readFile(join(ROOT, '.github', 'workflows', name), 'utf8')));

/** What is tagged at a release: the metadata, the bundle and the reusable workflows. @returns the folder */
async function release(scene: Scene): Promise<string> {
  const folder = join(scene.directory, 'action');
  const workflows = join('.github', 'workflows');
  await mkdir(join(folder, workflows), { recursive: true });
  await cp(join(ROOT, 'action.yml'), join(folder, 'action.yml'));
  for (const name of REUSABLE) {
    const text = await readFile(join(ROOT, workflows, name), 'utf8');
    await writeFile(join(folder, workflows, name), withReleased(text));
  }
  await cp(dirname(actionEntry()), join(folder, 'dist'), { recursive: true });
  return folder;
}

/**
 * GitHub's actions for artifacts need its service: in their place files go to a folder and come from there.
 * @param texts of the workflows that may use them
 */
async function artifacts(scene: Scene, texts: readonly string[]): Promise<readonly string[]> {
  const folder = join(scene.directory, 'artifacts');
  await mkdir(folder, { recursive: true });
  const inputs =
    '{ name: {}, path: {}, pattern: {}, compression-level: {}, if-no-files-found: {}, retention-days: {}, overwrite: {} }';
  const steps = {
    upload: 'rm -rf "$FOLDER/$NAME" && cp -r "$PATH_OF_FILE" "$FOLDER/$NAME"',
    download:
      'if [ -z "$PATTERN" ]; then cp "$FOLDER/$NAME" "$NAME.json"; else mkdir -p "$PATH_OF_FILE" && cp -r "$FOLDER"/$PATTERN "$PATH_OF_FILE"; fi',
  };
  const options: string[] = [];
  for (const [what, command] of Object.entries(steps)) {
    const action = join(scene.directory, `${what}-artifact`);
    await mkdir(action, { recursive: true });
    const env = `{ FOLDER: ${JSON.stringify(folder)}, NAME: "\${{ inputs.name }}", PATTERN: "\${{ inputs.pattern }}", PATH_OF_FILE: "\${{ inputs.path }}" }`;
    const step = `{ shell: bash, run: ${JSON.stringify(command)}, env: ${env} }`;
    await writeFile(
      join(action, 'action.yml'),
      `name: ${what}\ninputs: ${inputs}\nruns: { using: composite, steps: [${step}] }\n`,
    );
    const used = texts.flatMap((text) => [...text.matchAll(new RegExp(`actions/${what}-artifact@[0-9a-f]{40}`, 'g'))]);
    for (const name of new Set(used.map(([match]) => match))) options.push('--local-repository', `${name}=${action}`);
  }
  return options;
}

/**
 * Runs a workflow of the scene's repository as GitHub would after a push, with the action of this checkout as
 * `org/registry-action@v1`.
 * @param workflow its text, which is committed as `.github/workflows/run.yml`
 * @param secrets of the repository; only for tests, as they are on the command line of act
 */
export async function runWorkflow(
  scene: Scene,
  workflow: string,
  secrets: Readonly<Record<string, string>> = {},
  {
    event: kind = 'push',
    payload = {},
    matrix = [],
    attempt = 1,
  }: {
    /** Default: a push. */
    readonly event?: string;
    /** Fields of the event on top of those of a push. */
    readonly payload?: Fields;
    /** The jobs of a matrix that run, `platform:linux/amd64`; default: all. */
    readonly matrix?: readonly string[];
    /** Above 1: the run of the latest commit again, with the artifacts of the attempts before it. */
    readonly attempt?: number;
  } = {},
): Promise<{ readonly exitCode: number; readonly log: string }> {
  const { repository } = scene;
  const file = '.github/workflows/run.yml';
  if (attempt === 1) await repository.commit('A workflow', { [file]: workflow });
  await repository.git('remote', 'set-url', 'origin', 'https://github.com/org/app.git');
  const event = join(scene.directory, 'event.json');
  await writeFile(event, JSON.stringify({ ...(await pushEvent(repository)).payload, ...payload }));
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: path,
    HOME: scene.directory,
    XDG_CACHE_HOME: join(scene.directory, 'cache'),
  };
  const options = [
    ...[kind, '--eventpath', event, '--workflows', file],
    ...matrix.flatMap((each) => ['--matrix', each]),
    ...['--env', `GITHUB_RUN_ID=${RUN_ID}`, '--env', `GITHUB_RUN_ATTEMPT=${attempt}`],
    ...['--platform', 'ubuntu-latest=-self-hosted'],
    ...['--local-repository', `org/registry-action@v1=${await release(scene)}`],
    ...(await artifacts(scene, [workflow, ...(await reusable())])),
    ...['--no-cache-server', '--artifact-server-path', '', '--env', `PATH=${path}`],
    ...Object.entries(secrets).flatMap(([name, value]) => ['--secret', `${name}=${value}`]),
    ...['--env', `DOCKER_HOST=${env.DOCKER_HOST}`, '--env', `DOCKER_CONFIG=${env.DOCKER_CONFIG}`],
  ];
  try {
    const log = await run('act', options, { cwd: repository.directory, env, timeout: 170_000 });
    return { exitCode: 0, log };
  } catch (error) {
    // A job that fails is an exit code; anything else, such as a signal, is none.
    const { code, stdout, stderr } = fieldsOf(error instanceof Error ? error.cause : undefined);
    if (typeof code !== 'number') throw error;
    return { exitCode: code, log: `${String(stdout)}\n${String(stderr)}` };
  }
}
