import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Certificate {
  /** PEM texts. */
  readonly key: string;
  readonly cert: string;
  /** Of the certificate, which is its own authority. */
  readonly file: string;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** A self-signed certificate, by default for this machine. */
export async function certificate(names = 'IP:127.0.0.1,DNS:localhost'): Promise<Certificate> {
  const directory = await mkdtemp(join(tmpdir(), 'certificate-'));
  const [key, file] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names}`, '-keyout', key, '-out', file];
  await promisify(execFile)('openssl', [...request, ...subject]);
  return {
    key: await readFile(key, 'utf8'),
    cert: await readFile(file, 'utf8'),
    file,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
