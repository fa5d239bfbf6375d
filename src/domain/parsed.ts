/** What reading a text came to. All problems are given at once; each is a sentence that is useful alone. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly string[] };

export const parsed = <T>(value: T): Parsed<T> => ({ ok: true, value });
export const problems = (...found: readonly string[]): Parsed<never> => ({ ok: false, problems: found });
