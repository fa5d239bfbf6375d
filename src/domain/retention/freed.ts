import type { ImageGraph } from './graph.ts';

/** Bytes that a deletion frees, by index of the node, and whether they are exact. */
export interface Freed {
  readonly byNode: ReadonlyMap<number, number>;
  readonly total: number;
  readonly isExact: boolean;
}

/**
 * Counts what only deleted manifests need, each blob once, at the first manifest in digest order. A size that only the vendor's
 * list gives is an estimate: it does not say which layers are shared.
 */
export function freedBytes({ nodes }: ImageGraph, isDeleted: Uint8Array): Freed {
  const counted = new Set<string>();
  let isExact = true;
  let anyDeleted = false;
  for (const { index, manifest } of nodes) {
    if (isDeleted[index] === 1) {
      anyDeleted = true;
      continue;
    }
    if (manifest.blobs === undefined && manifest.children.length === 0 && manifest.presence !== 'missing')
      isExact = false;
    for (const { digest } of manifest.blobs ?? []) counted.add(digest);
  }
  const byNode = new Map<number, number>();
  let total = 0;
  for (const { index, manifest } of nodes) {
    if (isDeleted[index] === 0) continue;
    let bytes = manifest.size ?? 0;
    if (manifest.size === undefined) isExact = false;
    for (const { digest, size } of manifest.blobs ?? []) {
      if (counted.has(digest)) continue;
      counted.add(digest);
      bytes += size;
    }
    if (manifest.blobs === undefined && manifest.children.length === 0) {
      isExact = false;
      bytes += manifest.contentSize ?? 0;
    }
    byNode.set(index, bytes);
    total += bytes;
  }
  return { byNode, total, isExact: isExact || !anyDeleted };
}
