import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, realpath, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fieldsOf, isFields } from '../domain/fields.ts';
import { ActionError } from '../errors/action-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { DOCKER_HUB_KEY, dockerConfigDirectory, keysOf, type Login } from './docker-config.ts';

/** The changes of a login, so that the logout can revert exactly those. Contains secrets: stored in a private file. */
interface Filed {
  readonly file: string;
  /** The file and its directory did not exist before. */
  readonly madeFile: boolean;
  readonly madeDirectory: boolean;
  /** Permission bits of the file before the login. */
  readonly mode: number;
  readonly entries: readonly {
    readonly key: string;
    readonly wrote: string;
    /** The previous entries in docker's file under all names of the host. */
    readonly auths: Readonly<Record<string, unknown>>;
    readonly helpers: Readonly<Record<string, unknown>>;
  }[];
}

const STATE_FILE = 'docker-logins.json';
const PRIVATE_MODE = 0o600;

/**
 * Adds logins to docker's configuration on this runner, where docker, buildx, crane, oras, cosign and others look for
 * them. Other entries are kept; {@link withdrawLogins} restores replaced ones.
 * @returns the file
 * @throws ActionError INPUT_INVALID when the file is not docker's configuration
 */
export async function fileLogins(runtime: Runtime, logins: readonly Login[]): Promise<string> {
  try {
    return await file(runtime, logins);
  } catch (error) {
    if (error instanceof ActionError || !(error instanceof Error)) throw error;
    const directory = dockerConfigDirectory(runtime.env);
    throw new ActionError(
      'INPUT_INVALID',
      `The logins cannot be filed in ${directory}: ${error.message}. Set DOCKER_CONFIG to a folder that can be written.`,
      { cause: error },
    );
  }
}

async function file(runtime: Runtime, logins: readonly Login[]): Promise<string> {
  const directory = dockerConfigDirectory(runtime.env);
  const madeDirectory = !existsSync(directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // Writes through a symbolic link and keeps the link.
  const given = join(directory, 'config.json');
  const madeFile = !existsSync(given);
  const target = madeFile ? given : await realpath(given);
  const config = await read(target);

  const auths = { ...fieldsOf(config.auths) };
  const helpers = { ...fieldsOf(config.credHelpers) };
  const entries = logins.map(({ host, username, password }) => {
    const key = host === 'docker.io' ? DOCKER_HUB_KEY : host;
    const names = keysOf(host);
    const before = { auths: pick(auths, names), helpers: pick(helpers, names) };
    for (const name of names) {
      delete auths[name];
      delete helpers[name];
    }
    const wrote = Buffer.from(`${username}:${password}`).toString('base64');
    runtime.secret(wrote);
    auths[key] = { auth: wrote };
    // An empty helper makes tools read this entry from the file, even if a credential store is set for all others.
    if (typeof config.credsStore === 'string') helpers[key] = '';
    return { key, wrote, ...before };
  });
  const mode = madeFile ? PRIVATE_MODE : (await stat(target)).mode % 0o1000;
  const filed: Filed = { file: target, madeFile, madeDirectory, mode, entries };
  // Saved before the logins themselves: a job that is cancelled in between must still log out.
  await writeFile(join(runtime.temp, STATE_FILE), JSON.stringify(filed), { mode: 0o600 });
  await replace(target, compose(config, auths, helpers), PRIVATE_MODE);
  return target;
}

/**
 * Removes what {@link fileLogins} wrote. Entries changed by something else in the meantime are kept.
 * @returns the number of logins removed; undefined when there were none
 */
export async function withdrawLogins(runtime: Runtime): Promise<number | undefined> {
  const record = join(runtime.temp, STATE_FILE);
  if (!existsSync(record)) return undefined;
  const filed = readFiled(await readFile(record, 'utf8'));
  if (!existsSync(filed.file)) return 0;
  const config = await read(filed.file);
  let auths = { ...fieldsOf(config.auths) };
  let helpers = { ...fieldsOf(config.credHelpers) };
  let count = 0;
  for (const entry of filed.entries) {
    if (fieldsOf(auths[entry.key]).auth !== entry.wrote) continue;
    delete auths[entry.key];
    if (helpers[entry.key] === '') delete helpers[entry.key];
    auths = { ...auths, ...entry.auths };
    helpers = { ...helpers, ...entry.helpers };
    count++;
  }
  const content = compose(config, auths, helpers);
  if (filed.madeFile && Object.keys(content).every((name) => name === 'auths') && Object.keys(auths).length === 0) {
    await rm(filed.file);
    // Only if nothing else was stored there.
    if (filed.madeDirectory) await rmdir(dirname(filed.file)).catch(() => undefined);
  } else await replace(filed.file, content, filed.mode);
  return count;
}

function compose(
  config: Readonly<Record<string, unknown>>,
  auths: Readonly<Record<string, unknown>>,
  helpers: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { credHelpers, ...rest } = config;
  const keep =
    Object.keys(helpers).length > 0 || (credHelpers !== undefined && Object.keys(fieldsOf(credHelpers)).length === 0);
  return { ...rest, auths, ...(keep ? { credHelpers: helpers } : {}) };
}

function pick(from: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.flatMap((name) => (Object.hasOwn(from, name) ? [[name, from[name]]] : [])));
}

async function read(file: string): Promise<Readonly<Record<string, unknown>>> {
  const text = existsSync(file) ? await readFile(file, 'utf8') : '';
  let parsed: unknown;
  try {
    parsed = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  if (isFields(parsed)) return parsed;
  throw new ActionError('INPUT_INVALID', `docker's configuration ${file} is not a JSON object; repair or remove it.`, {
    facts: { file },
  });
}

/**
 * Replaces the file atomically, so that tools reading it at this moment see the old or the new one. Keeps its owner,
 * who may differ from the user of a job in a container.
 */
async function replace(file: string, content: unknown, mode: number): Promise<void> {
  const next = join(dirname(file), `.${basename(file)}.${randomUUID()}`);
  try {
    await writeFile(next, `${JSON.stringify(content, undefined, '\t')}\n`, { mode: 0o600 });
    const owner = await stat(file).catch(() => undefined);
    if (owner !== undefined) await chown(next, owner.uid, owner.gid).catch(() => undefined);
    await chmod(next, mode);
    await rename(next, file);
  } catch (error) {
    // A full disk or a mounted file: leave no second copy of all logins behind.
    await rm(next, { force: true });
    throw error;
  }
}

function readFiled(text: string): Filed {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Without the parser's message, which quotes the text.
    throw new Error('the record of them is broken');
  }
  const { file, madeFile, madeDirectory, mode, entries } = fieldsOf(parsed);
  return {
    file: String(file),
    madeFile: madeFile === true,
    madeDirectory: madeDirectory === true,
    mode: typeof mode === 'number' ? mode : PRIVATE_MODE,
    entries: (Array.isArray(entries) ? entries : []).map((entry: unknown) => {
      const { key, wrote, auths, helpers } = fieldsOf(entry);
      return { key: String(key), wrote: String(wrote), auths: fieldsOf(auths), helpers: fieldsOf(helpers) };
    }),
  };
}
