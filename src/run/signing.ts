import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { readJwt, requestIdToken } from '../credentials/id-token.ts';
import { type Fields, fieldsOf } from '../domain/fields.ts';
import type { Descriptor } from '../domain/manifest.ts';
import type { Parsed } from '../domain/parsed.ts';
import { PREDICATES } from '../domain/trust/predicates.ts';
import { chooseServices, githubServices, type SigningServices } from '../domain/trust/signing-services.ts';
import { statementBytes } from '../domain/trust/statement.ts';
import { ActionError } from '../errors/action-error.ts';
import type { SignedBundle } from '../evidence/attach-bundle.ts';
import type { Clock, Runtime } from '../runtime/runtime.ts';
import type { SigstoreService } from '../sigstore/service.ts';
import { createKeylessSigner } from '../sigstore/sign.ts';
import { COSIGN } from '../tools/cosign/release.ts';
import { type CosignKey, signWithCosign } from '../tools/cosign/sign.ts';
import { installTool } from '../tools/installer.ts';
import { isKnownInstance, type KnownInstance, openInstance, openSigstoreService, openTokenApi } from './sigstore.ts';

/** How statements are signed in process or with a key. */
export type SigningTerms =
  | {
      readonly kind: 'keyless';
      /**
       * Path of a signing config in the workspace, `public` or `github`; default: by the visibility of the repository.
       */
      readonly config?: string | undefined;
    }
  | { readonly kind: 'key'; readonly key: CosignKey; readonly cosignSha256?: string | undefined };

/** A statement about one manifest of the image. */
export interface Signable {
  readonly predicateType: string;
  readonly predicate: Fields;
  readonly subject: Descriptor;
}

export interface StatementSigner {
  /** Requests what signing needs ahead of time; a failure shows when signing. */
  readonly prepare?: () => void;
  /**
   * Signs all statements, or throws.
   * @param names of the image in all registries, for attestations
   */
  readonly sign: (statements: readonly Signable[], names: readonly string[]) => Promise<readonly SignedBundle[]>;
  /** For the log: `as https://github.com/… (public transparency log)`. */
  readonly description: string;
  /** Payload of the job's token; undefined with a key. */
  readonly token?: Fields;
}

/**
 * Prepares signing and fails early if it is impossible: a missing permission is reported before the build.
 * @throws ActionError ID_TOKEN_UNAVAILABLE, SIGNING_CONFIG_INVALID, TRUSTED_ROOT_UNAVAILABLE, TOOL_UNAVAILABLE,
 * TOOL_REFUSED
 */
export function openSigner(runtime: Runtime, terms: SigningTerms): Promise<StatementSigner> {
  return terms.kind === 'key' ? openKeySigner(runtime, terms) : openKeylessSigner(runtime, terms.config);
}

/**
 * The payload of the job's OIDC token; undefined where the job may not request one.
 * @throws ActionError SIGNING_NOT_PERMITTED when GitHub refuses it
 */
export async function readJobToken(runtime: Runtime): Promise<Fields | undefined> {
  if (!runtime.env.ACTIONS_ID_TOKEN_REQUEST_URL) return undefined;
  const api = openTokenApi(runtime);
  return readJwt(await firstToken(() => requestIdToken(runtime.env, api, 'sigstore')));
}

async function openKeylessSigner(runtime: Runtime, config: string | undefined): Promise<StatementSigner> {
  const { env, clock } = runtime;
  const api = openTokenApi(runtime);
  const idToken = reusableToken(() => requestIdToken(env, api, 'sigstore'), clock);
  const token = readJwt(await firstToken(idToken)) ?? {};
  const service = openSigstoreService(runtime);
  const instance = config ?? (token.repository_visibility === 'public' ? 'public' : 'github');
  const services = await servicesOf(runtime, service, instance, String(token.iss));
  const signer = createKeylessSigner({ service, services, idToken, clock });
  return {
    token,
    description: `as the workflow ${String(token.job_workflow_ref)} (${logText(instance, services)})`,
    prepare: signer.prepare,
    sign: async (statements, names) =>
      Promise.all(
        statements.map(async (statement) => ({
          bytes: await signer.sign(bytesOf(statement, names)),
          predicateType: statement.predicateType,
          subject: statement.subject,
          created: clock.now(),
        })),
      ),
  };
}

