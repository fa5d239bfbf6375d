import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Digest } from '../domain/digest.ts';
import type { WantedSigner } from '../domain/trust/verification.ts';
import { ActionError } from '../errors/action-error.ts';
import {
  type OpenSignatures,
  openSignatures,
  type SignatureReader,
  type SignaturesOfImage,
} from '../evidence/signatures.ts';
import type { TrustSettings } from '../inputs/trust.ts';
import type { Repository } from '../oci/client/repository.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type BundleChecker, createBundleChecker, keyFingerprint } from '../sigstore/verify-bundle.ts';
import { loadTrustedRoots, openSigstoreService, openTokenApi } from './sigstore.ts';

/** Verifies signatures, and lists the accepted signers. */
export interface OpenTrust {
  readonly check: BundleChecker;
  /** Opens what is signed about the images of a repository, in the registry and, where inputs name it, at GitHub. */
  readonly signaturesOf: (repository: Repository) => OpenSignatures;
  readonly signers: readonly WantedSigner[];
}

/**
 * Loads what signature verification needs: trusted roots only if an identity or a root is given.
 * @param needsIdentity identities may also come from elsewhere, such as a policy file
 * @throws ActionError TRUSTED_ROOT_INVALID, TRUSTED_ROOT_UNAVAILABLE, INPUT_INVALID
 */
export async function openTrust(
  runtime: Runtime,
  { identities, keys: paths, trustedRoots, store }: TrustSettings,
  needsIdentity = false,
): Promise<OpenTrust> {
  const keys = await Promise.all(paths.map((path) => readKey(runtime, path)));
  const needsRoots = needsIdentity || identities.length > 0 || trustedRoots.length > 0;
  const check = await createBundleChecker({
    roots: needsRoots ? await loadTrustedRoots(runtime, trustedRoots) : [],
    keys,
  });
  const stored = store === undefined ? undefined : await openStore(runtime, identities, store, check);
  return {
    check,
    signaturesOf: (repository) => (digest) => {
      const signatures = openSignatures(repository, digest, check);
      return stored === undefined ? signatures : { ...signatures, all: () => stored(signatures, digest) };
    },
    signers: [
      ...identities.map((identity) => ({ kind: 'identity', ...identity }) as const),
      ...keys.map((key) => ({ kind: 'key', key: keyFingerprint(key) }) as const),
    ],
  };
}

type Identities = TrustSettings['identities'];

/** Adds what GitHub's attestations API has to what a registry has. */
async function openStore(
  runtime: Runtime,
  identities: Identities,
  { token }: NonNullable<TrustSettings['store']>,
  check: BundleChecker,
) {
  const { env } = runtime;
  const { readStoredAttestations } = await import('../evidence/stored-attestations.ts');
  const claimed = identities.find(({ repository }) => repository !== undefined)?.repository;
  const address = claimed === undefined ? (env.GITHUB_REPOSITORY ?? '') : new URL(claimed).pathname.slice(1);
  const [owner = '', name = ''] = address.split('/');
  const store = { apiUrl: env.GITHUB_API_URL || 'https://api.github.com', owner, name, token };
  const access = { api: openTokenApi(runtime), storage: openSigstoreService(runtime) };
  return async (signatures: SignatureReader, digest: Digest): Promise<SignaturesOfImage> => {
    const [own, others] = await Promise.all([signatures.all(), readStoredAttestations(access, store, digest, check)]);
    return {
      ...own,
      signed: [...own.signed, ...others.signed],
      rejected: [...own.rejected, ...others.rejected],
    };
  };
}

async function readKey(runtime: Runtime, path: string): Promise<KeyObject> {
  try {
    return createPublicKey(await readFile(isAbsolute(path) ? path : join(runtime.workspace, path), 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ActionError('INPUT_INVALID', `\`signer-key\`: ${path} is no public key in PEM (${why}).`, {
      facts: { input: 'signer-key' },
      cause: error,
    });
  }
}
