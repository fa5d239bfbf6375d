import type { Digest } from '../../domain/digest.ts';
import type { PlannedTarget } from '../../domain/promotion/plan.ts';
import type { Destination } from '../../run/targets.ts';

/** A target repository, with the tags to write. */
export interface NamedRepository extends Destination {
  readonly tags: readonly Pick<PlannedTarget, 'tag' | 'kind'>[];
}

/** A repository in its current state. */
export interface FoundRepository extends NamedRepository {
  readonly targets: readonly PlannedTarget[];
  /**
   * The environment's current image here: the target of the first existing moving tag. Null: none; undefined: unknown.
   */
  readonly now?: Digest | null;
}

/** Reads the targets of tags with one request each; the first one separately, because it also fetches the token. */
export async function readRepository(named: NamedRepository): Promise<FoundRepository> {
  const { image, repository, tags } = named;
  const read = async ({ tag, kind }: NamedRepository['tags'][number]): Promise<PlannedTarget> => {
    const digest = (await repository.head(tag))?.digest;
    return { image, tag, kind, ...(digest === undefined ? {} : { holds: digest }) };
  };
  const [first, ...rest] = tags;
  const head = first === undefined ? [] : [await read(first)];
  const targets = [...head, ...(await Promise.all(rest.map(read)))];
  const moving = targets.filter(({ kind }) => kind === 'moving');
  // A new tag says nothing about an environment that has others.
  const environment = moving.find(({ holds }) => holds !== undefined) ?? moving[0];
  return { ...named, targets, ...(environment === undefined ? {} : { now: environment.holds ?? null }) };
}

export function isSameRepository({ repository: a }: Destination, { repository: b }: Destination): boolean {
  return a.host === b.host && a.name === b.name;
}
