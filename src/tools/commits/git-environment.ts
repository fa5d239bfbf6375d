import { devNull } from 'node:os';
import { dirname } from 'node:path';
import { childEnvironment, type Runtime } from '../../runtime/runtime.ts';

/** A git setting: its name, and the value that overrides the repository's. */
export type GitSetting = readonly [name: string, value: string];

/**
 * Settings that make git run a program, each with a value that runs none. Set whether or not the repository has them.
 * https://git-scm.com/docs/git-config
 */
const HARMLESS_SETTINGS: readonly GitSetting[] = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', devNull],
  ['core.pager', 'cat'],
  ['core.askPass', ''],
  ['core.editor', 'false'],
  ['log.showSignature', 'false'],
  ['status.submoduleSummary', 'false'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['maintenance.auto', 'false'],
  ['gc.auto', '0'],
];

/**
 * The same for settings with names chosen by the repository, and for those whose override would disable the user's own.
 */
const HARMLESS_NAMED_SETTINGS: readonly (readonly [name: RegExp, value: string])[] = [
  // An empty value resets the list of helpers: https://git-scm.com/docs/gitcredentials
  [/^credential\.(?:.+\.)?helper$/, ''],
  [/^filter\..+\.(?:clean|smudge|process)$/, ''],
  [/^filter\..+\.required$/, 'false'],
  [/^diff\.external$/, 'true'],
  [/^diff\..+\.(?:command|textconv)$/, 'true'],
  [/^merge\..+\.driver$/, 'false'],
  [/^gpg\.(?:.+\.)?program$/, 'false'],
  [/^gpg\.ssh\.defaultkeycommand$/, 'false'],
  [/^core\.alternaterefscommand$/, 'true'],
  [/^lfs\.customtransfer\..+\.path$/, 'false'],
  [/^lfs\.extension\..+\.(?:clean|smudge)$/, 'cat'],
];

/**
 * Git uses the first of several values for this setting, so it cannot be overridden. It names a program if the remote
 * is a path.
 */
const UPLOAD_PACK = /^remote\..+\.(?:uploadpack|receivepack)$/;

/** The values written by `git lfs install --local`, as with actions/checkout and `lfs: true`. */
const LFS_FILTER = /^git-lfs (?:clean -- %f|smudge(?: --skip)? -- %f|filter-process(?: --skip)?)$/;

/**
 * Variables that keep a repository's configuration from running programs. Pure.
 * @param configured `git config --list --show-scope -z`
 */
export function safetyFor(configured: string): {
  readonly settings: readonly GitSetting[];
  readonly protocols: string;
} {
  const fields = configured.split('\0');
  const found = new Map<string, string>();
  let protocols = ALLOWED_PROTOCOLS;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [scope = '', entry = ''] = [fields[at], fields[at + 1]];
    const [name = '', value = ''] = entry.split(/\n(.*)/s, 2);
    if (scope !== 'local' && scope !== 'worktree') continue;
    if (UPLOAD_PACK.test(name)) protocols = NETWORK_PROTOCOLS;
    if (name.startsWith('filter.lfs.') && (LFS_FILTER.test(value) || name === 'filter.lfs.required')) continue;
    const rule = HARMLESS_NAMED_SETTINGS.find(([pattern]) => pattern.test(name));
    if (rule !== undefined) found.set(name, rule[1]);
  }
  return { settings: [...HARMLESS_SETTINGS, ...found], protocols };
}

// https://git-scm.com/docs/git#Documentation/git.txt-GITALLOWPROTOCOL
const NETWORK_PROTOCOLS = 'https:http:ssh';
const ALLOWED_PROTOCOLS = `${NETWORK_PROTOCOLS}:file`;

/**
 * The settings of all scopes that apply in a folder: `git config --list --show-scope -z`.
 * @throws what `runtime.exec` throws
 */
export async function listSettings(runtime: Runtime, directory: string = runtime.workspace): Promise<string> {
  const args = ['-C', directory, 'config', '--list', '--includes', '--show-scope', '-z'];
  const env = environmentOf(runtime, HARMLESS_SETTINGS, ALLOWED_PROTOCOLS);
  return (await runtime.exec('git', args, { env, timeout: 30_000 })).stdout;
}

/** The value of a setting that git would use, which is the last one. */
export function settingIn(listed: string, name: string): string | undefined {
  const entry = listed.split('\0').findLast((field) => field.startsWith(`${name}\n`));
  return entry?.slice(name.length + 1);
}

/**
 * The environment of git in the workspace. Write access to the workspace must not be enough to run a program (P8):
 * repository settings that name programs are overridden, only git's own protocols are allowed (not `ext::`), and
 * terminal prompts are disabled. Repositories around the workspace are ignored. Submodules have their own
 * configuration: do not let git inspect them.
 * @param listed the result of {@link listSettings} for the folder that git runs in
 * @param more settings of the caller
 */
export function gitEnvironment(
  runtime: Runtime,
  listed: string,
  more: readonly GitSetting[] = [],
): Readonly<Record<string, string>> {
  const { settings, protocols } = safetyFor(listed);
  return environmentOf(runtime, [...settings, ...more], protocols);
}

function environmentOf(
  runtime: Runtime,
  settings: readonly GitSetting[],
  protocols: string,
): Readonly<Record<string, string>> {
  return childEnvironment(runtime.env, ['SSH_AUTH_SOCK'], {
    // The checkout may belong to another user (container jobs), as may one in a subfolder: git only reads here.
    ...safety(runtime.env, [['safe.directory', '*'], ...settings], protocols),
    GIT_CEILING_DIRECTORIES: dirname(runtime.workspace),
  });
}

function safety(
  env: Runtime['env'],
  settings: readonly GitSetting[],
  protocols: string,
): Readonly<Record<string, string>> {
  return {
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GIT_PAGER: 'cat',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: protocols,
    // Takes precedence over the repository's `core.sshCommand`. Only the step itself may override it.
    GIT_SSH_COMMAND: env.GIT_SSH_COMMAND ?? 'ssh',
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([name, value], at) => [
        [`GIT_CONFIG_KEY_${at}`, name],
        [`GIT_CONFIG_VALUE_${at}`, value],
      ]),
    ),
  };
}

/** For programs that run git themselves, such as buildx, which describes the checkout in the provenance. */
export function gitSafetyOfChildren(env: Runtime['env']): Readonly<Record<string, string>> {
  return safety(env, HARMLESS_SETTINGS, ALLOWED_PROTOCOLS);
}