/** A token that ends sooner is replaced: Fulcio has to accept it. */
const TOKEN_MARGIN_MS = 60_000;

/** One token for the permission check and the certificate, while it lives by the clock of the runner alone. */
function reusableToken(request: () => Promise<string>, clock: Clock): () => Promise<string> {
  let current: { readonly token: string; readonly until: number } | undefined;
  return async () => {
    const now = clock.now().getTime();
    if (current !== undefined && now < current.until) return current.token;
    const token = await request();
    const { iat, exp } = readJwt(token) ?? {};
    const life = typeof iat === 'number' && typeof exp === 'number' ? (exp - iat) * 1000 : 0;
    current = { token, until: now + life - TOKEN_MARGIN_MS };
    return token;
  };
}

/** @throws ActionError SIGNING_NOT_PERMITTED instead of the login error */
async function firstToken(idToken: () => Promise<string>): Promise<string> {
  try {
    return await idToken();
  } catch (error) {
    if (!(error instanceof ActionError) || error.code !== 'ID_TOKEN_UNAVAILABLE') throw error;
    throw new ActionError('SIGNING_NOT_PERMITTED', error.message, { cause: error, facts: { input: 'sign' } });
  }
}

/** States explicitly whether facts about a private repository become public. */
function logText(instance: string, { rekor }: SigningServices): string {
  if (instance === 'public') return 'public instance of Sigstore, in its public transparency log';
  if (instance === 'github') return "GitHub's instance of Sigstore, without a public log";
  return rekor === undefined ? `${instance}, without a transparency log` : `${instance}, in the log of ${rekor.url}`;
}

async function servicesOf(
  runtime: Runtime,
  service: SigstoreService,
  instance: string,
  issuer: string,
): Promise<SigningServices> {
  if (instance === 'github') return githubServices(issuer);
  const document = isKnownInstance(instance)
    ? await publicConfig(runtime, service, instance)
    : await readConfig(runtime, instance);
  const services: Parsed<SigningServices> = chooseServices(document, runtime.clock.now());
  if (services.ok) return services.value;
  throw new ActionError('SIGNING_CONFIG_INVALID', `${instance}: ${services.problems.join('; ')}.`, {
    facts: { input: 'signing-config' },
  });
}

async function publicConfig(runtime: Runtime, service: SigstoreService, instance: KnownInstance): Promise<unknown> {
  return (await openInstance(runtime, service, instance)).read('signing_config.v0.2.json');
}

async function readConfig({ workspace }: Runtime, path: string): Promise<unknown> {
  try {
    const value: unknown = JSON.parse(await readFile(isAbsolute(path) ? path : join(workspace, path), 'utf8'));
    return fieldsOf(value);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ActionError('SIGNING_CONFIG_INVALID', `\`signing-config\`: ${path} cannot be read (${why}).`, {
      facts: { input: 'signing-config' },
      cause: error,
    });
  }
}

async function openKeySigner(
  runtime: Runtime,
  { key, cosignSha256 }: Extract<SigningTerms, { kind: 'key' }>,
): Promise<StatementSigner> {
  if (key.password !== undefined) runtime.secret(key.password);
  const tool = await installTool(runtime, COSIGN, { sha256: cosignSha256 });
  return {
    description: `with the key ${key.reference}, without a transparency log`,
    sign: async (statements, names) => {
      const bundles = await signWithCosign(
        runtime,
        tool,
        key,
        statements.map((statement) => bytesOf(statement, names)),
      );
      return statements.flatMap(({ predicateType, subject }, at) => {
        const bytes = bundles[at];
        return bytes === undefined ? [] : [{ bytes, predicateType, subject, created: runtime.clock.now() }];
      });
    },
  };
}

function bytesOf({ predicateType, predicate, subject }: Signable, names: readonly string[]): Uint8Array {
  const statement = { predicateType, predicate, subjects: [subject.digest] };
  return statementBytes(statement, predicateType === PREDICATES.signature ? [] : names);
}
