import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);

const COMMAND = `import { REGISTRY_INPUTS, type RegistrySettings, registrySettings } from '../../inputs/registry-inputs.ts';
import { flag, type InputsOf, text } from '../../inputs/schema.ts';
import { defineCommand } from '../../run/define-command.ts';

const INPUTS = {
  ...REGISTRY_INPUTS,
  whom: text({ group: 'Run', about: 'Whom to greet.' }),
  loud: flag({ group: 'Run', about: 'Whether to shout.', default: 'false' }),
} as const;

interface Settings {
  readonly registries: RegistrySettings;
  readonly whom: string;
  readonly loud: boolean;
}

function settings(inputs: InputsOf<typeof INPUTS>): Settings {
  return { registries: registrySettings(inputs), whom: inputs.whom ?? 'world', loud: inputs.loud };
}

export const greet = defineCommand({
  name: 'greet',
  about: '\`greet\` says hello.',
  inputs: INPUTS,
  rules: [({ whom, loud }) => (loud && whom === undefined ? '\`loud\` needs \`whom\`.' : undefined)],
  settings,
  outputs: { greeting: 'What was said.' },
  outcomes: { greeted: { about: 'Said hello.', heading: 'Greeted' } },
  situation: 'read',
  load: () => import('./program.ts'),
});
`;

const PROGRAM = `import type { ActionError } from '../../errors/action-error.ts';
import { failure } from '../../errors/outcome.ts';
import type { Runtime } from '../../runtime/runtime.ts';

interface Result {
  readonly outcome: string;
  readonly errors: readonly ActionError[];
  readonly greeting: string;
}

export async function run(
  { log }: Runtime,
  { whom, loud }: { readonly whom: string; readonly loud: boolean },
): Promise<Result> {
  const greeting = \`Hello \${whom}\`;
  log.info(loud ? greeting.toUpperCase() : greeting);
  return { outcome: 'greeted', errors: [], greeting };
}
export const failed = (error: unknown): Result => ({ ...failure(error), greeting: '' });
export const outputs = ({ outcome, greeting }: Result) => ({ outcome, greeting });
export const json = ({ greeting }: Result) => ({ greeting });
export const summary = ({ greeting }: Result) => \`## \${greeting}\`;
`;

const JSON_SCHEMA = `import { z } from 'zod';
import { COMMON } from '../../report/json-schema.ts';

export const JSON_SCHEMA = z
  .strictObject({
    ...COMMON,
    command: z.literal('greet').describe('The command.'),
    greeting: z.string().describe('What was said.'),
  })
  .meta({ id: 'Greet' });
`;

test('a command is a folder and one line in the list of commands', { timeout: 120_000 }, async () => {
  const copy = await mkdtemp(join(tmpdir(), 'toy-command-'));
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  for (const name of ['src', 'scripts', 'docs', 'test/support', 'package.json', 'tsconfig.json', 'action.yml']) {
    await cp(join(ROOT, name), join(copy, name), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const folder = join(copy, 'src/commands/greet');
  await mkdir(folder);
  await writeFile(join(folder, 'command.ts'), COMMAND);
  await writeFile(join(folder, 'program.ts'), PROGRAM);
  await writeFile(join(folder, 'json-schema.ts'), JSON_SCHEMA);
  const list = join(copy, 'src/app/commands.ts');
  await writeFile(list, `${await readFile(list, 'utf8')}export { greet } from '../commands/greet/command.ts';\n`);

  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const node = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    run(process.execPath, [...args], { cwd: copy, env: { PATH: process.env.PATH, HOME: copy, ...env } });
  const types = (): Promise<string> =>
    run(tsc, [], { cwd: copy }).then(
      () => '',
      (error: { readonly stdout: string }) => error.stdout,
    );
  expect(await types()).toBe('');
  await node(['scripts/architecture.ts']);
  await node(['scripts/generate.ts']);

  const action = await readFile(join(copy, 'action.yml'), 'utf8');
  expect(action).toMatch(/`greet` says hello\./);
  expect(action).toMatch(/^ {2}whom:\n {4}description: Whom to greet\./m);
  expect(action).toMatch(/^ {2}greeting:\n {4}description: "?With `command: greet`: What was said\./m);
  const page = await readFile(join(copy, 'docs/greet.md'), 'utf8');
  expect(page).toContain('| `loud` | `false` | Whether to shout. |');
  expect(page).toContain('| `greeted` | succeeds | Said hello. |');
  expect(page).toContain('| `invalid-input` | fails |');

  expect(await readFile(join(copy, 'docs/json-output.md'), 'utf8')).toContain('`command: greet`');

  const runner = { RUNNER_TEMP: copy, GITHUB_WORKSPACE: copy };
  const step = async (inputs: Readonly<Record<string, string>>) => {
    const variables = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
    const files = { output: join(copy, 'out'), summary: join(copy, 'summary'), state: join(copy, 'state') };
    for (const file of Object.values(files)) await writeFile(file, '');
    const env = {
      ...runner,
      ...Object.fromEntries(variables),
      GITHUB_OUTPUT: files.output,
      GITHUB_STEP_SUMMARY: files.summary,
      GITHUB_STATE: files.state,
    };
    const { stdout } = await node(['src/main.ts'], env).catch((error: { readonly stdout: string }) => error);
    return { log: stdout, outputs: await readFile(files.output, 'utf8'), page: await readFile(files.summary, 'utf8') };
  };
  const greeted = await step({ command: 'greet', whom: 'Ada', loud: 'true' });
  expect(greeted.log).toContain('HELLO ADA');
  expect(greeted.outputs).toContain('Hello Ada');
  expect(greeted.page).toContain('## Hello Ada');
  expect((await step({ whom: 'Ada' })).log).toContain('`whom`: belongs to `command: greet`');
  expect((await step({ command: 'gret' })).log).toContain('Did you mean `greet`?');
  expect((await step({ command: 'greet', loudd: 'true' })).log).toContain('Did you mean `loud`?');
  expect((await step({ command: 'greet', loud: 'true' })).log).toContain('`loud` needs `whom`.');

  // A command cannot read an input that is not its own.
  await writeFile(join(folder, 'command.ts'), COMMAND.replace('inputs.loud }', "inputs['dry-run'] }"));
  expect(await types()).toContain("Property 'dry-run' does not exist");
});
