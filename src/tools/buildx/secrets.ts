import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { csvRecord } from '../../domain/build-arguments.ts';
import { type BuildRequest, gitHost } from '../../domain/build-request.ts';
import { ActionError, throwAll } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';

/** Secrets of one build, accessible to buildx until `dispose`. */
export interface BuildSecrets {
  /** Values of `--secret`: names and paths, no secret values. */
  readonly arguments: readonly string[];
  /** Removes every secret from a text before it is logged. */
  readonly redact: (text: string) => string;
  readonly dispose: () => Promise<void>;
}

/** BuildKit's own limit for secrets. */
const MAX_SECRET_BYTES = 500 * 1024;
/** Masking shorter texts would hide parts of ordinary words. */
const MIN_MASK_LENGTH = 3;
const SECRET_ID = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]*$/;

/**
 * Makes the secrets of a build available to buildx (P8): values as files that only this user can read, in a folder that
 * `dispose` removes; the user's variables and files stay where they are. A missing or malformed secret is an error,
 * because a build without it fails late or produces the wrong image.
 * @param token for git contexts on the host of the event's server
 * @throws ActionError or ActionErrors INPUT_INVALID, all problems at once
 */
export async function placeSecrets(
  runtime: Runtime,
  request: BuildRequest,
  git: { readonly token?: string | undefined; readonly serverUrl: string },
): Promise<BuildSecrets> {
  const problems: ActionError[] = [];
  const refuse = (input: string, message: string) =>
    problems.push(new ActionError('INPUT_INVALID', `\`${input}\`: ${message}`, { facts: { input } }));
  for (const input of ['secrets', 'secret-envs', 'secret-files'] as const) {
    const entries = {
      secrets: request.secrets,
      'secret-envs': request.secretEnvs,
      'secret-files': request.secretFiles,
    }[input];
    for (const [at, { name }] of entries.entries()) {
      if (!SECRET_ID.test(name))
        refuse(input, `the id of entry ${at + 1} is not one: letters, digits and _ . : / - are.`);
    }
  }

  const known: string[] = [];
  const inFiles: string[] = [];
  const fromEnvironment = request.secretEnvs.map(({ name, value }) => {
    const secret = runtime.env[value];
    if (secret === undefined) refuse('secret-envs', `the variable ${value}, for the secret ${name}, is not set.`);
    else if (secret === '')
      refuse(
        'secret-envs',
        `the variable ${value}, for the secret ${name}, is empty: not set for this event? Pull requests from forks do not receive secrets.`,
      );
    else known.push(secret);
    return csvRecord([`id=${name}`, `env=${value}`]);
  });
  const fromFiles: string[] = [];
  for (const { name, value } of request.secretFiles) {
    const file = resolve(runtime.workspace, value);
    const facts = await stat(file).catch(() => undefined);
    if (!facts?.isFile()) refuse('secret-files', `${file}, for the secret ${name}, is not a file.`);
    else if (facts.size > MAX_SECRET_BYTES)
      refuse(
        'secret-files',
        `${file}, for the secret ${name}, has ${facts.size} bytes; ${MAX_SECRET_BYTES} are allowed.`,
      );
    else inFiles.push(await readFile(file, 'utf8'));
    fromFiles.push(csvRecord([`id=${name}`, `src=${file}`]));
  }
  throwAll(problems);

  const values = [...request.secrets, ...gitToken(request, git)];
  known.push(...values.map(({ value }) => value));
  // Values are masked as a whole, files are not: a mask that matches ordinary words makes the runner drop outputs.
  for (const secret of known) if (secret.trim().length >= MIN_MASK_LENGTH) runtime.secret(secret);
  const secrets = [...wordsOf(known, 4), ...wordsOf(inFiles, 12)].sort((a, b) => b.length - a.length);
  const directory = await mkdtemp(join(runtime.temp, 'secrets-'));
  const dispose = () => rm(directory, { recursive: true, force: true });
  try {
    const written = await Promise.all(
      values.map(async ({ name, value }, at) => {
        const file = join(directory, String(at));
        await writeFile(file, value, { mode: 0o600, flag: 'wx' });
        return csvRecord([`id=${name}`, `src=${file}`]);
      }),
    );
    const redact = (text: string) => secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
    return { arguments: [...written, ...fromEnvironment, ...fromFiles], redact, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/**
 * The secrets that BuildKit uses to fetch a git context: `moby/buildkit/source/git`. The user's own takes precedence.
 */
function gitToken(
  { context, buildContexts, secrets, secretEnvs, secretFiles }: BuildRequest,
  { token, serverUrl }: { readonly token?: string | undefined; readonly serverUrl: string },
) {
  const host = URL.parse(serverUrl)?.host.toLowerCase();
  const contexts = [context, ...buildContexts.map(({ value }) => value)];
  const fetched = host !== undefined && contexts.some((each) => gitHost(each) === host);
  const given = [...secrets, ...secretEnvs, ...secretFiles].some(({ name }) => name.startsWith('GIT_AUTH_TOKEN'));
  return fetched && !given && token !== undefined && token !== ''
    ? [{ name: `GIT_AUTH_TOKEN.${host}`, value: token }]
    : [];
}

/** Whole secrets, and each line of multi-line ones. Short ones would mask half of the text. */
function wordsOf(secrets: readonly string[], shortest: number): readonly string[] {
  const words = secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/)].map((word) => word.trim()));
  return [...new Set(words)].filter((word) => word.length >= shortest);
}
