import type { GitEvent } from '../../domain/event.ts';
import { otherRepository } from '../../domain/git-context.ts';
import { placeholdersIn } from '../../domain/promotion/templates.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { readCheckout } from '../../tools/commits/checkout.ts';

/**
 * The event with the commit for `{{sha}}` in `from`: HEAD of the checkout, as in publish's tags, or the event's commit
 * without one. A checkout of another repository says nothing about this one's images.
 * @throws ActionError EVENT_INVALID when HEAD of a checkout cannot be read
 */
export async function withCheckedOutCommit(
  runtime: Runtime,
  event: GitEvent,
  from: string | undefined,
): Promise<GitEvent> {
  if (from === undefined || !placeholdersIn([from]).has('sha')) return event;
  const checkout = await readCheckout(runtime, runtime.workspace);
  if (checkout === undefined || checkout.sha === event.sha) return event;
  if (otherRepository(checkout.origin, event, false) !== undefined) return event;
  runtime.log.info(
    `{{sha}} is ${checkout.sha.slice(0, 7)}, the commit that is checked out; the run is of ${event.sha.slice(0, 7)}.`,
  );
  return { ...event, sha: checkout.sha };
}
