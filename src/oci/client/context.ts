import type { Readable } from 'node:stream';
import type { BlobFile, Pieces } from '../../http/body.ts';
import type { Scope } from './auth.ts';
import type { Session } from './session.ts';

/** The bytes of a blob, opened anew for each try. */
export type OpenBlob = () => Readable | BlobFile | Pieces | Uint8Array;

/** Where a registry keeps the list of what refers to a manifest: its own API, or an index under a tag `sha256-…`. */
export type ReferrersSupport = 'api' | 'fallback';

/** What this client has learned of a repository. */
export interface RepositoryMemory {
  referrers?: ReferrersSupport;
}

/** One repository as every part of the client needs it. */
export interface RepositoryContext {
  readonly session: Session;
  readonly host: string;
  readonly name: string;
  readonly origin: string;
  /** The rights that each kind of request needs. */
  readonly scopes: Readonly<Record<'pull' | 'push' | 'delete', readonly Scope[]>>;
  /** Uploads of this client that are on their way, by repository and digest. */
  readonly uploads: Map<string, Promise<void>>;
  /** Of this repository alone: one host may front registries of several kinds. */
  readonly memory: RepositoryMemory;
}
