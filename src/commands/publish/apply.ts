import { counted, bytes as size } from '../../domain/amount.ts';
import type { Digest } from '../../domain/digest.ts';
import { type Conflict, isInPlace, type TagDecision } from '../../domain/publish-plan.ts';
import { ActionError, toActionError } from '../../errors/action-error.ts';
import type { Repository } from '../../oci/client/repository.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import { pushContent, writeTag } from '../../oci/transfer/push.ts';
import { inPhases } from '../../run/per-target.ts';
import type { Log } from '../../runtime/runtime.ts';
import { moveTags } from './moving-tags.ts';
import type { TargetFacts } from './result.ts';

/** One target repository of the image. */
export interface Target {
  /** As the user wrote it, in lower case: `ghcr.io/org/app`. */
  readonly image: string;
  readonly repository: Repository;
  /** Decisions made before the build. */
  readonly planned: readonly TagDecision[];
}

interface Apply {
  readonly targets: readonly Target[];
  readonly image: LocalImage;
  /** Reads the current state of a target and decides again, because time has passed since the plan. */
  readonly decide: (target: Target, digest: Digest) => Promise<readonly TagDecision[]>;
  /** Checks what `attach` needs, for all targets before the first is attached to: what is signed stays signed. */
  readonly checkAttach?: (target: Target) => Promise<void>;
  /** Something to attach to the content of a target before its tags move, even if nothing else changes. */
  readonly attach?: (target: Target) => Promise<void>;
  readonly log: Log;
}

/**
 * Publishes an image that passed the gate to all targets: content by digest, then immutable tags, then moving ones.
 * Each phase starts only after the previous one has succeeded everywhere: no tag moves before all targets have the
 * content, and a failed target does not keep the others from getting it.
 * @returns one result per target, in their order; failures are in `error`, never thrown
 */
export async function applyPublish({
  targets,
  image,
  decide,
  checkAttach,
  attach,
  log,
}: Apply): Promise<readonly TargetFacts[]> {
  const digest = image.root.descriptor.digest;
  const { phase, results } = inPhases(
    targets,
    (target): TargetFacts => ({
      image: target.image,
      host: target.repository.host,
      decisions: target.planned,
      written: [],
    }),
  );

  const writeFixed = async (target: Target, result: TargetFacts): Promise<Partial<TargetFacts>> => {
    const written = [...result.written];
    for (const { tag, kind, action } of result.decisions) {
      if (kind === 'moving' || action !== 'create') continue;
      try {
        await writeTag(target.repository, tag, image.root);
      } catch (error) {
        // Tags already written stay, and the result must list them.
        return { written, error: toActionError(error) };
      }
      written.push(tag);
      log.info(`${target.image}:${tag} → ${digest}`);
    }
    return { written };
  };

  const done =
    (await phase(async ({ repository, image: name, planned }) => {
      if (isInPlace(planned)) return {};
      const pushed = await pushContent(repository, image);
      log.info(
        `${name}: pushed ${counted(pushed.uploaded, 'blob')} (${size(pushed.bytes)}), ${pushed.present} already present`,
      );
      return {
        uploaded: { blobs: pushed.uploaded, bytes: pushed.bytes, present: pushed.present, manifests: pushed.manifests },
      };
    })) &&
    (await phase(async (target) => {
      if (isInPlace(target.planned)) return {};
      const decisions = await decide(target, digest);
      refuseConflicts(decisions, digest, target.repository);
      return { decisions };
    })) &&
    (await phase(async (target) => {
      await checkAttach?.(target);
      return {};
    })) &&
    (await phase(async (target) => {
      await attach?.(target);
      return {};
    })) &&
    (await phase(writeFixed)) &&
    (await phase(async (target, result) => {
      const moved = await moveTags(target.repository, image.root, result.decisions, async (repository) => {
        const decisions = await decide({ ...target, repository }, digest);
        refuseConflicts(decisions, digest, repository);
        return decisions;
      });
      for (const tag of moved.written) log.info(`${target.image}:${tag} → ${digest}`);
      for (const { action, tag, reason } of moved.decisions) {
        if (action === 'leave') log.info(`${target.image}:${tag} ${reason}`);
      }
      return { ...moved, written: [...result.written, ...moved.written] };
    }));
  if (!done) log.debug('A target has failed; the phases after that were left out.');
  return results();
}

/** @throws ActionError TAG_IMMUTABLE with every tag that must not change its digest */
export function refuseConflicts(
  decisions: readonly TagDecision[],
  digest: Digest | undefined,
  repository: Repository,
): void {
  const conflicts = decisions.filter(({ action }) => action === 'conflict');
  const [first] = conflicts;
  if (first === undefined) return;
  const lines = conflicts.map(({ image, tag, from, reason }) =>
    digest === undefined
      ? `${image}:${tag} ${reason}.`
      : `${image}:${tag} exists as ${from}, and this image is ${digest}: it ${reason}.`,
  );
  throw new ActionError('TAG_IMMUTABLE', lines.join('\n'), {
    facts: { registry: repository.host, repository: repository.name, reference: first.tag },
    remedy: [...new Set(conflicts.flatMap(remedyOf))],
  });
}

function remedyOf({ conflict, tag }: TagDecision): readonly string[] {
  if (conflict === undefined) return [];
  // Git tags such as `v1` and `nightly` are often moved on purpose, and no name says whether this one is.
  const mayMove = conflict === 'other-commit' && !/\d+\.\d+\.\d+/.test(tag);
  return [REMEDIES[conflict], ...(mayMove ? [MOVING_REMEDY] : [])];
}

const MOVING_REMEDY =
  'If the git tag is meant to move, and its image with it, set that in `tags`: `type=ref,event=tag,moving=true`.';

/** The single matching remedy of each conflict. */
const REMEDIES: Readonly<Record<Conflict, string>> = {
  'other-commit': 'Publish a new version: a released version keeps its digest, also when its git tag is moved.',
  rebuilt:
    'To leave the published image and complete its tags, set `if-published: keep`; to publish another build, give it a new version, or tags of its own such as `flavor: suffix=-debug`.',
  'commit-tag': 'Use longer commit tags: `type=sha,format=long`.',
};
