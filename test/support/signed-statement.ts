import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Descriptor } from '../../src/domain/manifest.ts';
import { bundleArtifact } from '../../src/domain/trust/bundle-manifest.ts';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { digestOf } from '../../src/oci/image/digest-of.ts';
import type { TestRegistry } from './registry.ts';

const STATEMENT = 'application/vnd.in-toto+json';

/** A key that signs statements as cosign does without a log. */
export interface StatementKey {
  readonly pem: string;
  readonly secret: KeyObject;
}

export function createStatementKey(): StatementKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), secret: privateKey };
}

/** What a statement is about, in the spelling of in-toto. */
export interface StatementContent {
  readonly predicateType?: string;
  readonly sha256: string;
  readonly predicate?: Readonly<Record<string, unknown>>;
}

/** The payload of an envelope. */
export function statementText({
  predicateType = PREDICATES.signature,
  sha256,
  predicate = {},
}: StatementContent): string {
  const subject = [{ digest: { sha256 } }];
  return JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate });
}

/** The JSON of a bundle whose statement a key signed. */
export function signedBundle(key: StatementKey, content: StatementContent): Buffer {
  return signedPayload(key, Buffer.from(statementText(content)));
}

/** The same for whatever bytes a key signs. */
export function signedPayload({ secret }: StatementKey, payload: Buffer, payloadType = STATEMENT): Buffer {
  const encoded = Buffer.concat([
    Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `),
    payload,
  ]);
  return Buffer.from(
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: '' }, tlogEntries: [] },
      dsseEnvelope: {
        payload: payload.toString('base64'),
        payloadType,
        signatures: [{ sig: sign('sha256', encoded, secret).toString('base64'), keyid: '' }],
      },
    }),
  );
}

/** The layers of a tag `.sig` of cosign 2: a document, and its signature beside it. */
export function simpleSignature({ secret }: StatementKey, digest: string): { document: Buffer; signature: string } {
  const image = { 'docker-manifest-digest': digest };
  const critical = { identity: { 'docker-reference': '' }, image, type: 'cosign container image signature' };
  const document = Buffer.from(JSON.stringify({ critical, optional: null }));
  return { document, signature: sign('sha256', document, secret).toString('base64') };
}

/** What the manifest around a bundle shows. */
export interface ShownBy {
  /** The predicate type in its annotation. */
  readonly claimed?: string;
  readonly change?: (manifest: Record<string, unknown>) => Record<string, unknown>;
}

/**
 * Attaches a bundle to an image of a registry that lists referrers.
 */
export function attachBundle(
  registry: TestRegistry,
  repository: string,
  subject: Descriptor,
  bundle: Buffer,
  { claimed = PREDICATES.signature, change = (manifest) => manifest }: ShownBy = {},
): string {
  const { manifest } = bundleArtifact(bundle, claimed, subject, new Date('2026-03-10T00:00:00Z'), digestOf);
  registry.putBlob(repository, bundle);
  const bytes = Buffer.from(JSON.stringify(change(JSON.parse(Buffer.from(manifest.bytes).toString('utf8')))));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return registry.putManifest(repository, digest, manifest.descriptor.mediaType, bytes);
}
