import type { Fields } from '../../fields.ts';
import type { Setting } from '../setting.ts';

/** What an Artifactory has once the file is applied, as far as the file names it. */
export interface ArtifactoryState {
  readonly kind: 'artifactory';
  /** Without a slash at the end. */
  readonly url: string;
  /** Repositories and caches, without those that setup leaves alone. */
  readonly repositories: readonly ArtifactoryRepositoryState[];
  /** Every setting of the plan. */
  readonly settings: readonly Setting[];
}

export interface ArtifactoryRepositoryState {
  readonly key: string;
  readonly line: number;
  readonly rclass: 'local' | 'remote' | 'virtual';
  /** `docker-v1`: of the first version of the API, in which nothing new is made. */
  readonly packageType: 'docker' | 'docker-v1' | 'oci';
  readonly exists: boolean;
  /** The settings that the file names, as the API has them. */
  readonly named: Fields;
  /** Whether it logs in at its upstream. */
  readonly hasLogin: boolean;
}
