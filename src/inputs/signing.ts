import { GITHUB_ISSUER } from '../domain/trust/predicates.ts';
import { lines } from './lists.ts';
import type { Rule } from './rule.ts';
import { choice, flag, type InputsOf, pattern, secret, text } from './schema.ts';

const SHA256 = /^[0-9a-f]{64}$/;
const SHA256_WORDS = 'a SHA-256 of 64 hexadecimal digits';

const GITHUB_ATTESTATIONS = flag({
  group: 'Signing',
  about:
    "Use GitHub's attestations API besides the registry. To publish: also store keyless attestations there, for `gh attestation verify` without a registry; needs `attestations: write`, and in private repositories GitHub Enterprise Cloud. To verify: if the registry has too little, also look there, in the repository that `signer-claims` names, otherwise in this one; needs `attestations: read`.",
  default: 'false',
});

/** Inputs for signing an image. */
export const SIGNING_INPUTS = {
  sign: choice(['off', 'auto', 'keyless', 'key', 'notation'], {
    group: 'Signing',
    about:
      'Sign the image and its attestations after the gate and before the tags. `keyless`: as the workflow, with Sigstore; needs `id-token: write`. `auto`: `keyless` where the job may request an OIDC token and the repository is public or `signing-config` is set, otherwise off. `key`: with `sign-key` through cosign. `notation`: a Notary signature with `sign-key`.',
    default: 'auto',
  }),
  'sign-key': text({
    group: 'Signing',
    about:
      'The key. For cosign: a file of `cosign generate-key-pair`, `env://NAME`, `awskms://…`, `azurekms://…`, `gcpkms://…`, `hashivault://…` or `openbao://…`. For notation: `key=<path>,certificate=<path>` or `plugin=<name>,id=<key id>`.',
    example: 'awskms:///alias/release',
  }),
  'sign-key-password': secret({
    group: 'Signing',
    about: 'Password of the key file. Masked; never on a command line.',
    example: '${{ secrets.COSIGN_PASSWORD }}',
  }),
  'sign-recursive': flag({
    group: 'Signing',
    about: 'Sign the manifest of every platform as well as the index, for consumers that pull by platform.',
    default: 'false',
  }),
  'signing-config': text({
    group: 'Signing',
    about:
      "The Sigstore instance for keyless signing: `public`, `github`, or a signing config of your own as a file. Empty: `public` for public repositories, and for private ones GitHub's own instance, which writes to no public log.",
    example: '.github/sigstore/signing-config.json',
  }),
  'github-attestations': GITHUB_ATTESTATIONS,
  'cosign-sha256': pattern(SHA256, SHA256_WORDS, {
    group: 'Signing',
    about: 'SHA-256 of the cosign on PATH, for a build that is not in the built-in list and that you trust.',
  }),
  'notation-sha256': pattern(SHA256, SHA256_WORDS, {
    group: 'Signing',
    about: 'The same for notation.',
  }),
} as const;

type SigningValues = InputsOf<typeof SIGNING_INPUTS>;

/** Warns of a method to sign with that has nothing to sign. */
export function signsWhatIsPushed({ sign, push }: SigningValues & { readonly push: boolean }): string | undefined {
  return !push && sign !== 'off' && sign !== 'auto'
    ? `\`sign: ${sign}\` has no effect: with \`push: false\` nothing is in a registry.`
    : undefined;
}

/** Rules for combinations of signing inputs. */
export const SIGNING_RULES: readonly Rule<SigningValues>[] = [
  // https://docs.docker.com/engine/security/trust/
  (_, { env }) =>
    /^(?:1|true)$/i.test(env.DOCKER_CONTENT_TRUST ?? '')
      ? '`DOCKER_CONTENT_TRUST` enables Docker Content Trust, which is retired: registries have shut its servers down. Remove the variable, and use `sign: keyless`, or `sign: notation` for Notary signatures.'
      : undefined,
  ({ sign, 'sign-key': key }) =>
    (sign === 'key' || sign === 'notation') && key === undefined
      ? `\`sign: ${sign}\` needs \`sign-key\`. Add it; if it comes from a secret or variable, check that it exists.`
      : undefined,
  ({ sign }, { given }) =>
    sign !== 'key' && sign !== 'notation' && given('sign-key')
      ? `\`sign-key\` has no effect with \`sign: ${sign}\`. Use \`sign: key\`, or remove it.`
      : undefined,
  ({ sign }, { given }) =>
    sign !== 'key' && given('sign-key-password')
      ? `\`sign-key-password\` has no effect with \`sign: ${sign}\`. Use \`sign: key\`, or remove it.`
      : undefined,
  ({ sign, 'github-attestations': isStored }) =>
    isStored && sign !== 'keyless' && sign !== 'auto'
      ? `\`github-attestations\` is for keyless signing, and this is \`sign: ${sign}\`. Use \`sign: keyless\`, or remove it.`
      : undefined,
  ({ sign }, { given }) =>
    sign !== 'keyless' && sign !== 'auto' && given('signing-config')
      ? `\`signing-config\` is for keyless signing, and this is \`sign: ${sign}\`. Use \`sign: keyless\`, or remove it.`
      : undefined,
];

/** Inputs for accepted signers and verification. Patterns are parsed when a command needs them: RE2 is large. */
export const TRUST_INPUTS = {
  'github-attestations': GITHUB_ATTESTATIONS,
  'signer-identity': lines({
    group: 'Signing',
    about:
      'Who must have signed, one per line: the address of the workflow file with its ref, in full, or a pattern between `^` and `$`.',
    example: 'https://github.com/org/app/.github/workflows/release.yml@refs/heads/main',
  }),
  'signer-issuer': text({
    group: 'Signing',
    about: 'The issuer of the identity, in full.',
    default: GITHUB_ISSUER,
  }),
  'signer-claims': lines({
    group: 'Signing',
    about:
      'Further claims that the certificate must contain, one per line: `repository=https://github.com/org/app`, `repository-id=…`, `commit=…`, `ref=…`, `workflow=…`, `trigger=push,workflow_dispatch`, `runner=github-hosted`, `environment=production` or `environment=none`. A reusable workflow signs with one identity for every repository that calls it: there `repository` is needed.',
    example: 'repository=https://github.com/org/app',
  }),
  'signer-key': lines({
    group: 'Signing',
    about:
      'Public keys that may have signed, PEM files, one per line, for images that were signed with a key. After a rotation, name the old one as well.',
    example: 'cosign.pub',
  }),
  'trusted-root': lines({
    group: 'Signing',
    about:
      'What signatures are checked with, one per line: `public`, `github`, or a trusted root of a private Sigstore or for use offline, as a file. Empty: both instances, fetched and verified.',
    example: '.github/sigstore/trusted-root.json',
  }),
} as const;
