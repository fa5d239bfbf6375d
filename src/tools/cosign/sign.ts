import { readFile, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { ActionError } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Tool } from '../installer.ts';
import { isolate } from '../isolation.ts';

/** A key for cosign: a file in its own format, a variable containing one, or a key in a key management service. */
export interface CosignKey {
  /** Path in the workspace, `env://NAME`, `awskms://…`, `azurekms://…`, `gcpkms://…`, `hashivault://…`, `openbao://…`. */
  readonly reference: string;
  readonly password?: string | undefined;
}

/** cosign reads those of Vault and of OpenBao, whichever of them the key is in. */
const TRANSIT_VARIABLES = /^(?:VAULT_|BAO_|TRANSIT_SECRET_ENGINE_PATH$)/;

/**
 * The variables for each kind of key. Nothing else from the environment is passed, so cosign never sees other
 * credentials. https://docs.sigstore.dev/cosign/key_management/overview/
 */
const PROVIDER_VARIABLES: Readonly<Record<string, RegExp>> = {
  'awskms:': /^AWS_/,
  'azurekms:': /^(?:AZURE_|IDENTITY_|IMDS_|MSI_)/,
  'gcpkms:': /^(?:GOOGLE_|CLOUDSDK_|GCE_METADATA_)/,
  'hashivault:': TRANSIT_VARIABLES,
  'openbao:': TRANSIT_VARIABLES,
};

const SIGNING_CONFIG = {
  mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
  rekorTlogConfig: {},
  tsaConfig: {},
};
const TRUSTED_ROOT = { mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1' };
/** A key management service may be slow. */
const TIME_LIMIT_MS = 120_000;

/**
 * Signs statements with a key, without any transparency log, and returns the bundles. Cosign receives the statement and
 * the key: it has no registry access, no network except for a key management service, and gets the password from its
 * environment.
 * @throws ActionError SIGNING_KEY_UNUSABLE with the output of cosign
 */
export async function signWithCosign(
  runtime: Runtime,
  tool: Tool,
  key: CosignKey,
  statements: readonly Uint8Array[],
): Promise<readonly Buffer[]> {
  const world = await isolate(runtime, 'cosign', keyService(key.reference) === undefined ? 'offline' : 'online');
  try {
    const at = (name: string) => join(world.directory, name);
    // With these, cosign neither logs the signature nor fetches trust material of the public instance.
    await writeFile(at('signing-config.json'), JSON.stringify(SIGNING_CONFIG));
    await writeFile(at('trusted-root.json'), JSON.stringify(TRUSTED_ROOT));
    const env = { ...world.env, ...keyEnvironment(runtime.env, key), COSIGN_PASSWORD: key.password ?? '' };
    const bundles: Buffer[] = [];
    for (const statement of statements) {
      await writeFile(at('statement.json'), statement);
      const { exitCode, stderr } = await runtime.exec(
        tool.path,
        [
          ...['attest-blob', '--yes', '--key', keyArgument(runtime, key.reference)],
          ...['--statement', at('statement.json'), '--bundle', at('bundle.json')],
          ...['--signing-config', at('signing-config.json'), '--trusted-root', at('trusted-root.json')],
        ],
        { env, cwd: world.cwd, timeout: TIME_LIMIT_MS },
      );
      if (exitCode !== 0) throw refused(key, stderr);
      bundles.push(await readFile(at('bundle.json')));
    }
    return bundles;
  } finally {
    await rm(world.directory, { recursive: true, force: true });
  }
}

/** The public part of a key, as PEM. @throws ActionError SIGNING_KEY_UNUSABLE */
export async function publicKeyOf(runtime: Runtime, tool: Tool, key: CosignKey): Promise<string> {
  const world = await isolate(runtime, 'cosign', keyService(key.reference) === undefined ? 'offline' : 'online');
  try {
    const { exitCode, stdout, stderr } = await runtime.exec(
      tool.path,
      ['public-key', '--key', keyArgument(runtime, key.reference)],
      {
        env: { ...world.env, ...keyEnvironment(runtime.env, key), COSIGN_PASSWORD: key.password ?? '' },
        cwd: world.cwd,
        timeout: TIME_LIMIT_MS,
      },
    );
    if (exitCode !== 0) throw refused(key, stderr);
    return stdout;
  } finally {
    await rm(world.directory, { recursive: true, force: true });
  }
}

function keyService(reference: string): string | undefined {
  return Object.keys(PROVIDER_VARIABLES).find((scheme) => reference.startsWith(`${scheme}//`));
}

function keyArgument(runtime: Runtime, reference: string): string {
  if (/^[a-z]+:\/\//.test(reference) || isAbsolute(reference)) return reference;
  return join(runtime.workspace, reference);
}

function keyEnvironment(env: Runtime['env'], { reference }: CosignKey): Record<string, string> {
  const [, variable] = /^env:\/\/(\w+)$/.exec(reference) ?? [];
  const pattern = PROVIDER_VARIABLES[keyService(reference) ?? ''];
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && (entry[0] === variable || pattern?.test(entry[0]) === true),
    ),
  );
}

function refused({ reference, password }: CosignKey, stderr: string): ActionError {
  const said = reasonIn(stderr);
  const clean = password === undefined || password === '' ? said : said.replaceAll(password, '***');
  return new ActionError(
    'SIGNING_KEY_UNUSABLE',
    `cosign could not sign with the key ${reference.slice(0, 200)}: ${clean.slice(0, 500) || 'it gave no reason'}`,
    { facts: { input: 'sign-key' } },
  );
}

/** The last error in what cosign wrote, whose reason may be on lines of its own, as that of Vault; then cosign repeats it. */
function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const at = lines.findLastIndex((line) => line.startsWith('Error: '));
  if (at < 0) return lines.findLast((line) => line !== '') ?? '';
  const end = lines.findIndex((line, index) => index > at && line.includes('error during command execution:'));
  const reason = lines.slice(at, end < 0 ? undefined : end).filter((line) => line !== '');
  return reason.join(' ').replace(/^Error: /, '');
}
