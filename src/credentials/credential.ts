/** Credentials of one host with their source, for the log: never the secret itself. */
export type Credentials =
  | {
      readonly kind: 'password';
      readonly username: string;
      readonly password: string;
      readonly from: string;
      /** When they expire, if known. */
      readonly until?: Date;
    }
  | { readonly kind: 'identity-token'; readonly token: string; readonly from: string; readonly until?: Date };
