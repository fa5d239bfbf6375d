import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Descriptor, MEDIA_TYPES } from '../../src/domain/manifest.ts';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { statementBytes } from '../../src/domain/trust/statement.ts';
import { attachBundles } from '../../src/evidence/attach-bundle.ts';
import { digestOf } from '../../src/oci/image/digest-of.ts';
import { requestCertificate, sha256 } from '../../src/sigstore/request-certificate.ts';
import { type RekorV1, startRekorV1 } from './sigstore/rekor-v1.ts';
import { createSigningScene, IDENTITY, type SignedImage, type SigningScene } from './sigstore/scene.ts';

let scene: SigningScene;
let rekor: RekorV1;
/** A trusted root with the log of version 1 instead, and without a timestamp authority. */
let root: string;

beforeAll(async () => {
  scene = await createSigningScene();
  rekor = await startRekorV1();
  root = join(scene.directory, 'root-v1.json');
  const trusted: object = JSON.parse(await readFile(scene.sigstore.trustedRoot, 'utf8'));
  await writeFile(root, JSON.stringify({ ...trusted, tlogs: [rekor.trusted], timestampAuthorities: [] }));
});
afterAll(async () => {
  await rekor?.[Symbol.asyncDispose]();
  await scene?.[Symbol.asyncDispose]();
});

const cosign = (image: SignedImage) =>
  image.cosign(
    ...['verify', '--trusted-root', root, '--allow-insecure-registry', '--certificate-identity', IDENTITY],
    ...['--certificate-oidc-issuer', scene.sigstore.issuer.url, image.name],
  );

async function signed(image: SignedImage) {
  const services = { fulcio: scene.sigstore.urls.fulcio, rekor: { url: rekor.url, version: 1 } } as const;
  const signer = await scene.signer({}, services);
  const { subject } = image;
  const statement = { predicateType: PREDICATES.signature, subjects: [subject.digest], predicate: {} };
  const bytes = await signer.sign(statementBytes(statement));
  await attachBundles(image.repository, [{ bytes, predicateType: PREDICATES.signature, subject, created: new Date() }]);
}

describe('a signature in a log of version 1', () => {
  it('is accepted by cosign and here, with the time that the log promises', async () => {
    const image = await scene.image('fallback');
    await signed(image);
    expect(await cosign(image)).toContain(image.subject.digest);
    const { verified, requirements } = await image.verify({ maxAge: 3_600_000 }, { roots: root });
    expect(requirements.flatMap(({ reasons }) => reasons)).toEqual([]);
    expect(verified).toBe(true);
  });

  it('is refused without the promise, which is its only time', async () => {
    const image = await scene.image('api');
    await image.attach();
    const result = await image.verify({}, { roots: root });
    expect(result.verified).toBe(false);
  });

  it('is taken from the log when the log has it already', async () => {
    rekor.knowEverything();
    const image = await scene.image('api');
    await signed(image);
    expect((await image.verify({}, { roots: root })).verified).toBe(true);
  });
});

describe('what cosign 2 signed without a key', () => {
  /** Writes the manifest under the tag `.sig`, as cosign 2 does. */
  async function signAsCosign2(image: SignedImage, about = image.subject.digest): Promise<void> {
    const certificate = await requestCertificate(
      scene.service,
      scene.sigstore.urls.fulcio,
      scene.sigstore.issuer.token(),
    );
    const payload = Buffer.from(
      JSON.stringify({
        critical: {
          identity: { 'docker-reference': image.repository.name },
          image: { 'docker-manifest-digest': about },
          type: 'cosign container image signature',
        },
        optional: null,
      }),
    );
    const signature = certificate.sign(payload).toString('base64');
    const entry = rekor.add({
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: sha256(payload).toString('hex') } },
        signature: { content: signature, publicKey: { content: Buffer.from(certificate.pem).toString('base64') } },
      },
    });
    const { body, integratedTime, logID, logIndex, verification } = entry;
    const put = async (mediaType: string, bytes: Buffer): Promise<Descriptor> => {
      const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
      await image.repository.putBlob(descriptor, () => bytes);
      return descriptor;
    };
    const layer = await put('application/vnd.dev.cosign.simplesigning.v1+json', payload);
    const annotations = {
      'dev.cosignproject.cosign/signature': signature,
      'dev.sigstore.cosign/certificate': certificate.pem,
      'dev.sigstore.cosign/bundle': JSON.stringify({
        SignedEntryTimestamp: verification.signedEntryTimestamp,
        Payload: { body, integratedTime, logIndex, logID },
      }),
    };
    const config = await put(MEDIA_TYPES.ociConfig, Buffer.from('{"rootfs":{"type":"layers","diff_ids":[]}}'));
    const mediaType = MEDIA_TYPES.ociManifest;
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [{ ...layer, annotations }] }),
    );
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await image.repository.put(`${image.subject.digest.replace(':', '-')}.sig`, { descriptor, bytes });
  }

  it('is accepted by cosign and here', async () => {
    const image = await scene.image('fallback');
    await signAsCosign2(image);
    expect(await cosign(image)).toContain(image.subject.digest);
    const { verified, requirements } = await image.verify({ maxAge: 3_600_000 }, { roots: root });
    expect(requirements.flatMap(({ reasons }) => reasons)).toEqual([]);
    expect(verified).toBe(true);
    expect(requirements[0]?.met?.format).toBe('cosign 2 signature');
  });

  it('is refused for another image', async () => {
    const image = await scene.image('fallback');
    await signAsCosign2(image, digestOf(Buffer.from('other')));
    const [requirement] = (await image.verify({}, { roots: root })).requirements;
    expect(requirement?.reasons.join()).toContain('it is about sha256:');
  });
});
