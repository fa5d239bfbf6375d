import type { Readable } from 'node:stream';
import type { BlobFile, Pieces } from '../../http/body.ts';
import type { Scope } from './auth.ts';
import type { Session } from './session.ts';

/** The bytes of a blob, reopened for each try. */
export type OpenBlob = () => Readable | BlobFile | Pieces | Uint8Array;

/** Where a registry lists the referrers of a manifest: its own API, or an index under a tag `sha256-…`. */
export type ReferrersSupport = 'api' | 'fallback';

/** What this client has learned about a repository. */
export interface RepositoryMemory {
  referrers?: ReferrersSupport;
  /** The first request to the API, which shows whether there is one. */
  asking?: Promise<unknown>;
}

/** One repository, as all parts of the client use it. */
export interface RepositoryContext {
  readonly session: Session;
  readonly host: string;
  readonly name: string;
  readonly origin: string;
  /** The scopes for each kind of request. */
  readonly scopes: Readonly<Record<'pull' | 'push' | 'delete', readonly Scope[]>>;
  /** Uploads in progress, by repository and digest. */
  readonly uploads: Map<string, Promise<void>>;
  /** Per repository: one host may front different kinds of registries. */
  readonly memory: RepositoryMemory;
}
