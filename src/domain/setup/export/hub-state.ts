import type { Setting } from '../setting.ts';

/** What a namespace of Docker Hub has once the file is applied, as far as the file names it. */
export interface HubState {
  readonly kind: 'docker-hub';
  readonly namespace: string;
  /** Without those that setup leaves alone. */
  readonly repositories: readonly HubRepositoryState[];
  /** Every setting of the plan. */
  readonly settings: readonly Setting[];
}

export interface HubRepositoryState {
  /** `namespace/name` */
  readonly name: string;
  readonly line: number;
  readonly exists: boolean;
  /** Empty: none. */
  readonly description: string;
  readonly isPrivate: boolean;
  readonly hasImmutableTags: boolean;
  /** Expressions of RE2, in their order; none: every tag. */
  readonly immutableTags: readonly string[];
  readonly teams: readonly HubTeamState[];
}

interface HubTeamState {
  readonly name: string;
  /** `read`, `write` or `admin` */
  readonly permission: string;
  /** Id of the team, where it has access already. */
  readonly id: number | undefined;
  readonly line: number;
}
