import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { WantedSigner } from '../domain/trust/verification.ts';
import { ActionError } from '../errors/action-error.ts';
import type { TrustSettings } from '../inputs/trust.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type BundleChecker, createBundleChecker, keyFingerprint } from '../sigstore/verify-bundle.ts';
import { loadTrustedRoots } from './sigstore.ts';

/** Verifies signatures, and lists the accepted signers. */
export interface OpenTrust {
  readonly check: BundleChecker;
  readonly signers: readonly WantedSigner[];
}

/**
 * Loads what signature verification needs: trusted roots only if an identity or a root is given.
 * @param needsIdentity identities may also come from elsewhere, such as a policy file
 * @throws ActionError TRUSTED_ROOT_INVALID, TRUSTED_ROOT_UNAVAILABLE, INPUT_INVALID
 */
export async function openTrust(
  runtime: Runtime,
  { identities, keys: paths, trustedRoots }: TrustSettings,
  needsIdentity = false,
): Promise<OpenTrust> {
  const keys = await Promise.all(paths.map((path) => readKey(runtime, path)));
  const needsRoots = needsIdentity || identities.length > 0 || trustedRoots.length > 0;
  const check = await createBundleChecker({
    roots: needsRoots ? await loadTrustedRoots(runtime, trustedRoots) : [],
    keys,
  });
  return {
    check,
    signers: [
      ...identities.map((identity) => ({ kind: 'identity', ...identity }) as const),
      ...keys.map((key) => ({ kind: 'key', key: keyFingerprint(key) }) as const),
    ],
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
