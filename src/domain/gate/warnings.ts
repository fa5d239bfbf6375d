import type { AcceptedSpot } from './blind-spot-kinds.ts';
import type { Finding } from './finding.ts';
import { hasEnded, type IgnoreEntry, isAbout, placeOf } from './ignores.ts';

/** A sentence, with the file and line it refers to. */
export interface GateWarning {
  readonly text: string;
  readonly file?: string;
  readonly line?: number;
}

/** Of a line of `accept-unscanned` that matches nothing. */
export function spotWarning({ kind, glob }: AcceptedSpot): GateWarning {
  return { text: `\`accept-unscanned: ${kind}=${glob}\` matches nothing. Remove it.` };
}

/**
 * Of an entry that matches nothing, or has ended while its finding counts.
 * @param unmatched all findings, when the entry matches none of them
 */
export function ignoreWarning(
  entry: IgnoreEntry,
  unmatched: readonly Finding[] | undefined,
  counting: number,
  today: string,
): GateWarning | undefined {
  const about = (text: string): GateWarning => ({
    text: `${placeOf(entry)}: the entry for ${entry.id} ${text}`,
    file: entry.file,
    line: entry.line,
  });
  if (unmatched !== undefined) {
    const near = unmatched.find((finding) => isAbout(entry, finding));
    return about(
      near === undefined
        ? 'matches nothing that was found. Remove it.'
        : `does not match what was found, ${placeInImage(near)}. Compare its \`package\`, \`path\`, \`purls\` and \`platform\`.`,
    );
  }
  if (!hasEnded(entry, today) || counting === 0) return undefined;
  return about(
    `ended on ${entry.lastDay}; ${counting === 1 ? 'a finding counts' : `${counting} findings count`} again.`,
  );
}

function placeInImage({ package: found, path, target, platform }: Finding): string {
  const purl = found?.purl === undefined ? '' : ` (${found.purl})`;
  return `${found === undefined ? '' : `${found.name}${purl} in `}${path ?? target} of ${platform}`;
}
