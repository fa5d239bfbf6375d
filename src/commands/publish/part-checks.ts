import type { BuiltCommit } from '../../domain/commit.ts';
import { HAND_OVER_FILE } from '../../domain/merge/hand-over.ts';
import {
  builtForOthers,
  type Offered,
  ofDifferentArguments,
  ofDifferentImages,
  ofLaterAttempts,
  ofOtherCommits,
  ofSeveralRuns,
} from '../../domain/merge/offered.ts';
import { ActionError } from '../../errors/action-error.ts';
import { warn } from '../../run/progress.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Naming } from './naming.ts';
import type { PartialResult } from './partial-result.ts';

/** @throws ActionError IMAGES_MIXED naming what each input is a part of */
export function requireOneImage(parts: readonly Offered[]): void {
  const mixed = ofDifferentImages(parts);
  if (mixed.length === 0) return;
  const listed = mixed.map(({ name, image }) => `${name} (${image})`).join('; ');
  throw new ActionError('IMAGES_MIXED', `The inputs are parts of different images: ${listed}.`, {
    facts: { input: 'layouts' },
  });
}

/** @throws ActionError SOURCE_INVALID when an input says that it is of an attempt that has not started */
export function requireStarted(
  parts: readonly Offered[],
  own: { readonly id: string; readonly attempt: number },
): void {
  const later = ofLaterAttempts(parts, own);
  if (later.length === 0) return;
  throw new ActionError(
    'SOURCE_INVALID',
    `This is attempt ${own.attempt} of the run, and \`${HAND_OVER_FILE}\` of these images names a later one: ${later.join(', ')}. The file was changed.`,
    { facts: { input: 'layouts' } },
  );
}

/** @throws ActionError COMMIT_MISMATCH naming every input that was built from another commit */
export function requireSameCommit(parts: readonly Offered[], { sha }: BuiltCommit): void {
  const others = ofOtherCommits(parts, sha);
  if (others.length === 0) return;
  const listed = others.map(({ name, commit }) => `${name} (${commit})`).join(', ');
  throw new ActionError(
    'COMMIT_MISMATCH',
    `This run is for ${sha}, and these images were built from another commit: ${listed}.`,
    {
      remedy: [
        'Merge only what jobs of this run built: download the artifacts of this run, without `run-id`.',
        `Or check out the commit of the images. \`${HAND_OVER_FILE}\` in each layout names it.`,
      ],
    },
  );
}

/** What may be meant, and is more often an artifact that should not be there. */
export function warnOfOrigins(
  runtime: Runtime,
  parts: readonly Offered[],
  { images }: Pick<Naming, 'images'>,
  partial: PartialResult,
): void {
  const runs = ofSeveralRuns(parts).map(({ name, run }) => `${name} (${run === '' ? 'unknown' : run})`);
  if (runs.length > 0) warn(runtime, partial, `The merged images were built in different runs: ${runs.join(', ')}.`);
  const differing = ofDifferentArguments(parts).map(({ name, version }) => `${name} (${version || 'no tag'})`);
  if (differing.length > 0) {
    warn(
      runtime,
      partial,
      `Tags or build arguments of the merged images differ: ${differing.join(', ')}. Check that they are platforms of one image, and not variants of it.`,
    );
  }
  for (const { name, repositories } of builtForOthers(
    parts,
    images.map((image) => image.name),
  )) {
    warn(
      runtime,
      partial,
      `${name} was built as ${repositories.join(' and ')}, and is published as ${images.map((image) => image.name).join(' and ')}. Check that the right artifact was downloaded.`,
    );
  }
}
