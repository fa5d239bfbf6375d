import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, isAbsolute, join, sep } from 'node:path';

/** Programs that the action starts, or that git, docker and buildx start by name. */
const PROGRAMS =
  /^(?:git|git-.+|ssh|docker|docker-.+|buildx|buildctl|trivy|tar|gzip|unzip|pwsh|powershell)(?:\.\w+)?$/i;

/** A PATH without folders of the repository. */
export interface ProgramPath {
  readonly path: string;
  /** One sentence for each folder with a program that is skipped. */
  readonly warnings: readonly string[];
}

/**
 * Removes everything from PATH that the author of a pull request can write to (P8): folders inside the workspace, also
 * through symbolic links; relative folders, which start there; and folders in which a link with the name of one of our
 * programs leads there. Children inherit the result, so that the programs they start (git, ssh, credential helpers) are
 * not found there either.
 * @param workspace the checkout
 */
export function programPath(path: string, workspace: string): ProgramPath {
  const repository = realPath(workspace) ?? workspace;
  const isInside = (real: string) => sameCase(real) === sameCase(repository) || startsIn(real, repository);
  const kept: string[] = [];
  const warnings: string[] = [];
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue;
    const real = realPath(folder);
    // A build step could create a missing folder in the workspace.
    const isWritable = !isAbsolute(folder) || isInside(real ?? folder) || startsIn(folder, workspace);
    const program = programsIn(folder).find((name) => isWritable || isLinkInto(join(folder, name), isInside));
    if (program !== undefined) {
      warnings.push(`${join(folder, program)} is in the workspace or leads there, so PATH is used without ${folder}.`);
    } else if (!isWritable) kept.push(folder);
  }
  return { path: kept.join(delimiter), warnings };
}

function programsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => PROGRAMS.test(name));
  } catch {
    return [];
  }
}

function isLinkInto(file: string, isInside: (real: string) => boolean): boolean {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return false;
  const real = realPath(file);
  return real !== undefined && isInside(real);
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

function startsIn(path: string, folder: string): boolean {
  return sameCase(path).startsWith(sameCase(folder.endsWith(sep) ? folder : folder + sep));
}

/** Paths on Windows and macOS are not case sensitive. */
function sameCase(path: string): string {
  return process.platform === 'linux' ? path : path.toLowerCase();
}
