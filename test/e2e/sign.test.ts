import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJwt } from '../../src/credentials/id-token.ts';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { provenancePredicate } from '../../src/domain/trust/provenance.ts';
import { chooseServices } from '../../src/domain/trust/signing-services.ts';
import type { VerificationResult } from '../../src/domain/trust/verification.ts';
import { checkAttachable } from '../../src/evidence/attach-bundle.ts';
import { fallbackTag } from '../../src/oci/client/referrers.ts';
import { digestOf } from '../../src/oci/image/digest-of.ts';
import { run } from './programs.ts';
import { claimsOfJob } from './sigstore/issuer.ts';
import { createSigningScene, IDENTITY, type SignedImage, type SigningScene } from './sigstore/scene.ts';

const COUNTS = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0, UNKNOWN: 0 };
const GATE_RESULT = {
  result: 'passed',
  scanner: { name: 'trivy', version: '0.76.0' },
  policy: { severity: ['CRITICAL'], scanners: ['vuln'], ignoreUnfixed: false, failOnEol: true, allowUnknownOs: false },
  counts: COUNTS,
  platforms: [
    { platform: 'linux/amd64', digest: `sha256:${'a'.repeat(64)}`, counts: COUNTS, blocking: 0, packages: 1 },
  ],
  suppressed: {},
};

let scene: SigningScene;
beforeAll(async () => {
  scene = await createSigningScene();
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const trust = () => ['--trusted-root', scene.sigstore.trustedRoot, '--allow-insecure-registry'];
const by = (identity = IDENTITY) => [
  ...['--certificate-identity', identity, '--certificate-oidc-issuer', scene.sigstore.issuer.url],
];
const reasons = ({ requirements }: VerificationResult) => requirements.flatMap((each) => each.reasons).join('\n');

describe.each(['api', 'fallback'] as const)(
  'an image signed without a key, in a registry with referrers by %s',
  (kind) => {
    let image: SignedImage;
    beforeAll(async () => {
      image = await scene.image(kind);
      await image.attach();
      await image.attach({ predicateType: PREDICATES.gateResult, predicate: GATE_RESULT });
    });

    it('is accepted by cosign with the exact identity, and by no other', async () => {
      expect(await image.cosign('verify', ...trust(), ...by(), image.name)).toContain(image.subject.digest);
      const other = IDENTITY.replace('release', 'nightly');
      await expect(image.cosign('verify', ...trust(), ...by(other), image.name)).rejects.toThrow(
        /expected (?:SAN|identities)|no matching/i,
      );
    });

    it('has an attestation that cosign finds by its type', async () => {
      const type = ['--type', PREDICATES.gateResult];
      const found = await image.cosign('verify-attestation', ...trust(), ...by(), ...type, image.name);
      const { payload }: { readonly payload: string } = JSON.parse(found);
      expect(JSON.parse(Buffer.from(payload, 'base64').toString())).toMatchObject({ predicate: GATE_RESULT });
      await expect(
        image.cosign('verify-attestation', ...trust(), ...by(), '--type', 'vuln', image.name),
      ).rejects.toThrow();
    });

    it('is accepted here with each type by name, and says who signed and when', async () => {
      const { verified, requirements } = await image.verify({
        predicateTypes: [PREDICATES.signature, PREDICATES.gateResult],
        maxAge: 3_600_000,
      });
      expect(verified).toBe(true);
      const [signature] = requirements;
      expect(signature?.met?.signer).toMatchObject({
        kind: 'certificate',
        claims: { identity: IDENTITY, repository: 'https://github.com/acme/app', trigger: 'push' },
      });
      expect(Date.now() - (signature?.met?.time?.getTime() ?? 0)).toBeLessThan(60_000);
    });

    it('is listed with its true type and annotations, so that gh and Kyverno see it', async () => {
      const { manifests } = await image.repository.referrers(image.subject.digest);
      expect(manifests).toHaveLength(2);
      // The registry with the API that is used here takes the type of the config for that of the artifact.
      for (const { artifactType, annotations } of kind === 'api' ? [] : manifests) {
        expect(artifactType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
        expect(annotations).toHaveProperty(['dev.sigstore.bundle.predicateType']);
      }
      const tag = await image.repository.head(fallbackTag(image.subject.digest));
      expect(tag === undefined).toBe(kind === 'api');
    });

    it.skipIf(kind === 'api')('has provenance that gh accepts', async () => {
      const predicate = provenancePredicate(readJwt(scene.sigstore.issuer.token()) ?? {}, 'https://github.com');
      if (!predicate.ok) throw new Error(predicate.problems.join());
      await image.attach({ predicateType: PREDICATES.provenance, predicate: predicate.value });
      const verify = (repository: string) =>
        run(
          'gh',
          [
            ...['attestation', 'verify', `oci://${image.name}`, '--bundle-from-oci', '--repo', repository],
            ...['--cert-oidc-issuer', scene.sigstore.issuer.url, '--custom-trusted-root', scene.sigstore.trustedRoot],
            ...[
              '--source-ref',
              'refs/heads/main',
              '--source-digest',
              claimsOfJob().sha ?? '',
              '--deny-self-hosted-runners',
            ],
            ...['--format', 'json'],
          ],
          { env: { ...process.env, HOME: scene.directory, GH_TOKEN: 'none' } },
        );
      expect(JSON.parse(await verify('acme/app'))).toHaveLength(1);
      await expect(verify('acme/other')).rejects.toThrow();
    });
  },
);

describe('what is attached can be found', () => {
  it('also when four writers use one list under a tag', async () => {
    const image = await scene.image('fallback');
    const types = [1, 2, 3, 4].map((number) => `https://example.org/parallel/v${number}`);
    await Promise.all(types.map((predicateType) => image.attach({ predicateType })));
    expect(reasons(await image.verify({ predicateTypes: types }))).toBe('');
  });

  it('also when the list says nothing of types, as older tools write it', async () => {
    const image = await scene.image('fallback');
    await image.attach();
    const { manifests } = await image.repository.referrers(image.subject.digest);
    const bare = manifests.map(({ mediaType, digest, size }) => ({
      ...{ mediaType, digest, size },
      artifactType: 'application/vnd.oci.empty.v1+json',
    }));
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: bare }));
    await image.repository.put(fallbackTag(image.subject.digest), {
      descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length },
      bytes,
    });
    expect((await image.verify()).verified).toBe(true);
  });

  it('and a list that names what is gone is no reason to pass', async () => {
    const image = await scene.image('fallback');
    await image.attach();
    const [listed] = (await image.repository.referrers(image.subject.digest)).manifests;
    await image.repository.deleteManifest(listed?.digest ?? '');
    expect(reasons(await image.verify())).toContain('its manifest does not exist');
  });

  it('P2: nothing is signed where the image is not, or where its list has no room', async () => {
    const image = await scene.image('fallback');
    await expect(checkAttachable(image.repository, digestOf(Buffer.from('gone')))).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
    });
    const taken = await image.repository.get(image.subject.digest);
    if (taken === undefined) throw new Error('The image is gone.');
    await image.repository.put(fallbackTag(image.subject.digest), taken);
    await expect(checkAttachable(image.repository, image.subject.digest)).rejects.toMatchObject({
      code: 'TAG_IMMUTABLE',
    });
  });
});

