import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fieldsOf } from '../../src/domain/fields.ts';
import { actionEntry } from '../support/action.ts';
import { pushEvent } from '../support/repository.ts';
import { run } from './programs.ts';
import type { Scene } from './scene.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** act does not say which commit a reusable workflow is of: in its place stands the action that it is told to have. */
function withReleased(workflow: string): string {
  const own = /^ {6}# This workflow's own commit:[\s\S]*?^ {6}- id: promote\n {8}uses: \.\/\.registry-action$/gm;
  const replaced = workflow.replaceAll(own, '      - id: promote\n        uses: org/registry-action@v1');
  if (replaced.includes('.registry-action')) throw new Error('The steps of promote.yml have another form.');
  return replaced;
}

/** What is tagged at a release: the metadata, the bundle and the reusable workflow. @returns the folder */
async function release(scene: Scene): Promise<string> {
  const folder = join(scene.directory, 'action');
  const workflow = join('.github', 'workflows', 'promote.yml');
  await mkdir(join(folder, dirname(workflow)), { recursive: true });
  await cp(join(ROOT, 'action.yml'), join(folder, 'action.yml'));
  await writeFile(join(folder, workflow), withReleased(await readFile(join(ROOT, workflow), 'utf8')));
  await cp(dirname(actionEntry()), join(folder, 'dist'), { recursive: true });
  return folder;
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
): Promise<{ readonly exitCode: number; readonly log: string }> {
  const { repository } = scene;
  const file = '.github/workflows/run.yml';
  await repository.commit('A workflow', { [file]: workflow });
  await repository.git('remote', 'set-url', 'origin', 'https://github.com/org/app.git');
  const event = join(scene.directory, 'event.json');
  await writeFile(event, JSON.stringify((await pushEvent(repository)).payload));
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: path,
    HOME: scene.directory,
    XDG_CACHE_HOME: join(scene.directory, 'cache'),
  };
  const options = [
    ...['push', '--eventpath', event, '--workflows', file],
    ...['--platform', 'ubuntu-latest=-self-hosted'],
    ...['--local-repository', `org/registry-action@v1=${await release(scene)}`],
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
