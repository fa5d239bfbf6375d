import type { Fields } from '../../../domain/fields.ts';
import type { Change } from '../../setup/change.ts';

/** One request that changes something. What is only known when it is sent, such as an id, is filled in then. */
export interface HarborRequest {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly json?: Fields;
  /** `the immutability rule of acme`. */
  readonly what: string;
  /** The id of this project goes to `scope.ref`. */
  readonly ofProject?: string;
  /** The id of this endpoint goes to a field of the body. */
  readonly endpoint?: { readonly name: string; readonly field: 'registry_id' | 'dest_registry' };
  /** The id of this replication rule goes to `policy_id`. */
  readonly ofReplication?: string;
  /** User and secret of an endpoint; the secret is the name of a variable of the environment. */
  readonly secret?: { readonly user: string; readonly variable: string };
  /** Name of the variable with the authorization header of a webhook. */
  readonly header?: string;
  /** The robot account whose secret the answer shows, once. */
  readonly robot?: string;
}

export type HarborChange = Change<HarborRequest>;
