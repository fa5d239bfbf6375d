/** One file of a description, and the operations of it that the product uses. */
export interface Described {
  readonly format: 'openapi' | 'google' | 'aws';
  /** Path under the folder that `SPECS_DIR` names. */
  readonly file: string;
  readonly source: string;
  readonly version: string;
  readonly licence: string;
  /** `GET /path` without the base path, a method's id (Google), or an operation's name (AWS). */
  readonly operations: readonly string[];
}

/** The descriptions that make up one contract. */
export interface Entry {
  readonly documents: readonly Described[];
  /** Path parameters whose values hold slashes. */
  readonly spans?: readonly string[];
  /** Operations that no description holds and that vendors' own tools use, with the source. */
  readonly exceptions?: readonly { readonly operation: string; readonly source: string }[];
}
