import type { IgnoreEntry } from '../domain/gate/ignores.ts';
import type { VexStatement } from '../domain/gate/vex.ts';
import { allErrors, throwAll } from '../errors/action-error.ts';
import type { GateTerms } from '../inputs/gate.ts';

/** What the policy reads from files of the repository, read and checked. */
export interface GateFiles {
  readonly ignores: readonly IgnoreEntry[];
  readonly vex: readonly VexStatement[];
}

/**
 * Reads the files that the gate is given, before anything slow begins.
 * @param workspace folder that relative paths start from
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
