import type { Digest } from '../../domain/digest.ts';
import type { PlannedTarget } from '../../domain/promotion/plan.ts';
import type { Destination } from '../../run/targets.ts';

/** A repository that is promoted to, and the tags that are written in it. */
export interface Place extends Destination {
  readonly tags: readonly Pick<PlannedTarget, 'tag' | 'kind'>[];
}

/** A repository as it was found. */
export interface FoundRepository extends Place {
  readonly targets: readonly PlannedTarget[];
  /** What the environment holds here: the first moving tag that holds something says it. Null: nothing; undefined: no tag says it. */
  readonly now?: Digest | null;
}

/** Reads what the tags hold: one request for each. The first alone, because it also brings the token. */
export async function readRepository(place: Place): Promise<FoundRepository> {
  const { image, repository, tags } = place;
  const read = async ({ tag, kind }: Place['tags'][number]): Promise<PlannedTarget> => {
    const digest = (await repository.head(tag))?.digest;
    return { image, tag, kind, ...(digest === undefined ? {} : { holds: digest }) };
  };
  const [first, ...rest] = tags;
  const head = first === undefined ? [] : [await read(first)];
  const targets = [...head, ...(await Promise.all(rest.map(read)))];
  const moving = targets.filter(({ kind }) => kind === 'moving');
  // A tag that is new says nothing of an environment that has others.
  const environment = moving.find(({ holds }) => holds !== undefined) ?? moving[0];
  return { ...place, targets, ...(environment === undefined ? {} : { now: environment.holds ?? null }) };
}

export function isSameRepository({ repository: a }: Destination, { repository: b }: Destination): boolean {
  return a.host === b.host && a.name === b.name;
}
