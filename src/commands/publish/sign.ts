import { counted } from '../../domain/amount.ts';
import { isInPlace } from '../../domain/publish-plan.ts';
import { PREDICATES, statementNames } from '../../domain/trust/predicates.ts';
import { ActionError } from '../../errors/action-error.ts';
import { attachBundles, checkAttachable, type SignedBundle } from '../../evidence/attach-bundle.ts';
import type { AttestationStore } from '../../evidence/github-attestations.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import { openSigner, type StatementSigner } from '../../run/signing.ts';
import { openTokenApi } from '../../run/sigstore.ts';
import type { Destination } from '../../run/targets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Target } from './apply.ts';
import type { SigningFacts } from './result.ts';
import type { SigningInputs } from './signing-inputs.ts';
import { type SignedScan, type SigningRun, statementsOf } from './statements.ts';

/** Signs and attaches for one run: once for all registries. */
export interface ImageSigner {
  readonly description: string;
  /**
   * Checks that a target can take signatures. Called for all targets before the first signature: one in a public log
   * cannot be taken back, nor can the certificate that it needs.
   * @throws ActionError MANIFEST_UNKNOWN, TAG_IMMUTABLE
   */
  readonly check: (target: Target, image: LocalImage) => Promise<void>;
  /** Attaches to existing content of a target. @throws ActionError before a tag has moved */
  readonly attach: (target: Target, image: LocalImage) => Promise<SigningFacts>;
}

/** Facts about the image when it is signed. */
export interface SigningFactsKnown {
  readonly scan: () => Promise<SignedScan | undefined>;
  readonly run: Omit<SigningRun, 'token'>;
  /** Of the image in all registries. */
  readonly names: readonly string[];
  /** Where attestations are stored besides the registries. */
  readonly store: AttestationStore | undefined;
}

/**
 * Prepares signing before the build: a missing permission, an unknown key or an unavailable service fails the run
 * early.
 * @throws ActionError ID_TOKEN_UNAVAILABLE, SIGNING_CONFIG_INVALID, TRUSTED_ROOT_UNAVAILABLE, TOOL_UNAVAILABLE,
 * TOOL_REFUSED
 */
export async function openImageSigner(
  runtime: Runtime,
  inputs: SigningInputs,
  destinations: readonly Destination[],
  known: SigningFactsKnown,
): Promise<ImageSigner> {
  if (inputs.kind === 'notation') return openNotationSigner(runtime, inputs, destinations);
  const signer = await openSigner(
    runtime,
    inputs.kind === 'keyless'
      ? { kind: 'keyless', config: inputs.config }
      : {
          kind: 'key',
          key: { reference: inputs.reference, password: inputs.password },
          cosignSha256: inputs.cosignSha256,
        },
  );
  let signing: Promise<readonly SignedBundle[]> | undefined;
  let storing: Promise<number> | undefined;
  return {
    description: signer.description,
    check: checkTarget,
    attach: async ({ image: name, repository }, image) => {
      signing ??= signAll(signer, image, known, inputs.isRecursive);
      const bundles = await signing;
      await attachBundles(repository, bundles);
      if (known.store !== undefined) storing ??= storeOnGitHub(runtime, known.store, bundles);
      const storedOnGitHub = await storing;
      runtime.log.info(
        `${name}: signed ${signer.description}: ${statementNames(bundles.map(({ predicateType }) => predicateType)).join(', ')}`,
      );
      return {
        description: signer.description,
        statements: bundles.map(({ predicateType, subject }) => ({ predicateType, subject: subject.digest })),
        ...(storedOnGitHub === undefined ? {} : { storedOnGitHub }),
      };
    },
  };
}

/** What was pushed was read back. */
const checkTarget: ImageSigner['check'] = ({ repository, planned }, image) =>
  checkAttachable(repository, image.root.descriptor.digest, !isInPlace(planned));

/** Everything but the signature, which is only for registries. */
async function storeOnGitHub(
  runtime: Runtime,
  store: AttestationStore,
  bundles: readonly SignedBundle[],
): Promise<number> {
  const { storeAttestation } = await import('../../evidence/github-attestations.ts');
  const api = openTokenApi(runtime);
  const attestations = bundles.filter(({ predicateType }) => predicateType !== PREDICATES.signature);
  for (const { bytes } of attestations) await storeAttestation(api, store, bytes);
  runtime.log.info(`Stored ${counted(attestations.length, 'attestation')} in ${store.owner}/${store.name} on GitHub.`);
  return attestations.length;
}

async function signAll(
  signer: StatementSigner,
  image: LocalImage,
  { scan, run, names }: SigningFactsKnown,
  isRecursive: boolean,
): Promise<readonly SignedBundle[]> {
  // The certificate is requested while the statements are built: SBOMs are large.
  signer.prepare?.();
  const statements = await statementsOf(image, await scan(), { ...run, token: signer.token }, isRecursive);
  return signer.sign(statements, names);
}

/** notation attaches its signatures itself, so it signs once per registry. */
async function openNotationSigner(
  runtime: Runtime,
  { key, notationSha256, isRecursive }: Extract<SigningInputs, { kind: 'notation' }>,
  destinations: readonly Destination[],
): Promise<ImageSigner> {
  const { installTool } = await import('../../tools/installer.ts');
  const { NOTATION } = await import('../../tools/notation/release.ts');
  const { signWithNotation } = await import('../../tools/notation/run.ts');
  const tool = await installTool(runtime, NOTATION, { sha256: notationSha256 });
  const description = `with notation and the key ${key.kind === 'plugin' ? `${key.id} of ${key.plugin}` : key.key}`;
  return {
    description,
    check: checkTarget,
    attach: async ({ image: name, repository }, image) => {
      const root = image.root.descriptor.digest;
      const { registry } = destinations.find((destination) => destination.image === name) ?? {};
      const login = await registry?.credentials();
      const digests = isRecursive
        ? [root, ...image.platforms.map(({ manifest }) => manifest.descriptor.digest)]
        : [root];
      for (const digest of new Set(digests)) {
        const before = (await repository.referrers(digest)).manifests.length;
        await signWithNotation(runtime, tool, key, {
          repository: `${repository.host}/${repository.name}`,
          digest,
          login: login?.kind === 'password' ? login : undefined,
          plainHttp: registry?.client.origin.startsWith('http:') === true,
        });
        if ((await repository.referrers(digest)).manifests.length > before) continue;
        throw new ActionError(
          'DIGEST_MISMATCH',
          `notation signed ${name}@${digest}, and the registry does not list the signature.`,
          { facts: { registry: repository.host, repository: repository.name, reference: digest } },
        );
      }
      runtime.log.info(`${name}: signed ${description}`);
      return {
        description,
        statements: [...new Set(digests)].map((subject) => ({ predicateType: PREDICATES.signature, subject })),
      };
    },
  };
}
