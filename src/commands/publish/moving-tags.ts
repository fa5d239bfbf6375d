import type { ManifestBytes } from '../../domain/manifest.ts';
import type { TagDecision } from '../../domain/publish-plan.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import type { Repository } from '../../oci/client/repository.ts';
import { writeTag } from '../../oci/transfer/push.ts';

export interface MovedTags {
  readonly decisions: readonly TagDecision[];
  /** Tags that point to this run's image in the end. */
  readonly written: readonly string[];
  readonly error?: ActionError;
}

const MAX_TRIES = 6;
/** Delay between a write and the check: enough for a run that read the tag before this write to finish its own. */
const WAIT_MS = { least: 300, most: 10_000 } as const;
const SLOWEST_TIMES = 3;

/**
 * Moves tags, and checks them again (P4). Registries offer no conditional write, so a run of an older commit that read
 * the tag earlier may write after this one: its tag is then overwritten. A newer image is kept.
 * @param decide decides about all tags of the repository in its current state
 * @returns never throws; an error names the tag that could not be moved
 */
export async function moveTags(
  given: Repository,
  root: ManifestBytes,
  planned: readonly TagDecision[],
  decide: (repository: Repository) => Promise<readonly TagDecision[]>,
): Promise<MovedTags> {
  const timed = timing(given);
  const { repository } = timed;
  const decisions = new Map(planned.map((decision) => [decision.tag, decision]));
  const written = new Set<string>();
  let due: readonly TagDecision[] = planned.filter(isDue);
  if (due.length === 0) return { decisions: planned, written: [] };
  try {
    // Other tags and registries were written between the plan and this moment.
    due = nextDue(await decide(repository), due, decisions);
    for (let tries = 0; due.length > 0; tries++) {
      if (tries === MAX_TRIES) throw notMoved(given, due);
      for (const { tag } of due) {
        await writeUnlessRaced(repository, tag, root);
        written.add(tag);
      }
      const wait = Math.min(Math.max(timed.slowest() * SLOWEST_TIMES, WAIT_MS.least), WAIT_MS.most);
      await repository.pause(wait * (1 + Math.random() / 2));
      const looked = [...decisions.values()].filter(({ tag }) => written.has(tag));
      due = nextDue(await decide(repository), looked, decisions);
    }
  } catch (error) {
    return { decisions: [...decisions.values()], written: stillOurs(written, decisions), error: toActionError(error) };
  }
  return { decisions: [...decisions.values()], written: stillOurs(written, decisions) };
}

function isDue({ kind, action }: TagDecision): boolean {
  return kind === 'moving' && (action === 'create' || action === 'move');
}

/** The tags that have to be written now; those moved on by another run are recorded as left. */
function nextDue(
  now: readonly TagDecision[],
  tags: readonly TagDecision[],
  decisions: Map<string, TagDecision>,
): readonly TagDecision[] {
  const wanted = new Set(tags.map(({ tag }) => tag));
  const current = now.filter(({ tag }) => wanted.has(tag));
  for (const decision of current) if (decision.action === 'leave') decisions.set(decision.tag, decision);
  return current.filter(isDue);
}

function stillOurs(written: ReadonlySet<string>, decisions: ReadonlyMap<string, TagDecision>): readonly string[] {
  return [...written].filter((tag) => decisions.get(tag)?.action !== 'leave');
}

/** The next check evaluates what the tag points to afterwards. */
async function writeUnlessRaced(repository: Repository, tag: string, root: ManifestBytes): Promise<void> {
  try {
    await writeTag(repository, tag, root);
  } catch (error) {
    if (!(error instanceof ActionError) || error.code !== 'TAG_NOT_MOVED') throw error;
  }
}

function notMoved({ host, name }: Repository, due: readonly TagDecision[]): ActionError {
  const tags = due.map(({ tag, from }) => `${tag} (${from ?? 'no image'})`).join(', ');
  return new ActionError(
    'TAG_NOT_MOVED',
    `${host}/${name}: these tags were written ${MAX_TRIES} times and still point elsewhere: ${tags}.`,
    { facts: { registry: host, repository: name, ...(due[0] === undefined ? {} : { reference: due[0].tag }) } },
  );
}

/** A repository, and the duration of its slowest response. */
function timing(repository: Repository): { readonly repository: Repository; readonly slowest: () => number } {
  let slowest = 0;
  const timed =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const start = performance.now();
      try {
        return await call(...args);
      } finally {
        slowest = Math.max(slowest, performance.now() - start);
      }
    };
  const { get, head, put, listTags } = repository;
  return {
    repository: { ...repository, get: timed(get), head: timed(head), put: timed(put), listTags: timed(listTags) },
    slowest: () => slowest,
  };
}
