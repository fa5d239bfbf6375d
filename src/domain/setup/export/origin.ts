/** In the first lines of every exported file that can have comments: a file with it may be written again, all others are somebody's own. */
export const GENERATED = 'Generated: change ';

/** Where a part of an export comes from, for a comment of one line: `setup.yml:45 acme/api on ecr`. */
export function origin(configName: string, line: number, what: string): string {
  return oneLine(`${configName}:${line} ${what}`);
}

/** `Generated: change setup.yml, not this file.`, for the first line of a file. */
export function generatedFrom(configName: string): string {
  return oneLine(`${GENERATED}${configName}, not this file.`);
}

/** A comment ends at a line break, and some programs take more characters for one than `\n`. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]+/gu, ' ').trim();
}
