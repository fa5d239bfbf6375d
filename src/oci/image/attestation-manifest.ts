import type { Descriptor } from '../../domain/manifest.ts';
import { MEDIA_TYPES } from '../../domain/manifest.ts';
import type { ManifestDocument } from './document.ts';
import type { AttestationManifest, Statement } from './image.ts';
import { parseStatement } from './statement.ts';

const REFERENCE_TYPE = 'vnd.docker.reference.type';
const REFERENCE_DIGEST = 'vnd.docker.reference.digest';
const ATTESTATION = 'attestation-manifest';

/**
 * Whatever a client could run is an image, and has to pass the gate. An annotation alone does not make it an attestation:
 * clients choose by platform, so only what says `unknown/unknown` is out of their reach.
 */
export function isRunnable(descriptor: Descriptor): boolean {
  const { os, architecture } = descriptor.platform ?? {};
  const unreachable = os === 'unknown' && architecture === 'unknown';
  return !(unreachable && descriptor.annotations?.[REFERENCE_TYPE] !== undefined);
}

/** Whether what an index lists carries attestations of another manifest of it. */
export function isAttestation(descriptor: Descriptor): boolean {
  return !isRunnable(descriptor) && descriptor.annotations?.[REFERENCE_TYPE] === ATTESTATION;
}

/**
 * Reads the statements of an attestation manifest, one after the other: each may be large.
 * https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
 * @param descriptor as the index lists it, with its annotations
 * @param read the bytes of a statement
 * @throws ActionError IMAGE_INVALID when one is no in-toto statement, and all that `read` throws
 */
export async function readAttestation(
  descriptor: Descriptor,
  document: ManifestDocument,
  read: (blob: Descriptor) => Promise<Uint8Array>,
): Promise<AttestationManifest> {
  const { digest, annotations } = descriptor;
  const reference = annotations?.[REFERENCE_DIGEST];
  const statements: Statement[] = [];
  // Other media types may come to mean something one day; until then they travel and are not looked at.
  for (const layer of document.layers.filter(({ mediaType }) => mediaType === MEDIA_TYPES.inToto)) {
    statements.push(parseStatement(await read(layer), digest, layer));
  }
  return {
    digest,
    ...(reference === undefined ? {} : { reference }),
    ...(document.subject === undefined ? {} : { subject: document.subject.digest }),
    statements,
  };
}
