import type { BuildRequest } from '../../domain/build-request.ts';
import { type Digest, shortDigest } from '../../domain/digest.ts';
import type { RepositoryState, Wanted } from '../../domain/publish-plan.ts';
import { candidatesFor, keptImage } from '../../domain/published.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Destination } from '../../run/targets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { findDifference } from '../../tools/commits/context-state.ts';
import { isLaterAttempt } from './fingerprint.ts';
import type { PublishInputs } from './settings.ts';

/** A repository with its tag state. */
export interface ReadRepository {
  readonly to: Destination;
  readonly state: RepositoryState;
}

/** Inputs of this run's build, and marks of an earlier attempt on its image. */
export interface IntendedBuild {
  readonly request: BuildRequest;
  readonly run: string;
  /** The context is fetched at the run's commit. */
  readonly isFetched: boolean;
}

/** The input that asks for a build of its own, if any. */
function asksForBuild({ noCache, noCacheFilters, pull }: BuildRequest): string | undefined {
  if (noCache) return 'no-cache';
  if (noCacheFilters.length > 0) return 'no-cache-filters';
  return pull ? 'pull' : undefined;
}

/** What a run publishes, as far as known before the build. */
export interface Choice {
  /** An image that already exists in every repository, and is published instead of a build or a `source`. */
  readonly taken?: { readonly digest: Digest; readonly from: Destination };
  /** Why a published image is not reused, as the end of a sentence. */
  readonly notTaken?: string;
}

/**
 * Whether this run publishes an existing image: the one kept by `if-published: keep`, or the one that an earlier run
 * published as the same build. An image is copied to another repository only if this workflow signed it for this commit:
 * write access to one of them would otherwise be enough to add an image to the others (P13).
 * @throws ActionError TAG_IMMUTABLE when an image that has to be kept is missing from a repository
 */
export async function chooseImage(
  runtime: Runtime,
  { ifPublished, trustedRoots }: Pick<PublishInputs, 'ifPublished' | 'trustedRoots'>,
  wanted: Wanted,
  repositories: readonly ReadRepository[],
  build: IntendedBuild | undefined,
): Promise<Choice> {
  const states = repositories.map(({ state }) => state);
  const holders = (digest: Digest) => Promise.all(repositories.map((each) => holds(each, digest)));
  const lacking = async (digest: Digest) => {
    const found = await holders(digest);
    return repositories.filter((_, at) => found[at] === false).map(({ to }) => to.image);
  };
  const sourceOf = (digest: Digest) =>
    repositories.find(({ state }) => [...state.tags.values()].some((held) => held.digest === digest)) ??
    repositories[0];
  const take = (digest: Digest): Choice => {
    const from = sourceOf(digest);
    return from === undefined ? {} : { taken: { digest, from: from.to } };
  };
  const notOurs = async (digest: Digest): Promise<string | undefined> => {
    const from = sourceOf(digest);
    if (from === undefined) return 'it is in no repository';
    const { notSignedByUs } = await import('./own-signature.ts');
    return notSignedByUs(runtime, trustedRoots, from.to, digest);
  };

  const kept = ifPublished === 'keep' ? keptImage(wanted, states) : { kind: 'none' as const };
  if (kept.kind === 'several') throw severalKept(kept.tags);
  if (kept.kind === 'one') {
    const missing = await lacking(kept.digest);
    const reason = missing.length > 0 ? await notOurs(kept.digest) : undefined;
    if (reason !== undefined) throw notEverywhere(`${kept.image}:${kept.tag}`, kept.digest, missing, reason);
    runtime.log.info(`${kept.image}:${kept.tag} exists as ${kept.digest} and is kept: \`if-published: keep\`.`);
    return take(kept.digest);
  }
  if (build === undefined) return {};
  const published = candidatesFor(wanted, states, isLaterAttempt(runtime.env) ? build.run : undefined);
  if (published.length === 0) return {};

  const asked = asksForBuild(build.request);
  // An earlier attempt of this run has already built this, and another build could not get the version tags.
  const candidates =
    asked === undefined ? published : published.filter(({ isOwnRun, isReleased }) => isOwnRun && isReleased);
  if (asked !== undefined && candidates.length === 0) return refused(runtime, `\`${asked}\` requires a build`);
  let difference: Promise<string | undefined> | undefined;
  const workspace = () => {
    const { request, isFetched } = build;
    const context = isFetched ? `docker-image://${request.context}` : request.context;
    difference ??= findDifference(runtime, { ...request, context }, wanted.sha);
    return difference;
  };
  let notTaken = '';
  for (const { digest, isOwnRun } of candidates) {
    const missing = await lacking(digest);
    const reason = missing.length > 0 ? await notOurs(digest) : undefined;
    if (reason !== undefined) {
      notTaken ||= `${shortDigest(digest)} is not in ${missing.join(', ')}, and is not copied there from another repository: ${reason}`;
      continue;
    }
    const different = isOwnRun ? undefined : await workspace();
    if (different === undefined) return take(digest);
    notTaken ||= different;
  }
  return refused(runtime, notTaken);
}

function refused({ log }: Runtime, notTaken: string): Choice {
  log.info(`This commit was published before; that image is not taken: ${notTaken}.`);
  return { notTaken };
}

async function holds({ to, state }: ReadRepository, digest: Digest): Promise<boolean> {
  if ([...state.tags.values()].some((held) => held.digest === digest)) return true;
  return (await to.repository.head(digest)) !== undefined;
}

function severalKept(tags: readonly string[]): ActionError {
  return new ActionError(
    'TAG_IMMUTABLE',
    `\`if-published: keep\` would keep different images: ${tags.join('; ')}. A run publishes one.`,
    { remedy: ['Publish a new version: a released version keeps its digest.'] },
  );
}

function notEverywhere(tag: string, digest: Digest, missing: readonly string[], reason: string): ActionError {
  return new ActionError(
    'TAG_IMMUTABLE',
    `${tag} exists as ${digest}, which is not in ${missing.join(', ')}. An image is not copied from one repository to another without a signature of this workflow: ${reason}.`,
    {
      remedy: [
        `To copy that image on your own decision, use \`command: promote\` with \`from: ${tag}\`, and run again with \`if-published: keep\`.`,
        'Otherwise publish a new version: a released version keeps its digest.',
      ],
    },
  );
}
