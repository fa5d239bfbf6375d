import type { ReportFinding } from '../domain/gate/report.ts';
import { isUnseenBySecretScan, LARGEST_UNSEEN, secretsIn } from '../domain/gate/secret-rules.ts';

/** A file in a layer, as its tar header has it. */
interface FileEntry {
  readonly name: string;
  readonly size?: number | undefined;
}

/** Looks for credentials in a file of a layer while it is read, when the scanner does not open files at its path. */
export function readUnseenSecrets(
  { name, size = 0 }: FileEntry,
  content: NodeJS.EventEmitter,
  report: (finding: ReportFinding) => void,
): void {
  const path = name.replace(/^(?:\.?\/)+/, '');
  if (size === 0 || size > LARGEST_UNSEEN || !isUnseenBySecretScan(path)) return;
  const chunks: Uint8Array[] = [];
  content.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  content.once('end', () => {
    for (const finding of secretsIn(path, Buffer.concat(chunks).toString('utf8'))) report(finding);
  });
}
