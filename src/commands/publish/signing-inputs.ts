import type { Parsed } from '../../domain/parsed.ts';
import { type NotationKey, readCosignKey, readNotationKey } from '../../domain/trust/signing-key.ts';
import type { InputsOf } from '../../inputs/schema.ts';
import type { SIGNING_INPUTS } from '../../inputs/signing.ts';

type Values = InputsOf<typeof SIGNING_INPUTS> & { readonly push: boolean };

/** How a publish signs. */
export type SigningInputs =
  | {
      readonly kind: 'keyless';
      readonly config: string | undefined;
      readonly isRecursive: boolean;
      /** Sign only where the repository is public, or `config` names an instance. */
      readonly isAuto: boolean;
      /** Store the attestations in GitHub's API as well. */
      readonly isStoredOnGitHub: boolean;
    }
  | {
      readonly kind: 'key';
      readonly reference: string;
      readonly password: string | undefined;
      readonly cosignSha256: string | undefined;
      readonly isRecursive: boolean;
    }
  | {
      readonly kind: 'notation';
      readonly key: NotationKey;
      readonly notationSha256: string | undefined;
      readonly isRecursive: boolean;
    };

/** The key as configured; undefined without one. */
export function readSigningKey({ sign, 'sign-key': key }: Values): Parsed<string | NotationKey> | undefined {
  if (key === undefined) return undefined;
  if (sign === 'notation') return readNotationKey(key);
  return sign === 'key' ? readCosignKey(key) : undefined;
}

/** How to sign; undefined without signing. Called with valid inputs only. */
export function signingOf(
  inputs: Values,
  env: Readonly<Record<string, string | undefined>>,
): SigningInputs | undefined {
  const { sign, push, 'sign-recursive': isRecursive } = inputs;
  // Set by GitHub in jobs with `id-token: write`.
  const mayRequestToken = Boolean(env.ACTIONS_ID_TOKEN_REQUEST_URL);
  if (!push || sign === 'off' || (sign === 'auto' && !mayRequestToken)) return undefined;
  if (sign === 'auto' || sign === 'keyless') {
    return {
      kind: 'keyless',
      config: inputs['signing-config'],
      isRecursive,
      isAuto: sign === 'auto',
      isStoredOnGitHub: inputs['github-attestations'],
    };
  }
  const key = readSigningKey(inputs);
  if (key === undefined || !key.ok) return undefined;
  const { value } = key;
  return typeof value === 'string'
    ? {
        kind: 'key',
        reference: value,
        password: inputs['sign-key-password'],
        cosignSha256: inputs['cosign-sha256'],
        isRecursive,
      }
    : { kind: 'notation', key: value, notationSha256: inputs['notation-sha256'], isRecursive };
}
