import { createPublicKey, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestIdToken } from '../../../src/credentials/id-token.ts';
import type { Digest } from '../../../src/domain/digest.ts';
import { type Descriptor, MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { PREDICATES } from '../../../src/domain/trust/predicates.ts';
import { chooseServices, type SigningServices } from '../../../src/domain/trust/signing-services.ts';
import { statementBytes } from '../../../src/domain/trust/statement.ts';
import {
  type VerificationPolicy,
  type VerificationResult,
  verifyStatements,
} from '../../../src/domain/trust/verification.ts';
import { attachBundles, type SignedBundle } from '../../../src/evidence/attach-bundle.ts';
import { openSignatures } from '../../../src/evidence/signatures.ts';
import { createApi } from '../../../src/http/api.ts';
import { createTransport } from '../../../src/http/transport.ts';
import type { Repository } from '../../../src/oci/client/repository.ts';
import { digestOf } from '../../../src/oci/image/digest-of.ts';
import { createSigstoreService, type SigstoreService } from '../../../src/sigstore/service.ts';
import { createKeylessSigner, type KeylessSigner } from '../../../src/sigstore/sign.ts';
import { parseTrustedRoots } from '../../../src/sigstore/trusted-root.ts';
import { createBundleChecker } from '../../../src/sigstore/verify-bundle.ts';
import { connect } from '../../support/registry-client.ts';
import { run } from '../programs.ts';
import { startReferrersRegistry, startRegistry } from '../registry.ts';
import type { Claims } from './issuer.ts';
import { type PrivateSigstore, startSigstore } from './start.ts';

export const IDENTITY = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';
export type RegistryKind = 'api' | 'fallback';

/** A private Sigstore, a registry of each kind, and what signs and verifies with them. */
export interface SigningScene {
  readonly sigstore: PrivateSigstore;
  readonly directory: string;
  readonly hosts: Readonly<Record<RegistryKind, string>>;
  /** A fresh image in a repository of its own. */
  readonly image: (kind: RegistryKind) => Promise<SignedImage>;
  /** @param services default: those of the private Sigstore */
  readonly signer: (claims?: Claims, services?: SigningServices, now?: () => Date) => Promise<KeylessSigner>;
  readonly service: SigstoreService;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export interface SignedImage {
  readonly repository: Repository;
  readonly subject: Descriptor;
  /** `127.0.0.1:5000/acme/app@sha256:…` */
  readonly name: string;
  /** Signs a statement about this image, or another subject, and attaches it to this one. */
  readonly attach: (how?: {
    readonly predicateType?: string;
    readonly predicate?: Readonly<Record<string, unknown>>;
    readonly claims?: Claims;
    readonly about?: Digest;
    readonly change?: (bundle: Buffer) => Buffer;
  }) => Promise<SignedBundle>;
  /** What our policy says of it; default: signed with {@link IDENTITY}. */
  readonly verify: (
    policy?: Partial<VerificationPolicy>,
    trust?: { readonly roots?: string; readonly keys?: readonly string[] },
  ) => Promise<VerificationResult>;
  readonly cosign: (...args: readonly string[]) => Promise<string>;
}

/** @param tsa timestamp authority of another scene. Default: one of its own */
export async function createSigningScene({ tsa }: { readonly tsa?: string } = {}): Promise<SigningScene> {
  const runHome = process.env.E2E_RUN;
  if (runHome === undefined) throw new Error('These tests need their environment: run `npm run test:e2e`.');
  const stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'signing-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const env = { ...process.env, HOME: directory };
  const sigstore = stack.use(await startSigstore({ home: join(runHome, `sigstore-${Date.now()}`), env, tsa }));
  const registries = {
    api: stack.use(await startReferrersRegistry({ home: join(runHome, `signed-api-${Date.now()}`), env })),
    fallback: stack.use(await startRegistry({ home: join(runHome, `signed-tags-${Date.now()}`), env })),
  };
  const clock = { now: () => new Date(), sleep: (milliseconds: number) => sleep(milliseconds) };
  const { signal } = new AbortController();
  const log = { info: () => undefined };
  const http = { transport: createTransport({ signal, insecureHosts: [], env: {}, userAgent: 'test' }), clock, signal };
  const service = createSigstoreService({ ...http, log, mask: () => undefined });
  const services = chooseServices(JSON.parse(await readFile(sigstore.signingConfig, 'utf8')), new Date());
  if (!services.ok) throw new Error(services.problems.join());
  const { value } = services;

  const signer = async (claims?: Claims, used = value, now = clock.now) => {
    const quiet = { info: () => undefined, debug: () => undefined };
    const api = createApi({
      ...http,
      log: { ...quiet, notice: quiet.info, warning: quiet.info, error: quiet.info, group: (_, task) => task() },
      mask: () => undefined,
    });
    const idToken = () => requestIdToken(sigstore.issuer.environment(claims), api, 'sigstore');
    return createKeylessSigner({ service, services: used, idToken, clock: { ...clock, now } });
  };

  const image = async (kind: RegistryKind): Promise<SignedImage> => {
    const { host } = registries[kind];
    const { repositoryOf } = await connect({ host }, { clock });
    const repository = repositoryOf(`acme/app-${randomBytes(4).toString('hex')}`, 'push');
    const subject = await pushImage(repository);
    const name = `${host}/${repository.name}@${subject.digest}`;
    return {
      repository,
      subject,
      name,
      attach: async ({ predicateType = PREDICATES.signature, predicate = {}, claims, about, change } = {}) => {
        const statement = statementBytes(
          { predicateType, subjects: [about ?? subject.digest], predicate },
          predicateType === PREDICATES.signature ? [] : [`${host}/${repository.name}`],
        );
        const signed = await (await signer(claims)).sign(statement);
        const bundle = { bytes: change?.(signed) ?? signed, predicateType, subject, created: new Date() };
        await attachBundles(repository, [bundle]);
        return bundle;
      },
      verify: async (policy = {}, { roots = sigstore.trustedRoot, keys = [] } = {}) => {
        const check = await createBundleChecker({
          roots: roots === '' ? [] : await parseTrustedRoots(await readFile(roots, 'utf8'), roots),
          keys: keys.map((pem) => createPublicKey(pem)),
        });
        const found = await openSignatures(repository, subject.digest, check).all();
        return verifyStatements(found, {
          digest: subject.digest,
          signers: [{ kind: 'identity', issuer: sigstore.issuer.url, identity: { kind: 'exact', text: IDENTITY } }],
          predicateTypes: [PREDICATES.signature],
          now: new Date(),
          ...policy,
        });
      },
      cosign: (...args) => run('cosign', args, { env }),
    };
  };
  const hosts = { api: registries.api.host, fallback: registries.fallback.host };
  return { sigstore, directory, hosts, image, signer, service, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function pushImage(repository: Repository): Promise<Descriptor> {
  const put = async (mediaType: string, bytes: Buffer): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await repository.putBlob(descriptor, () => bytes);
    return descriptor;
  };
  const config = await put(
    MEDIA_TYPES.ociConfig,
    Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } })),
  );
  const layer = await put('application/vnd.oci.image.layer.v1.tar', randomBytes(1024));
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers: [layer] }),
  );
  const descriptor = { mediaType: MEDIA_TYPES.ociManifest, digest: digestOf(bytes), size: bytes.length };
  await repository.put('v1', { descriptor, bytes });
  return descriptor;
}
