import { type Digest, shortDigest } from '../../domain/digest.ts';
import { isInPlace, planTags, type TagDecision, type Wanted } from '../../domain/publish-plan.ts';
import { throwAll, toActionError } from '../../errors/action-error.ts';
import { readTarget } from '../../run/missing-repository.ts';
import { warn } from '../../run/progress.ts';
import { askAdmission } from '../../run/push-preflight.ts';
import type { Destination } from '../../run/targets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { History } from '../../tools/commits/history.ts';
import { refuseConflicts, type Target } from './apply.ts';
import { type Choice, chooseImage, type IntendedBuild } from './choose-image.ts';
import type { PartialResult } from './partial-result.ts';
import { readState } from './read-tag-state.ts';
import type { PublishInputs } from './settings.ts';

/** What the registries allow, determined before any slow work. */
export interface Plan {
  readonly targets: readonly Target[];
  /** The image is already known: the source, or a previously published one. */
  readonly digest?: Digest;
  /** A previously published image that replaces a build or the source. */
  readonly taken?: Choice['taken'];
  /** Nothing is missing anywhere. */
  readonly inPlace: boolean;
}

/**
 * Reads all registries, decides for every tag, and shows the plan (P6). Reports wrong credentials, missing repositories
 * and taken immutable tags of all registries together, before a build is wasted on them.
 * @throws ActionError or ActionErrors, one for each registry that cannot accept the image
 */
export async function preflight(
  runtime: Runtime,
  inputs: PublishInputs,
  destinations: readonly Destination[],
  history: History,
  wanted: Wanted & { readonly ref: string },
  build: IntendedBuild | undefined,
  partial: PartialResult,
): Promise<Plan> {
  const read = await Promise.allSettled(
    destinations.map(async (to) => ({
      to,
      state: await readTarget(inputs.createRepository, to, (repository) =>
        readState(repository, history, { ...wanted, image: to.image }),
      ),
    })),
  );
  const errors = read.flatMap((each) => (each.status === 'rejected' ? [toActionError(each.reason)] : []));
  const states = read.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));

  let choice: Choice = {};
  try {
    if (errors.length === 0) choice = await chooseImage(runtime, inputs, wanted, states, build);
  } catch (error) {
    errors.push(toActionError(error));
  }
  const { taken, notTaken } = choice;
  const digest = taken?.digest ?? wanted.digest;
  const goal: Wanted = {
    ...wanted,
    ...(digest === undefined ? {} : { digest }),
    ...(notTaken === undefined ? {} : { notTaken }),
  };
  const targets = states.map(({ to, state }): Target => ({ ...to, planned: planTags(goal, state) }));
  partial.targets = targets.map(({ image, repository, planned }) => ({
    image,
    host: repository.host,
    decisions: planned,
    written: [],
  }));
  show(runtime, targets);
  for (const { planned, repository } of targets) {
    try {
      refuseConflicts(planned, digest, repository);
    } catch (error) {
      errors.push(toActionError(error));
    }
  }
  const inPlace = targets.length > 0 && targets.every(({ planned }) => isInPlace(planned));
  // No push, no checks for it.
  if (errors.length === 0 && !inPlace) {
    const asked = await Promise.allSettled(
      destinations.map((to) => askAdmission(runtime, inputs, to, movesOf(targets, to))),
    );
    for (const each of asked) {
      if (each.status === 'rejected') errors.push(toActionError(each.reason));
      else for (const doubt of each.value) warn(runtime, partial, doubt);
    }
  }
  throwAll(errors);

  return {
    targets,
    ...(digest === undefined ? {} : { digest }),
    ...(taken === undefined ? {} : { taken }),
    inPlace,
  };
}

/** The tags of a target that currently point elsewhere. */
function movesOf(targets: readonly Target[], to: Destination): readonly string[] {
  const planned = targets.find(({ repository }) => repository === to.repository)?.planned ?? [];
  return planned.flatMap(({ action, tag }) => (action === 'move' ? [tag] : []));
}

const WORDS = { create: 'create', move: 'move', keep: 'in place', leave: 'leave', conflict: 'CONFLICT' } as const;

function show(runtime: Runtime, targets: readonly Target[]): void {
  const line = ({ image, tag, action, from, reason }: TagDecision) =>
    `${WORDS[action].padEnd(8)} ${image}:${tag}${from === undefined ? '' : ` (${shortDigest(from)})`}: ${reason}`;
  for (const { planned } of targets) for (const decision of planned) runtime.log.info(line(decision));
}
