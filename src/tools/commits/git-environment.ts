import { devNull } from 'node:os';
import { dirname } from 'node:path';
import { childEnvironment, type Runtime } from '../../runtime/runtime.ts';

/** A setting of git: its name and the value that takes the place of the repository's. */
export type GitSetting = readonly [name: string, value: string];

/**
 * Settings of a repository that make git run a program, each with a value that runs none. They are set whether the
 * repository has them or not. https://git-scm.com/docs/git-config
 */
const HARMLESS: readonly GitSetting[] = [
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

/** The same for settings whose name the repository chooses, and for those whose harmless value would take a user's own away. */
const NAMED: readonly (readonly [name: RegExp, value: string])[] = [
  // An empty one resets the list of helpers: https://git-scm.com/docs/gitcredentials
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

/** The first of several values counts here, so no other can take its place. It is a program where the remote is a path. */
const UPLOAD_PACK = /^remote\..+\.(?:uploadpack|receivepack)$/;

/** What `git lfs install --local` writes, as actions/checkout does with `lfs: true`. */
const LFS = /^git-lfs (?:clean -- %f|smudge(?: --skip)? -- %f|filter-process(?: --skip)?)$/;

/**
 * The variables that keep a repository's own configuration from running programs. Pure.
 * @param configured `git config --list --show-scope -z`
 */
export function safetyFor(configured: string): {
  readonly settings: readonly GitSetting[];
  readonly protocols: string;
} {
  const fields = configured.split('\0');
  const found = new Map<string, string>();
  let protocols = PROTOCOLS;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [scope = '', entry = ''] = [fields[at], fields[at + 1]];
    const [name = '', value = ''] = entry.split(/\n(.*)/s, 2);
    if (scope !== 'local' && scope !== 'worktree') continue;
    if (UPLOAD_PACK.test(name)) protocols = PROTOCOLS_OF_NETWORKS;
    if (name.startsWith('filter.lfs.') && (LFS.test(value) || name === 'filter.lfs.required')) continue;
    const rule = NAMED.find(([pattern]) => pattern.test(name));
    if (rule !== undefined) found.set(name, rule[1]);
  }
  return { settings: [...HARMLESS, ...found], protocols };
}

// https://git-scm.com/docs/git#Documentation/git.txt-GITALLOWPROTOCOL
const PROTOCOLS_OF_NETWORKS = 'https:http:ssh';
const PROTOCOLS = `${PROTOCOLS_OF_NETWORKS}:file`;

/**
 * The environment of git in the workspace. Whoever can write to the workspace must not be able to run a program through it
 * (P8): the settings of the repository that name programs are replaced, only git's own protocols are used (`ext::` is not
 * one), and nothing is asked at a terminal. Repositories around the workspace are not taken for the job's. Submodules have a configuration of their own: do not let git look into them.
 * @param directory the folder that git runs in
 * @param more settings of the caller
 * @throws what `runtime.exec` throws
 */
export async function gitEnvironment(
  runtime: Runtime,
  directory: string = runtime.workspace,
  more: readonly GitSetting[] = [],
): Promise<Readonly<Record<string, string>>> {
  const listed = await runtime.exec('git', ['-C', directory, 'config', '--list', '--includes', '--show-scope', '-z'], {
    env: environmentOf(runtime, HARMLESS, PROTOCOLS),
    timeout: 30_000,
  });
  const { settings, protocols } = safetyFor(listed.stdout);
  return environmentOf(runtime, [...settings, ...more], protocols);
}

function environmentOf(
  runtime: Runtime,
  settings: readonly GitSetting[],
  protocols: string,
): Readonly<Record<string, string>> {
  return childEnvironment(runtime.env, ['SSH_AUTH_SOCK'], {
    // The checkout may belong to another user than the one that runs the job (container jobs), and so may one in a folder
    // of it: only reading is done here.
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
    // Comes before `core.sshCommand` of the repository. Only the step itself may name another one.
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
  return safety(env, HARMLESS, PROTOCOLS);
}
