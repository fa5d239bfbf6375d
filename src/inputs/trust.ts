import type { Parsed } from '../domain/parsed.ts';
import { sentence } from '../domain/suggestion.ts';
import type { WantedIdentity } from '../domain/trust/identity.ts';
import { allOf } from '../errors/action-error.ts';
import { inputError } from './read-table.ts';
import type { InputsOf } from './schema.ts';
import type { TRUST_INPUTS } from './signing.ts';

type Values = InputsOf<typeof TRUST_INPUTS> & { readonly 'github-token': string | undefined };

/** Accepted signers, and the material for verification. */
export interface TrustSettings {
  /** Accepted signing identities. */
  readonly identities: readonly WantedIdentity[];
  readonly issuer: string;
  /** Paths of public keys. */
  readonly keys: readonly string[];
  /** Files, `public`, `github`; empty: both instances. */
  readonly trustedRoots: readonly string[];
  /** GitHub's attestations API, if it is read besides the registry. */
  readonly store?: { readonly token: string };
}

/** @throws ActionError INPUT_INVALID with every problem of the identities and claims */
export async function trustSettings(inputs: Values): Promise<TrustSettings> {
  const { 'github-attestations': isStored, 'github-token': token } = inputs;
  const [identities] = await allOf([identitiesOf(inputs), checkStore(inputs)]);
  return {
    identities,
    issuer: inputs['signer-issuer'],
    keys: inputs['signer-key'].filter((line) => line !== '' && !line.startsWith('#')),
    trustedRoots: inputs['trusted-root'].filter((line) => line !== '' && !line.startsWith('#')),
    ...(isStored && token !== undefined ? { store: { token } } : {}),
  };
}

async function checkStore({ 'github-attestations': isStored, 'github-token': token }: Values): Promise<void> {
  if (!isStored || token !== undefined) return;
  throw inputError([
    {
      input: 'github-attestations',
      text: 'needs `github-token`, with `attestations: read`. Add it, or remove `github-attestations`.',
    },
  ]);
}

async function identitiesOf(inputs: Values): Promise<readonly WantedIdentity[]> {
  const { 'signer-identity': identities, 'signer-claims': claims, 'signer-issuer': issuer } = inputs;
  if (identities.length === 0 && claims.length === 0) return [];
  const { readIdentities, readWantedClaims } = await import('../domain/trust/wanted.ts');
  const { loadIdentityPatterns } = await import('../domain/trust/identity.ts');
  await loadIdentityPatterns([...identities, ...claims]);
  const rules = readIdentities(identities);
  const wanted = readWantedClaims(claims);
  if (rules.ok && wanted.ok) return rules.value.map((identity) => ({ issuer, identity, ...wanted.value }));
  const found = (input: string, read: Parsed<unknown>) =>
    read.ok ? [] : read.problems.map((problem) => ({ input, text: sentence(problem) }));
  throw inputError([...found('signer-identity', rules), ...found('signer-claims', wanted)]);
}
