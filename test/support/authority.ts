import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Issued {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
  readonly files: { readonly cert: string; readonly key: string };
}

/** A certificate authority that issues certificates. */
export interface Authority {
  /** PEM text. */
  readonly ca: string;
  readonly file: string;
  /**
   * @param names `DNS:localhost,IP:127.0.0.1`
   * @param days until it ends; negative: it has ended
   */
  readonly issue: (names: string, days?: number) => Promise<Issued>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

const openssl = (...args: readonly string[]) => promisify(execFile)('openssl', [...args]);
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export async function createAuthority(): Promise<Authority> {
  const directory = await mkdtemp(join(tmpdir(), 'authority-'));
  const at = (name: string) => join(directory, name);
  const [key, file] = [at('ca.key'), at('ca.pem')];
  await openssl('req', '-x509', ...NEW_KEY, '-days', '2', '-subj', '/CN=authority', '-keyout', key, '-out', file);
  let issued = 0;
  return {
    ca: await readFile(file, 'utf8'),
    file,
    issue: async (names, days = 2) => {
      issued += 1;
      const files = { cert: at(`${issued}.pem`), key: at(`${issued}.key`) };
      const [request, extensions] = [at(`${issued}.csr`), at(`${issued}.ext`)];
      await writeFile(extensions, `subjectAltName=${names}\n`);
      await openssl('req', '-new', ...NEW_KEY, '-subj', '/CN=issued', '-keyout', files.key, '-out', request);
      const by = ['-CA', file, '-CAkey', key, '-CAcreateserial', '-days', String(days), '-extfile', extensions];
      await openssl('x509', '-req', '-in', request, ...by, '-out', files.cert);
      return { cert: await readFile(files.cert, 'utf8'), key: await readFile(files.key, 'utf8'), files };
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
