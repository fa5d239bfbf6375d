import { closest, distance } from 'fastest-levenshtein';

/** A text with the credentials of addresses taken out, those of `user:password@host/path` included. */
export function withoutCredentials(text: string): string {
  return text
    .replaceAll(/:\/\/[^\s/?#]*@/g, '://***@')
    .replaceAll(/(^|[\s,=`"'])[^\s/?#:@,=`"']*:[^\s/?#@]+@(?!sha\d)/g, '$1***@');
}

/** A text that somebody else wrote, as a message shows it: quoted, on one line, at most 80 characters, no credentials. */
export function quoted(text: string): string {
  const shown = withoutCredentials(text);
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 79)}…` : shown);
}

/** A text with a full stop, unless it has an end already. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** ` Did you mean …?` when one of the words is near enough to be a slip of the pen, else nothing. */
export function didYouMean(word: string, words: readonly string[]): string {
  if (words.length === 0) return '';
  const lower = word.toLowerCase();
  const near = closest(
    lower,
    words.map((each) => each.toLowerCase()),
  );
  const isNear = distance(lower, near) <= Math.max(lower.length < 4 ? 1 : 2, Math.floor(lower.length / 3));
  const found = words.find((each) => each.toLowerCase() === near);
  return isNear && found !== undefined ? ` Did you mean \`${found}\`?` : '';
}
