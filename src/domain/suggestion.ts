import { closest, distance } from 'fastest-levenshtein';

/** A text without the credentials in URLs, including `user:password@host/path`. */
export function withoutCredentials(text: string): string {
  return text
    .replaceAll(/:\/\/[^\s/?#]*@/g, '://***@')
    .replaceAll(/(^|[\s,=`"'])[^\s/?#:@,=`"']*:[^\s/?#@]+@(?!sha\d)/g, '$1***@');
}

/** Untrusted text for a message: quoted, on one line, at most 80 characters, no credentials. */
export function quoted(text: string): string {
  const shown = withoutCredentials(text);
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 79)}…` : shown);
}

/** Adds a full stop to a text unless it ends with punctuation. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** ` Did you mean …?` if one of the words is a likely typo, otherwise empty. */
export function didYouMean(word: string, words: readonly string[]): string {
  if (words.length === 0) return '';
  const lower = word.toLowerCase();
  const near = closest(
    lower,
    words.map((each) => each.toLowerCase()),
  );
  const isNear =
    distance(lower, near) <= Math.max(lower.length < 4 ? 1 : 2, Math.floor(lower.length / 3)) ||
    (distance(lower, near) === 2 && letters(lower) === letters(near));
  const found = words.find((each) => each.toLowerCase() === near);
  return isNear && found !== undefined ? ` Did you mean \`${found}\`?` : '';
}

/** The same for words with the same letters in another order: `erc` and `ecr`. */
const letters = (word: string) => [...word].sort().join('');
