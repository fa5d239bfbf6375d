import type { LayerEntry } from '../../domain/gate/image-files.ts';
import type { ReportFinding } from '../../domain/gate/report.ts';
import { isUnseenBySecretScan, MAX_UNSEEN_BYTES, secretsIn } from '../../domain/gate/secret-rules.ts';
import type { TarContent } from './layer-tar.ts';

/** Searches a file of a layer for credentials while it is read, if the scanner skips files at its path. */
export function readUnseenSecrets(
  { kind, name, size, isSparse }: LayerEntry,
  report: (finding: ReportFinding) => void,
): TarContent | undefined {
  if (kind !== 'file' || isSparse || size === 0 || size > MAX_UNSEEN_BYTES || !isUnseenBySecretScan(name))
    return undefined;
  const chunks: Uint8Array[] = [];
  const end = () => {
    for (const finding of secretsIn(name, Buffer.concat(chunks).toString('utf8'))) report(finding);
  };
  return { take: (bytes) => chunks.push(Uint8Array.from(bytes)), end };
}
