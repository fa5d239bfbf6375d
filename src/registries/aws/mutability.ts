/** The tag settings in a DescribeRepositories response. */
export interface Mutability {
  readonly imageTagMutability?: string | undefined;
  readonly imageTagMutabilityExclusionFilters?:
    | readonly { readonly filterType?: string | undefined; readonly filter?: string | undefined }[]
    | undefined;
}

/**
 * The immutable tags of an Amazon ECR repository: all, none, those that match a filter, or those that match none.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
 */
export function immutableTags(repository: Mutability, tags: readonly string[]): readonly string[] {
  const { imageTagMutability: mode, imageTagMutabilityExclusionFilters: filters = [] } = repository;
  const patterns = filters.flatMap(({ filterType, filter }) =>
    filterType === 'WILDCARD' && filter !== undefined ? [wildcard(filter)] : [],
  );
  const excluded = (tag: string) => patterns.some((pattern) => pattern.test(tag));
  if (mode === 'IMMUTABLE') return tags;
  if (mode === 'IMMUTABLE_WITH_EXCLUSION') return tags.filter((tag) => !excluded(tag));
  return mode === 'MUTABLE_WITH_EXCLUSION' ? tags.filter(excluded) : [];
}

/** `release-*`: a star matches any characters, everything else itself. Several stars in a row are one. */
function wildcard(filter: string): RegExp {
  const parts = filter.slice(0, 128).split(/\*+/);
  return new RegExp(`^${parts.map((part) => part.replaceAll(/[^\w]/g, String.raw`\$&`)).join('.*')}$`);
}
