import type { Fields } from '../../fields.ts';
import type { Setting } from '../setting.ts';

/** What a project of Artifact Registry has at one location once the file is applied. */
export interface GoogleState {
  readonly kind: 'artifact-registry';
  readonly project: string;
  readonly location: string;
  /** Repositories and caches of the file, without those that setup leaves alone. */
  readonly repositories: readonly GoogleRepositoryState[];
  /** Every setting of the plan. */
  readonly settings: readonly Setting[];
}

export interface GoogleRepositoryState {
  readonly name: string;
  readonly line: number;
  readonly exists: boolean;
  /** As the API has it: https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories */
  readonly fields: Fields;
  /** Members of the file, in its order; those of others stay without being named. */
  readonly members: readonly GoogleMember[];
}

export interface GoogleMember {
  readonly role: string;
  readonly member: string;
  readonly exists: boolean;
  readonly line: number;
}
