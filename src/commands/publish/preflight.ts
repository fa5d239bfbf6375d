import { type Digest, shortDigest } from '../../domain/digest.ts';
import { isInPlace, planTags, publishedBefore, type TagDecision, type Wanted } from '../../domain/publish-plan.ts';
import { ActionError, throwAll, toActionError } from '../../errors/action-error.ts';
import type { Inputs } from '../../inputs/parse.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { History } from '../../tools/git.ts';
import { askAdmission } from '../admission.ts';
import type { Destination } from '../destinations.ts';
import { readTarget } from '../missing-repository.ts';
import { warn } from '../progress.ts';
import { refuseConflicts, type Target } from './apply.ts';
import type { Draft } from './draft.ts';
import { readState } from './state.ts';

/** What the registries allow, found out before anything slow begins. */
export interface Plan {
  readonly targets: readonly Target[];
  /** The image is known already: it is the source, or an earlier run of this very build has published it. */
  readonly digest?: Digest;
  /** A repository that holds that image. */
  readonly holder?: Target;
  /** Nothing is missing anywhere. */
  readonly inPlace: boolean;
}

/**
 * Reads all registries, decides for every tag, and shows the plan (P6). Wrong credentials, missing repositories and
 * immutable tags that are taken are all told here, for all registries at once, before a build is wasted on them.
 * @throws ActionError or ActionErrors, one for each registry that cannot take the image
 */
export async function preflight(
  runtime: Runtime,
  inputs: Inputs,
  destinations: readonly Destination[],
  history: History,
  wanted: Wanted & { readonly ref: string },
  draft: Draft,
): Promise<Plan> {
  const read = await Promise.allSettled(
    destinations.map(async (to) => ({
      to,
      state: await readTarget(inputs, to, (repository) =>
        readState(repository, history, { ...wanted, image: to.image }),
      ),
    })),
  );
  const errors = read.flatMap((each) => (each.status === 'rejected' ? [toActionError(each.reason)] : []));
  const states = read.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));

  const decide = (goal: Wanted) => states.map(({ to, state }): Target => ({ ...to, planned: planTags(goal, state) }));
  let targets = decide(wanted);
  const before = wanted.digest ?? publishedBefore(targets.flatMap(({ planned }) => planned));
  if (before === 'ambiguous') errors.push(ambiguous(targets));
  else if (before !== undefined && wanted.digest === undefined) targets = decide({ ...wanted, digest: before });

  draft.targets = targets.map(({ image, repository, planned }) => ({
    image,
    host: repository.host,
    decisions: planned,
    written: [],
  }));
  show(runtime, targets);
  for (const { planned, repository } of targets) {
    try {
      refuseConflicts(planned, wanted.digest, repository);
    } catch (error) {
      errors.push(toActionError(error));
    }
  }
  const inPlace = targets.length > 0 && targets.every(({ planned }) => isInPlace(planned));
  // Nobody is asked about a push that will not be.
  if (errors.length === 0 && !inPlace) {
    const asked = await Promise.allSettled(
      destinations.map((to) => askAdmission(runtime, inputs, to, movesOf(targets, to))),
    );
    for (const each of asked) {
      if (each.status === 'rejected') errors.push(toActionError(each.reason));
      else for (const doubt of each.value) warn(runtime, draft, doubt);
    }
  }
  throwAll(errors);

  const digest = before === 'ambiguous' ? undefined : before;
  const holder = targets.find(({ planned }) =>
    planned.some(({ action, from }) => action === 'keep' && from === digest),
  );
  return {
    targets,
    ...(digest === undefined ? {} : { digest }),
    ...(holder === undefined ? {} : { holder }),
    inPlace,
  };
}

/** The tags of a destination that hold something else now. */
function movesOf(targets: readonly Target[], to: Destination): readonly string[] {
  const planned = targets.find(({ repository }) => repository === to.repository)?.planned ?? [];
  return planned.flatMap(({ action, tag }) => (action === 'move' ? [tag] : []));
}

function ambiguous(targets: readonly Target[]): ActionError {
  const held = targets.flatMap(({ planned }) =>
    planned.flatMap(({ image, tag, kind, action, from }) =>
      kind !== 'moving' && action === 'keep' ? [`${image}:${tag} is ${from}`] : [],
    ),
  );
  return new ActionError('TAG_IMMUTABLE', `This commit was published as different images: ${held.join('; ')}.`);
}

const WORDS = { create: 'create', move: 'move', keep: 'in place', leave: 'leave', conflict: 'CONFLICT' } as const;

function show(runtime: Runtime, targets: readonly Target[]): void {
  const line = ({ image, tag, action, from, reason }: TagDecision) =>
    `${WORDS[action].padEnd(8)} ${image}:${tag}${from === undefined ? '' : ` (${shortDigest(from)})`}: ${reason}`;
  for (const { planned } of targets) for (const decision of planned) runtime.log.info(line(decision));
}
