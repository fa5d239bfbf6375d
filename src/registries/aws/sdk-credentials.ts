import type { defaultProvider } from './sdk-clients.ts';

/** AWS credentials, as the SDK wants them. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** What a client of the SDK tells of itself to who gives it credentials: its region and its way to send requests. */
export type Caller = Parameters<ReturnType<typeof defaultProvider>>[0];

/** Where the SDK's credentials come from. */
export interface Identity {
  /** For the log. */
  readonly from: string;
  /** Asked by the SDK before each request; fresh ones before they end. */
  readonly credentials: (caller?: Caller) => Promise<AwsCredentials>;
}
