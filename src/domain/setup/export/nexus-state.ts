import type { Fields } from '../../fields.ts';
import type { Setting } from '../setting.ts';

/** What a Nexus has once the file is applied, as far as the file names it. */
export interface NexusState {
  readonly kind: 'nexus';
  /** Without a slash at the end. */
  readonly url: string;
  /** Repositories and caches, without those that setup leaves alone. */
  readonly repositories: readonly NexusRepositoryState[];
  readonly roles: readonly NexusRoleState[];
  /** Every setting of the plan. */
  readonly settings: readonly Setting[];
}

export interface NexusRepositoryState {
  readonly name: string;
  readonly line: number;
  readonly type: 'hosted' | 'proxy' | 'group';
  readonly exists: boolean;
  /** All settings, as the API has them. */
  readonly fields: Fields;
  /** Whether it logs in at its upstream. */
  readonly hasLogin: boolean;
}

export interface NexusRoleState {
  readonly id: string;
  readonly line: number;
  readonly exists: boolean;
  readonly name: string;
  /** Empty: none. */
  readonly description: string;
  /** Those of others included, sorted. */
  readonly privileges: readonly string[];
  /** Roles that it includes, sorted. */
  readonly roles: readonly string[];
}
