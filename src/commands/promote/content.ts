import { bytes as size } from '../../domain/amount.ts';
import { type ActionError, toActionError } from '../../errors/action-error.ts';
import { checkRecordable } from '../../evidence/promotion-records.ts';
import { checkListWritable, occupiedBy } from '../../oci/transfer/attach.ts';
import { type Copied, copyImage } from '../../oci/transfer/copy.ts';
import { copyToTargets } from '../../run/copy-to-targets.ts';
import { step, warn } from '../../run/progress.ts';
import { askAdmission } from '../../run/push-preflight.ts';
import type { PlannedRepository } from './apply.ts';
import type { PromotionContext } from './context.ts';
import type { Found } from './resolve-image.ts';

/** Errors by target: one failure does not keep the content from the others (P9). */
export type TargetErrors = ReadonlyMap<PlannedRepository, ActionError>;

/** Maximum attachments in the log. */
const MAX_LISTED = 50;

/**
 * Checks before the first write whether every target will accept it: immutable tags, quota, rights, even if only a tag
 * moves. In a dry run without probes that start an upload.
 */
export async function askTargets(
  { runtime, inputs, partial }: PromotionContext,
  { root }: Found,
  planned: readonly PlannedRepository[],
): Promise<TargetErrors> {
  const { digest } = root.descriptor;
  const errors = new Map<PlannedRepository, ActionError>();
  const wanting = planned.filter(
    ({ plan, needsCopy, needsRecord }) => plan.status === 'go' || needsCopy || needsRecord,
  );
  if (wanting.length === 0) return errors;
  await step(
    runtime,
    partial,
    'Pre-flight',
    () =>
      Promise.all(
        wanting.map(async (target) => {
          const moves = target.plan.decisions.flatMap(({ action, tag }) => (action === 'move' ? [tag] : []));
          if (target.list !== undefined) moves.push(target.list);
          // If a single tag is all there is to write, its own write is as good as a probe.
          const probe = target.needsCopy || wanting.length > 1;
          try {
            if (target.needsRecord && target.occupied !== undefined) {
              throw occupiedBy(target.repository, digest, target.occupied);
            }
            for (const doubt of await askAdmission(runtime, inputs, target, moves, { probe }))
              warn(runtime, partial, doubt);
            // A missing record must not delay a rollback. After a copy the list is another one.
            const isAsked = target.list !== undefined && !target.needsCopy && !inputs.dryRun && !inputs.rollback;
            if (isAsked) await checkListWritable(target.repository, digest);
          } catch (thrown) {
            runtime.signal.throwIfAborted();
            const error = toActionError(thrown);
            // A tag that moves back needs no space.
            const isHarmless = error.code === 'QUOTA_EXCEEDED' && inputs.rollback && !target.needsCopy;
            if (isHarmless) warn(runtime, partial, error.message);
            else errors.set(target, error);
          }
        }),
      ),
    () => errors.size > 0,
  );
  return errors;
}

/**
 * Copies the image with all its referrers to the targets that lack it. Every possible copy is complete before any tag
 * moves anywhere (P9).
 * @throws ActionError from reading the source: then no target gets anything
 */
export async function copyMissing(
  context: PromotionContext,
  found: Found,
  targets: readonly PlannedRepository[],
): Promise<TargetErrors> {
  const wanting = targets.filter(({ needsCopy }) => needsCopy);
  if (wanting.length === 0) return new Map();
  const { runtime, partial } = context;
  return step(
    runtime,
    partial,
    'Copy',
    async () => {
      const copied = await copyToTargets(runtime, found.source.repository, wanting, async (left) =>
        report(context, await copyTo(context, found, left)),
      );
      const errors = new Map(copied);
      const left = wanting.filter((target) => !errors.has(target));
      for (const target of left.filter(({ needsRecord, support }) => needsRecord && support !== 'api')) {
        try {
          await checkRecordable(target.repository, found.root.descriptor.digest);
        } catch (thrown) {
          runtime.signal.throwIfAborted();
          errors.set(target, toActionError(thrown));
        }
      }
      return errors;
    },
    (errors) => errors.size > 0,
  );
}

function copyTo(
  { runtime, partial }: PromotionContext,
  { source, root }: Found,
  targets: readonly PlannedRepository[],
): Promise<Copied> {
  return copyImage({
    from: source.repository,
    to: targets.map(({ repository }) => repository),
    digest: root.descriptor.digest,
    log: { warning: (line) => warn(runtime, partial, line) },
  });
}

/** What was copied, with all attachments: anyone with push access to the source could have added them. */
function report(
  { runtime, partial }: PromotionContext,
  { manifests, blobs, mounted, bytes, attachments }: Copied,
): void {
  partial.attachments = attachments;
  partial.copiedManifests = manifests;
  runtime.log.info(
    `Copied ${manifests} manifests and ${blobs} blobs (${size(bytes)}); ${mounted} blobs were mounted from the same registry.`,
  );
  for (const { digest, artifactType, bytes: own } of attachments.slice(0, MAX_LISTED)) {
    runtime.log.info(`attached ${digest} ${artifactType || 'without a type'} (${size(own)})`);
  }
  if (attachments.length > MAX_LISTED) runtime.log.info(`… and ${attachments.length - MAX_LISTED} more attachments`);
}
