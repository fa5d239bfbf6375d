import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ActionError } from '../../errors/action-error.ts';

/** One of Trivy's databases. */
export interface Kind {
  readonly title: string;
  readonly folder: 'db' | 'java-db';
  readonly file: string;
  /** Media type of its layer in a registry. */
  readonly layerType: string;
  /** The schema that Trivy reads. */
  readonly version: number;
}

export const VULNERABILITIES: Kind = {
  title: 'vulnerability database',
  folder: 'db',
  file: 'trivy.db',
  layerType: 'application/vnd.aquasec.trivy.db.layer.v1.tar+gzip',
  version: 2,
};

export const JAVA: Kind = {
  title: 'index of Java archives',
  folder: 'java-db',
  file: 'trivy-java.db',
  layerType: 'application/vnd.aquasec.trivy.javadb.layer.v1.tar+gzip',
  version: 1,
};

const HOUR_MS = 3_600_000;

/** A database's own metadata. */
export interface Inspected {
  readonly updatedAt: Date;
  readonly nextUpdate: Date;
  readonly downloadedAt: Date;
  readonly age: number;
}

/**
 * Reads a database in a folder of Trivy's cache and checks that it is one.
 * @throws ActionError DATABASE_INVALID when the folder has no database that this version of Trivy can read
 */
export async function inspect(directory: string, kind: Kind, now: Date): Promise<Inspected> {
  const invalid = (reason: string, cause?: unknown) => new ActionError('DATABASE_INVALID', reason, { cause });
  let metadata: unknown;
  try {
    metadata = JSON.parse(await readFile(join(directory, 'metadata.json'), 'utf8'));
  } catch (error) {
    throw invalid('it has no readable metadata.json', error);
  }
  if (typeof metadata !== 'object' || metadata === null) throw invalid('its metadata.json is not an object');
  const values = new Map<string, unknown>(Object.entries(metadata));
  const version = values.get('Version');
  if (version !== kind.version)
    throw invalid(
      `it has schema version ${String(version).slice(0, 20)}, expected ${kind.version}; update Trivy (\`trivy-version\`)`,
    );
  const [updatedAt, nextUpdate, downloadedAt] = ['UpdatedAt', 'NextUpdate', 'DownloadedAt'].map((name) => {
    const value = values.get(name);
    return new Date(typeof value === 'string' ? value : Number.NaN);
  });
  if (updatedAt === undefined || Number.isNaN(updatedAt.getTime())) throw invalid('its metadata.json has no UpdatedAt');
  const age = now.getTime() - updatedAt.getTime();
  // A date in the future would keep it fresh forever.
  if (age < -24 * HOUR_MS) throw invalid(`its creation date is ${updatedAt.toISOString()}, which is in the future`);
  if (!(await hasMagic(join(directory, kind.file), kind))) throw invalid(`its ${kind.file} is not a database`);
  return {
    updatedAt,
    nextUpdate: nextUpdate ?? updatedAt,
    downloadedAt: downloadedAt ?? updatedAt,
    age: Math.max(age, 0),
  };
}

/** bbolt: https://github.com/etcd-io/bbolt/blob/main/internal/common/types.go; SQLite: https://www.sqlite.org/fileformat.html */
async function hasMagic(file: string, kind: Kind): Promise<boolean> {
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(32), 0, 32, 0);
    if (bytesRead < 32) return false;
    return kind.folder === 'db'
      ? buffer.readUInt32LE(16) === 0xed0cdaed
      : buffer.toString('latin1', 0, 15) === 'SQLite format 3';
  } finally {
    await handle.close();
  }
}
