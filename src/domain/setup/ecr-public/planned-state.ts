import { fieldsOf } from '../../fields.ts';
import type { Json } from '../json.ts';
import type { EcrPublicLive, EcrPublicRepository, EcrPublicRequest } from './plan.ts';

/**
 * The repositories as they are once these requests are done, in their order. Pure.
 * @param account twelve digits, for the ARNs of new repositories
 */
export function plannedPublicState(
  live: EcrPublicLive,
  requests: readonly EcrPublicRequest[],
  account: string,
): EcrPublicLive {
  const repositories = new Map(live.repositories);
  for (const request of requests) {
    const name = nameOf(request);
    const before = repositories.get(name);
    if (request.operation === 'CreateRepository') {
      const arn = `arn:aws:ecr-public::${account}:repository/${name}`;
      const { catalogData, tags = [] } = request.input;
      repositories.set(name, {
        arn,
        tags: known(Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]))),
        policy: known(null),
        catalog: known(catalogOf(catalogData)),
      });
    } else if (before !== undefined) repositories.set(name, after(before, request));
  }
  return { ...live, repositories };
}

function nameOf({ input }: EcrPublicRequest): string {
  if ('repositoryName' in input) return input.repositoryName ?? '';
  const arn = 'resourceArn' in input ? (input.resourceArn ?? '') : '';
  return arn.slice(arn.indexOf(':repository/') + ':repository/'.length);
}

function after(repository: EcrPublicRepository, request: EcrPublicRequest): EcrPublicRepository {
  switch (request.operation) {
    case 'CreateRepository':
      return repository;
    case 'PutRepositoryCatalogData':
      return { ...repository, catalog: known(catalogOf(request.input.catalogData)) };
    case 'SetRepositoryPolicy':
      return { ...repository, policy: known(request.input.policyText) };
    case 'TagResource': {
      const pairs = (request.input.tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]);
      return retagged(repository, (tags) => ({ ...tags, ...Object.fromEntries(pairs) }));
    }
    case 'UntagResource': {
      const gone = new Set(request.input.tagKeys);
      return retagged(repository, (tags) => Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key))));
    }
  }
}

const known = <T>(value: T) => ({ ok: true, value }) as const;

function retagged(
  repository: EcrPublicRepository,
  change: (tags: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
): EcrPublicRepository {
  const { tags } = repository;
  return tags?.ok === true ? { ...repository, tags: known(change(tags.value)) } : repository;
}

function catalogOf(data: unknown): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(fieldsOf(data)).flatMap(([field, value]): readonly (readonly [string, Json])[] => {
      if (typeof value === 'string') return [[field, value]];
      return Array.isArray(value) ? [[field, value.map(String)]] : [];
    }),
  );
}
