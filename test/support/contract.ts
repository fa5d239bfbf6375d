/** One request as it was sent to a vendor's API. */
export interface Sent {
  readonly method: string;
  /** Path and query as they stood on the wire, host aside. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** A vendor's own description of its API. */
export interface Contract {
  /** What is wrong with a request by the description, one sentence each; empty when it is as described. */
  readonly check: (request: Sent) => readonly string[];
}
