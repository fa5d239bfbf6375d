import { lengthOfTime } from '../../domain/promotion/requirement.ts';
import { PREDICATES } from '../../domain/trust/predicates.ts';
import { type NamedImage, readNamedImages, readPredicateTypes } from '../../domain/trust/verification-subject.ts';
import { linesAs } from '../../inputs/lists.ts';
import { REGISTRY_INPUTS, type RegistrySettings, registrySettings } from '../../inputs/registry-inputs.ts';
import { keylessHasRegistry, REGISTRY_RULES, registryHasLogin } from '../../inputs/registry-rules.ts';
import { named, type Rule, type RuleFacts } from '../../inputs/rule.ts';
import { type InputsOf, path, pattern } from '../../inputs/schema.ts';
import { SIGNING_INPUTS, TRUST_INPUTS } from '../../inputs/signing.ts';
import { type TrustSettings, trustSettings } from '../../inputs/trust.ts';

/** Everything that a step with `command: verify` may set. */
export const INPUTS = {
  images: linesAs(
    {
      group: 'What',
      about: 'The images to verify, one per line, with a tag or digest.',
      example: 'ghcr.io/org/app:1.2.3',
    },
    readNamedImages,
  ),
  require: linesAs(
    {
      group: 'Signing',
      about:
        'What must be signed, one per line: `signature`, `gate-result`, `provenance`, `sbom`, `vulnerabilities` (these two of every platform), or a predicate type. Empty: `signature`.',
      example: 'gate-result',
    },
    readPredicateTypes,
  ),
  'max-age': pattern(/^[1-9]\d{0,4}[mhd]$/, 'a length of time such as 7d or 12h', {
    group: 'Signing',
    about:
      'Maximum age of the required statements, counted from the signing time that the transparency log or a timestamp authority proves. Empty: any age.',
    example: '7d',
  }),
  ...TRUST_INPUTS,
  'trust-policy': path({
    group: 'Signing',
    about: 'The trust policy of notation, for Notary signatures. It must be `strict` for exactly this repository.',
    example: '.github/notation/trustpolicy.json',
  }),
  'trust-stores': path({
    group: 'Signing',
    about: 'Folder with the certificates that `trust-policy` names: `ca/acme/root.crt`.',
    example: '.github/notation/stores',
  }),
  'notation-sha256': SIGNING_INPUTS['notation-sha256'],
  ...REGISTRY_INPUTS,
} as const;

type Values = InputsOf<typeof INPUTS>;

/** Settings of a verification. */
export interface VerifyInputs {
  readonly registries: RegistrySettings;
  readonly images: readonly NamedImage[];
  readonly trust: TrustSettings;
  readonly predicateTypes: readonly string[];
  /** Milliseconds. */
  readonly maxAge: number | undefined;
  readonly notation:
    | { readonly policy: string; readonly stores: string; readonly sha256: string | undefined }
    | undefined;
}

const hostsOf = ({ images }: Values): readonly string[] => images.map(({ reference }) => reference.host);

export const RULES: readonly Rule<Values>[] = [
  ...REGISTRY_RULES,
  registryHasLogin,
  ({ images }) =>
    images.length === 0
      ? '`images` is empty. Name what to verify, with a tag or digest, for instance `images: ghcr.io/org/app:1.2.3`.'
      : undefined,
  (inputs) =>
    inputs['signer-identity'].length === 0 && inputs['signer-key'].length === 0 && inputs['trust-policy'] === undefined
      ? 'no signer is named. Set `signer-identity`, `signer-key` or `trust-policy`: a signature by an unknown signer proves nothing.'
      : undefined,
  (inputs, { given }) => {
    const lost = (['signer-claims', 'signer-issuer'] as const).filter(given);
    return inputs['signer-identity'].length === 0 && lost.length > 0
      ? `${named(lost)} has no effect without \`signer-identity\`. Add it.`
      : undefined;
  },
  (inputs) =>
    (inputs['trust-policy'] === undefined) === (inputs['trust-stores'] === undefined)
      ? undefined
      : '`trust-policy` and `trust-stores` belong together: add the other one.',
  (inputs) => {
    const others = inputs.require.filter((type) => type !== PREDICATES.signature);
    return inputs['trust-policy'] !== undefined &&
      inputs['signer-identity'].length === 0 &&
      inputs['signer-key'].length === 0 &&
      (others.length > 0 || inputs['max-age'] !== undefined)
      ? 'Notary signatures carry no attestations and no age that is read here. Remove `require` and `max-age`, or name a `signer-identity` as well.'
      : undefined;
  },
];

export const WARNINGS: readonly Rule<Values>[] = [keylessHasRegistry(hostsOf)];

/** @throws ActionError INPUT_INVALID with every problem of the identities and claims */
export async function verifyInputs(inputs: Values, _facts: RuleFacts<Values>): Promise<VerifyInputs> {
  const { 'trust-policy': policy, 'trust-stores': stores, 'max-age': maxAge } = inputs;
  return {
    registries: registrySettings(inputs),
    images: inputs.images,
    trust: await trustSettings(inputs),
    predicateTypes: inputs.require.length === 0 ? [PREDICATES.signature] : inputs.require,
    maxAge: maxAge === undefined ? undefined : milliseconds(maxAge),
    notation:
      policy === undefined || stores === undefined ? undefined : { policy, stores, sha256: inputs['notation-sha256'] },
  };
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function milliseconds(age: string): number {
  return Number(age.slice(0, -1)) * (UNITS[age.slice(-1)] ?? 0);
}

/** The policy in words, for log and summary. */
export function describePolicy({ trust: { identities, keys }, notation, maxAge }: VerifyInputs): string {
  const who = [
    ...identities.map(({ identity }) => (identity.kind === 'exact' ? identity.text : identity.source)),
    ...keys.map((key) => `the key ${key}`),
    ...(notation === undefined ? [] : [`the trust policy ${notation.policy}`]),
  ];
  const age = maxAge === undefined ? '' : `, at most ${lengthOfTime(maxAge)} old`;
  return `signed by ${who.join(' or ')}${age}`;
}
