import { access, cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { notationScope } from '../../domain/trust/notation-policy.ts';
import type { NotationKey } from '../../domain/trust/signing-key.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Tool } from '../installer.ts';
import { isolate } from '../isolation.ts';

/** The image, and how notation reaches its registry. */
export interface NotationImage {
  /** `ghcr.io/org/app` */
  readonly repository: string;
  readonly digest: string;
  readonly login?: { readonly username: string; readonly password: string } | undefined;
  readonly plainHttp: boolean;
}

/** A trust policy, and the folder with its trust stores (`ca/acme/root.crt`). */
export interface NotationTrust {
  readonly policy: string;
  readonly stores: string;
}

/** Plugins log in to their key management service with these; no other variables are passed on. */
const PLUGIN_VARIABLES = /^(?:AWS_|AZURE_|GOOGLE_|VAULT_)/;
const TIME_LIMIT_MS = 120_000;

/**
 * Signs an image with notation, which attaches the signature itself: through the referrers API, or a fallback tag. The
 * registry password is passed through the environment.
 * @throws ActionError SIGNING_KEY_UNUSABLE with the output of notation
 */
export async function signWithNotation(
  runtime: Runtime,
  tool: Tool,
  key: NotationKey,
  image: NotationImage,
): Promise<void> {
  const keyOptions = key.kind === 'plugin' ? ['--plugin', key.plugin, '--id', key.id] : ['--key', 'signing'];
  await withConfiguration(
    runtime,
    async (home) => {
      if (key.kind === 'plugin') return linkPlugins(runtime, home);
      const keys = [
        { name: 'signing', keyPath: inWorkspace(runtime, key.key), certPath: inWorkspace(runtime, key.certificate) },
      ];
      await writeFile(join(home, 'signingkeys.json'), JSON.stringify({ default: 'signing', keys }), { mode: 0o600 });
    },
    key.kind === 'plugin',
    async (run) => {
      const { exitCode, stderr, stdout } = await run(
        tool,
        ['sign', ...keyOptions, '--signature-format', 'cose', '--force-referrers-tag=false', ...target(image)],
        image,
      );
      if (exitCode === 0) return;
      throw new ActionError(
        'SIGNING_KEY_UNUSABLE',
        `notation could not sign ${image.repository}@${image.digest}: ${reason(stderr || stdout)}`,
        { facts: { input: 'sign-key' } },
      );
    },
  );
}

/**
 * Verifies an image with notation and a trust policy, which must be strict for this repository.
 * @returns the accepted identities, or why it is not verified
 * @throws ActionError TRUSTED_ROOT_INVALID when the policy or a store cannot be used
 */
export async function verifyWithNotation(
  runtime: Runtime,
  tool: Tool,
  trust: NotationTrust,
  image: NotationImage,
): Promise<
  | { readonly verified: true; readonly identities: readonly string[] }
  | { readonly verified: false; readonly reason: string }
> {
  const policy = await readPolicy(runtime, trust);
  const scope = notationScope(policy.value, image.repository);
  if (!scope.ok) return { verified: false, reason: scope.problems.join('; ') };
  return withConfiguration(
    runtime,
    async (home) => {
      await writeFile(join(home, 'trustpolicy.json'), policy.text, { mode: 0o600 });
      await cp(inWorkspace(runtime, trust.stores), join(home, 'truststore', 'x509'), { recursive: true });
    },
    false,
    async (run) => {
      const { exitCode, stderr, stdout } = await run(tool, ['verify', '--verbose', ...target(image)], image);
      return exitCode === 0
        ? { verified: true, identities: scope.value.identities }
        : { verified: false, reason: reason(stderr || stdout) };
    },
  );
}

type Run = (tool: Tool, args: readonly string[], image: NotationImage) => ReturnType<Runtime['exec']>;

/** A notation configuration for one command; the runner's own is not read. */
async function withConfiguration<T>(
  runtime: Runtime,
  prepare: (home: string) => Promise<void>,
  isPlugin: boolean,
  task: (run: Run) => Promise<T>,
): Promise<T> {
  const world = await isolate(runtime, 'notation', 'online');
  const configuration = join(world.directory, 'home', 'notation');
  try {
    await mkdir(configuration, { recursive: true, mode: 0o700 });
    await prepare(configuration);
    const own = Object.entries(runtime.env).filter(
      (entry): entry is [string, string] => isPlugin && entry[1] !== undefined && PLUGIN_VARIABLES.test(entry[0]),
    );
    return await task((tool, args, { login }) =>
      runtime.exec(tool.path, args, {
        env: {
          ...world.env,
          ...Object.fromEntries(own),
          ...(login === undefined ? {} : { NOTATION_USERNAME: login.username, NOTATION_PASSWORD: login.password }),
        },
        cwd: world.cwd,
        timeout: TIME_LIMIT_MS,
      }),
    );
  } finally {
    await rm(world.directory, { recursive: true, force: true });
  }
}

function target({ repository, digest, plainHttp }: NotationImage): readonly string[] {
  return [...(plainHttp ? ['--insecure-registry'] : []), `${repository}@${digest}`];
}

/** Plugins are programs installed by the user: they are used in place. */
async function linkPlugins(runtime: Runtime, home: string): Promise<void> {
  const { XDG_CONFIG_HOME: configuration, HOME: user = '' } = runtime.env;
  const installed = join(configuration || join(user, '.config'), 'notation', 'plugins');
  if (
    await access(installed).then(
      () => true,
      () => false,
    )
  ) {
    await symlink(installed, join(home, 'plugins'));
  }
}

async function readPolicy(
  runtime: Runtime,
  { policy }: NotationTrust,
): Promise<{ readonly text: string; readonly value: unknown }> {
  try {
    const text = await readFile(inWorkspace(runtime, policy), 'utf8');
    return { text, value: JSON.parse(text) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ActionError('TRUSTED_ROOT_INVALID', `The trust policy ${policy} cannot be read: ${why}`, {
      facts: { input: 'trusted-root' },
      cause: error,
    });
  }
}

function inWorkspace(runtime: Runtime, path: string): string {
  return isAbsolute(path) ? path : join(runtime.workspace, path);
}

/** A line of notation's log about one signature. */
const FAILURE = /^level=warning msg="?Signature .*? failed verification with error: (.*?)"?$/;
const MAX_REASONS = 4;

function reason(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const said = lines.findLast((line) => line.startsWith('Error: ')) ?? lines.at(-1) ?? 'it gave no reason';
  // Why each signature failed is only in the log: the error says the same for a foreign key and an expired certificate.
  const causes = lines.flatMap((line) => FAILURE.exec(line)?.[1] ?? []);
  return [said.replace(/^Error: /, ''), ...new Set(causes)].slice(0, MAX_REASONS).join(': ').slice(0, 500);
}
