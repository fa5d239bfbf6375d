import type { IgnoreEntry } from '../domain/gate/ignores.ts';
import type { VexStatement } from '../domain/gate/vex.ts';
import { allErrors, throwAll } from '../errors/action-error.ts';
import type { GateTerms } from '../inputs/gate.ts';

/** Gate settings read from files of the repository, validated. */
export interface GateFiles {
  readonly ignores: readonly IgnoreEntry[];
  readonly vex: readonly VexStatement[];
}

/**
 * Reads the gate's files before any slow work.
 * @param workspace base folder of relative paths
 * @throws ActionErrors of IGNOREFILE_INVALID and VEX_INVALID
 */
export async function readGateFiles(
  workspace: string,
  { ignorefile, vex }: Pick<GateTerms, 'ignorefile' | 'vex'>,
): Promise<GateFiles> {
  if (ignorefile === undefined && vex.length === 0) return { ignores: [], vex: [] };
  const { readIgnoreFile, readVex } = await import('../tools/trivy/gate-files.ts');
  const [ignores, statements] = await Promise.allSettled([
    ignorefile === undefined ? [] : readIgnoreFile(workspace, ignorefile),
    readVex(workspace, vex),
  ]);
  throwAll([ignores, statements].flatMap((read) => (read.status === 'rejected' ? allErrors(read.reason) : [])));
  return {
    ignores: ignores.status === 'fulfilled' ? ignores.value : [],
    vex: statements.status === 'fulfilled' ? statements.value : [],
  };
}