describe('a certificate serves all statements of a run while it lives', () => {
  const certificateOf = (bundle: Buffer): string => {
    const { verificationMaterial }: { verificationMaterial: { certificate: { rawBytes: string } } } = JSON.parse(
      bundle.toString(),
    );
    return verificationMaterial.certificate.rawBytes;
  };

  it.each([
    ['as it is', 0],
    ['of a runner that is an hour late', -60],
    ['of a runner that is an hour early', 60],
  ])('by the clock %s', async (_what, minutes) => {
    let now = Date.now() + minutes * 60_000;
    const signer = await scene.signer(undefined, undefined, () => new Date(now));
    signer.prepare();
    const sign = async () => certificateOf(await signer.sign(Buffer.from('{}')));
    const [first, second] = await Promise.all([sign(), sign()]);
    expect(second).toBe(first);
    now += 8 * 60_000;
    expect(await sign()).toBe(first);
    // A minute before its end it is replaced: a timestamp after that would be of no use.
    now += 90_000;
    expect(await sign()).not.toBe(first);
  });

  it('one that could not be had ahead of time is requested again', async () => {
    const services = chooseServices(JSON.parse(await readFile(scene.sigstore.signingConfig, 'utf8')), new Date());
    if (!services.ok) throw new Error(services.problems.join());
    const used = { ...services.value, fulcio: 'http://127.0.0.1:9' };
    const signer = await scene.signer(undefined, used);
    signer.prepare();
    await expect(signer.sign(Buffer.from('{}'))).rejects.toMatchObject({ code: 'SIGSTORE_UNAVAILABLE' });
    used.fulcio = services.value.fulcio;
    expect(certificateOf(await signer.sign(Buffer.from('{}')))).toBeTruthy();
  });
});

it('P8: a token that Fulcio refuses is in no message', async () => {
  const signer = await scene.signer({ repository: '' });
  const error: unknown = await signer.sign(Buffer.from('{}')).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'SIGNING_REFUSED' });
  expect(String(error)).not.toContain('eyJ');
});
