import type { defaultProvider } from './sdk-clients.ts';

/** AWS credentials in the SDK's format. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** What an SDK client passes to its credential provider: its region and request handler. */
type Caller = Parameters<ReturnType<typeof defaultProvider>>[0];

/** Where the SDK's credentials come from. */
export interface Identity {
  /** For the log. */
  readonly from: string;
  /** Called by the SDK before each request; returns fresh credentials before the old ones expire. */
  readonly credentials: (caller?: Caller) => Promise<AwsCredentials>;
}
