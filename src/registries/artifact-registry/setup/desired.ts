import type { Fields } from '../../../domain/fields.ts';
import type { Given } from '../../../domain/setup/desired-state.ts';
import type { Change } from '../../setup/change.ts';
import type { Membership } from './iam.ts';

/** What a repository is: it cannot be changed after creation. */
export type Mode = 'STANDARD_REPOSITORY' | 'REMOTE_REPOSITORY' | 'VIRTUAL_REPOSITORY';

/** One of the repositories that a virtual repository serves, in the order of their priority. */
export interface Upstream {
  readonly id: string;
  /** In full: `projects/p/locations/l/repositories/r`; or the name of one beside it. */
  readonly repository: string;
  readonly priority: number;
}

/** A repository as it should be, in the words of Artifact Registry's API. What is absent is left alone and not compared. */
export interface DesiredGoogleRepository {
  readonly name: string;
  readonly creates: boolean;
  readonly line: number;
  /** Absent: a standard one. */
  readonly mode?: Mode;
  readonly description?: Given<string | null>;
  readonly labels: ReadonlyMap<string, Given<string | null>>;
  readonly immutable?: Given<boolean>;
  readonly scan?: Given<boolean>;
  readonly key?: Given<string | null>;
  /** Of a repository that is created. */
  readonly newKey?: string;
  /** Cleanup policies by id; empty: ours go. */
  readonly cleanup?: Given<Readonly<Record<string, Fields>>>;
  /** How ids of our cleanup policies begin. */
  readonly mark?: string;
  /** Whether cleanup policies of others go. */
  readonly replaces?: boolean;
  readonly isCleanupDryRun?: Given<boolean>;
  readonly remote?: Fields;
  readonly virtual?: Given<readonly Upstream[]>;
  readonly members: readonly (Membership & { readonly line: number })[];
  readonly isExact: boolean;
  readonly isPublic: Given<'private' | 'public'> | undefined;
  readonly accept: readonly string[];
  readonly lacks: readonly Change<never>[];
}
