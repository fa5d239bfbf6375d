import type { GitEvent } from '../../domain/event.ts';
import { stepsAfterRefusal, stepsAfterRollback } from '../../domain/promotion/remedy.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { PlannedRepository } from './apply.ts';
import type { PartialResult } from './partial-result.ts';

/** Unmet requirements, or a hold, with matching remedies. */
export function refusal(
  { kind, environment = '', requirements, image }: PartialResult,
  planned: readonly PlannedRepository[],
  reasons: readonly string[],
): ActionError {
  const unmet = requirements.flatMap(({ name, met }) => (met ? [] : [name]));
  // If all requirements are met, the history refuses: a hold, or an unknown one.
  const isOnHold =
    unmet.length === 0 || planned.some(({ history: { held } }) => [...held].some((each) => each === image?.digest));
  const remedy = kind === 'rollback' ? stepsAfterRollback(environment) : stepsAfterRefusal(unmet, isOnHold);
  return new ActionError('PROMOTION_REFUSED', reasons.join('\n'), { remedy });
}

/** Immutable tags that point to another image. */
export function conflict(planned: readonly PlannedRepository[], digest: string): ActionError {
  const conflicts = planned.flatMap(({ plan, repository }) =>
    plan.decisions.filter(({ action }) => action === 'conflict').map((decision) => ({ ...decision, repository })),
  );
  const lines = conflicts.map(
    ({ image, tag, holds }) => `${image}:${tag} is ${holds}, and never moves. This image is ${digest}.`,
  );
  const [first] = conflicts;
  return new ActionError('TAG_IMMUTABLE', lines.join('\n'), {
    facts:
      first === undefined
        ? {}
        : { registry: first.repository.host, repository: first.repository.name, reference: first.tag },
  });
}

/** `force` in a run that was not started manually. */
export function notByHand({ name }: GitEvent): ActionError {
  return new ActionError(
    'INPUT_INVALID',
    `\`force\` is only accepted in manual runs (\`workflow_dispatch\`); this run was triggered by ${name}. Start the workflow by hand, or remove \`force\`.`,
    { facts: { input: 'force' } },
  );
}
