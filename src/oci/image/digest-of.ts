import { createHash } from 'node:crypto';
import type { Digest } from '../../domain/digest.ts';

/** The digest of bytes in memory. */
export function digestOf(bytes: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}
