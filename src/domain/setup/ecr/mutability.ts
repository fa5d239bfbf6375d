import type { ImageTagMutability, ImageTagMutabilityExclusionFilter } from '@aws-sdk/client-ecr';
import { sorted } from '../compare.ts';
import type { Immutability } from '../desired-state.ts';
import type { Json } from '../json.ts';

/** Tag settings as the API returns them. */
export interface Mutability {
  readonly mutability: string;
  readonly exclusions: readonly string[];
}

/** As the file writes it: `true`, `false`, `{except: […]}` or `{only: […]}`. */
export function mutabilityJson({ mutability, exclusions }: Mutability): Json {
  if (mutability === 'IMMUTABLE') return true;
  if (mutability === 'IMMUTABLE_WITH_EXCLUSION') return { except: sorted(exclusions) };
  return mutability === 'MUTABLE_WITH_EXCLUSION' ? { only: sorted(exclusions) } : false;
}

export function immutabilityJson(wanted: Immutability): Json {
  if (wanted.mode === 'except' || wanted.mode === 'only') return { [wanted.mode]: sorted(wanted.tags) };
  return wanted.mode === 'all';
}

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImageTagMutability.html */
export function mutabilityInput(wanted: Immutability): {
  imageTagMutability: ImageTagMutability;
  imageTagMutabilityExclusionFilters?: ImageTagMutabilityExclusionFilter[];
} {
  if (wanted.mode !== 'except' && wanted.mode !== 'only')
    return { imageTagMutability: wanted.mode === 'all' ? 'IMMUTABLE' : 'MUTABLE' };
  return {
    imageTagMutability: wanted.mode === 'except' ? 'IMMUTABLE_WITH_EXCLUSION' : 'MUTABLE_WITH_EXCLUSION',
    imageTagMutabilityExclusionFilters: sorted(wanted.tags).map((filter) => ({ filterType: 'WILDCARD', filter })),
  };
}
