import { uncompress } from 'snappyjs';

/**
 * The bytes of what may be compressed with Snappy in its block format, as GitHub stores bundles; JSON is returned as it is.
 * https://github.com/google/snappy/blob/main/format_description.txt
 * @param limit bytes when uncompressed, checked before anything is
 */
export function uncompressed(body: Buffer, limit: number): Buffer {
  if (isJson(body)) return body;
  try {
    return Buffer.from(uncompress(body, limit));
  } catch {
    // Not compressed, or too large: it is no bundle, and is rejected as one.
    return body;
  }
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
