import type { Fields } from '../../fields.ts';
import type { Setting } from '../setting.ts';

/** What a registry of Azure has once the file is applied. */
export interface AcrState {
  readonly kind: 'acr';
  /** `/subscriptions/…/registries/name` */
  readonly id: string;
  readonly exists: boolean;
  /** As the API has it: https://learn.microsoft.com/rest/api/container-registry/registries/get */
  readonly registry: Fields;
  /** Replicas, those of others included; undefined: the file says nothing about them. */
  readonly replicas: readonly { readonly location: string; readonly properties: Fields }[] | undefined;
  /** What belongs to the registry and is a resource of its own, as far as the file names it. */
  readonly parts: readonly AcrPart[];
  /** Every setting of the plan. */
  readonly settings: readonly Setting[];
}

export interface AcrPart {
  /** The segment of its path. */
  readonly kind: 'credentialSets' | 'cacheRules' | 'scopeMaps' | 'tokens' | 'webhooks' | 'tasks' | 'roleAssignments';
  readonly name: string;
  /** In full, of one that exists. */
  readonly id: string | undefined;
  readonly location: string;
  readonly properties: Fields;
  /** A secret goes along with it, which only the step has. */
  readonly hasSecret: boolean;
  readonly line: number;
}
