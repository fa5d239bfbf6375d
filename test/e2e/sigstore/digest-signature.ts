import type { KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../programs.ts';

/** Signs a digest, as a key management service does: Node would hash it once more, openssl does not. @returns base64 */
export async function signDigest(key: KeyObject, digest: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kms-'));
  try {
    const [secret, input, output] = [join(folder, 'key.pem'), join(folder, 'digest'), join(folder, 'signature')];
    await writeFile(secret, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await writeFile(input, digest);
    await run('openssl', ['pkeyutl', '-sign', '-inkey', secret, '-in', input, '-out', output], { env: process.env });
    return (await readFile(output)).toString('base64');
  } finally {
    await rm(folder, { recursive: true });
  }
}
