/** Credentials of one host and where they came from, for the log: never the secret itself. */
export type Credentials =
  | {
      readonly kind: 'password';
      readonly username: string;
      readonly password: string;
      readonly from: string;
      /** When they stop to work, where that is known. */
      readonly until?: Date;
    }
  | { readonly kind: 'identity-token'; readonly token: string; readonly from: string; readonly until?: Date };
