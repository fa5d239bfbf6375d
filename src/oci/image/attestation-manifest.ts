import type { Descriptor } from '../../domain/manifest.ts';
import { MEDIA_TYPES } from '../../domain/manifest.ts';
import type { ManifestDocument } from './document.ts';
import type { AttestationManifest, Statement } from './image.ts';
import { parseStatement } from './statement.ts';

const REFERENCE_TYPE = 'vnd.docker.reference.type';
const REFERENCE_DIGEST = 'vnd.docker.reference.digest';
const ATTESTATION = 'attestation-manifest';

/**
 * Everything a client could run counts as an image and has to pass the gate. An annotation alone does not make an
 * attestation: clients choose by platform, so only `unknown/unknown` is out of their reach.
 */
export function isRunnable(descriptor: Descriptor): boolean {
  const { os, architecture } = descriptor.platform ?? {};
  const unreachable = os === 'unknown' && architecture === 'unknown';
  return !(unreachable && descriptor.annotations?.[REFERENCE_TYPE] !== undefined);
}

/** Whether an index entry carries attestations for another manifest of the same index. */
export function isAttestation(descriptor: Descriptor): boolean {
  return !isRunnable(descriptor) && descriptor.annotations?.[REFERENCE_TYPE] === ATTESTATION;
}

/**
 * Reads the statements of an attestation manifest one at a time, since each may be large.
 * https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
 * @param descriptor as listed in the index, with its annotations
 * @param read returns the bytes of a statement
 * @throws ActionError IMAGE_INVALID when one is not an in-toto statement, and whatever `read` throws
 */
export async function readAttestation(
  descriptor: Descriptor,
  document: ManifestDocument,
  read: (blob: Descriptor) => Promise<Uint8Array>,
): Promise<AttestationManifest> {
  const { digest, annotations } = descriptor;
  const reference = annotations?.[REFERENCE_DIGEST];
  const statements: Statement[] = [];
  // Unknown media types are copied without being inspected.
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
