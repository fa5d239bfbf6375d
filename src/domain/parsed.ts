/** The result of parsing a text. All problems are returned together; each is a self-contained sentence. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly string[] };

export const parsed = <T>(value: T): Parsed<T> => ({ ok: true, value });
export const problems = (...found: readonly string[]): Parsed<never> => ({ ok: false, problems: found });
