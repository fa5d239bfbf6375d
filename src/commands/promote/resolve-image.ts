import { COMMIT } from '../../domain/commit.ts';
import { type Digest, shortDigest } from '../../domain/digest.ts';
import type { ManifestBytes } from '../../domain/manifest.ts';
import { type History, rollbackTarget } from '../../domain/promotion/history.ts';
import { isSameEnvironment } from '../../domain/promotion/record.ts';
import { stepsAfterRollback } from '../../domain/promotion/remedy.ts';
import { placeholdersIn, type Source } from '../../domain/promotion/templates.ts';
import { uncountedSentences } from '../../domain/promotion/uncounted.ts';
import { didYouMean } from '../../domain/suggestion.ts';
import { ActionError, throwAll, toActionError } from '../../errors/action-error.ts';
import { readEnvironment } from '../../evidence/environment-history.ts';
import { type Recorded, readRecorded } from '../../evidence/image-origin.ts';
import { readTarget } from '../../run/missing-repository.ts';
import { step } from '../../run/progress.ts';
import type { Destination } from '../../run/targets.ts';
import type { PromotionContext } from './context.ts';
import { type FoundRepository, readRepository } from './repository-state.ts';
import type { PromotedTarget } from './result.ts';
import { repositoriesOf } from './targets-from-inputs.ts';

/** The origin that an image records. */
interface Origin {
  /** A full id. */
  readonly commit?: string;
  readonly version?: string;
}

/** The image to promote or roll back to: the one digest that everything after refers to. */
export interface Found {
  /** Repository to read the image from. */
  readonly source: Destination;
  readonly root: ManifestBytes;
  /** In full: `ghcr.io/org/app:staging`. */
  readonly name: string;
  readonly origin: Origin;
  /** Target repositories. */
  readonly repositories: readonly FoundRepository[];
  /** Unreadable targets: the others still get the content. */
  readonly failed: readonly PromotedTarget[];
  /** Names of all targets, in the order of `to`. */
  readonly order: readonly string[];
}

/**
 * Resolves `from` once (a tag may move during the promotion), fetches the manifest, and reads the targets' state.
 * @throws ActionError INPUT_INVALID when the image does not exist, with suggestions
 */
export async function findForward(context: PromotionContext): Promise<Found> {
  const { runtime, names, partial, at } = context;
  const [source] = at([names.fromImage], names.isFromWritten ? 'push' : 'pull');
  const { from } = names;
  if (source === undefined || from === undefined) throw new ActionError('INPUT_INVALID', '`from` is empty.');
  const { reference, name } = spelled(source, from);
  const root = await step(runtime, partial, 'Source', async () => {
    const held = await source.repository.get(reference);
    if (held !== undefined) runtime.log.info(`${name} is ${held.descriptor.digest}.`);
    return held;
  });
  if (root === undefined) {
    const what = from.by === 'environment' ? `the environment ${from.environment} has no tag there` : 'no such image';
    throw new ActionError(
      'INPUT_INVALID',
      `\`from\`: ${name} does not exist: ${what}. ${await nearby(source, reference)}`,
      { facts: { input: 'from', registry: source.repository.host, repository: source.repository.name, reference } },
    );
  }
  const origin = originOf(await readRecorded(source.repository, root, neededOf(context)));
  note(context, root, name, origin);
  const { commit, version } = origin;
  // A tag such as 1.2.3 names its version if the image itself does not.
  const ofTag = /^v?\d+\.\d+\.\d+/.test(reference) ? reference : undefined;
  const values = {
    version: version !== undefined && /^v?\d/.test(version) ? version : (ofTag ?? version),
    sha: commit?.slice(0, 7),
  };
  return { source, root, name, origin, ...(await readRepositories(context, values)) };
}

/**
 * A rollback starts at the environment: its current image leads to the previous one. A named target may be further
 * back.
 * @throws ActionError PROMOTION_REFUSED when there is nothing to roll back to, MANIFEST_UNKNOWN when it has been
 * deleted
 */
export async function findBack(context: PromotionContext): Promise<Found> {
  const { runtime, names, partial, records } = context;
  const { repositories, failed, order } = await readRepositories(context, {});
  throwAll(failed.flatMap(({ error }) => error ?? []));
  const [state] = repositories;
  if (state === undefined) throw new ActionError('INPUT_INVALID', '`to` names nothing to roll back.');
  const { repository, image } = state;
  const digest = await step(runtime, partial, 'History', async () => {
    const { from } = names;
    const wanted = from === undefined ? undefined : await digestOf(state, from);
    // Rolling back to the previous image needs all records in between; a named image only has to be in one of them.
    const isEnough = ({ deployed, before, unread }: History) =>
      wanted === undefined ? before !== undefined || unread === undefined : deployed.has(wanted);
    const own = wanted === undefined ? [] : (await records(repository, wanted)).own;
    const history = await readEnvironment(state, names.environment, records, { until: isEnough, own });
    partial.history = history;
    const target = rollbackTarget(history, wanted);
    if (!target.ok) {
      const uncounted = await uncountedOf(context, state);
      throw new ActionError('PROMOTION_REFUSED', [...target.problems, ...uncounted].join('\n'), {
        remedy: [
          ...(uncounted.length > 0 ? ['If you trust the unsigned records, roll back with `records: any`.'] : []),
          ...stepsAfterRollback(names.environment),
        ].slice(0, 3),
      });
    }
    const how = context.recordSigning.counts === 'signed' ? 'signed' : 'unsigned';
    runtime.log.info(`${names.environment} goes back to ${target.value}, by the ${how} promotion records of ${image}.`);
    return target.value;
  });
  const root = await repository.get(digest);
  if (root === undefined) {
    throw missing(
      state,
      digest,
      `${names.environment} pointed to ${shortDigest(digest)} before, but ${image}@${digest} no longer exists. Name another image with \`from\`.`,
    );
  }
  const origin = originOf(await readRecorded(repository, root, []));
  const name = `${image}@${digest}`;
  note(context, root, name, origin);
  return { source: state, root, name, origin, repositories, failed, order };
}

/** Why records of the environment's current image do not count. */
async function uncountedOf(
  { records, names }: PromotionContext,
  { repository, now }: FoundRepository,
): Promise<readonly string[]> {
  if (now === undefined || now === null) return [];
  const { uncounted } = await records(repository, now);
  const about = uncounted.filter(({ record }) => isSameEnvironment(record.environment, names.environment));
  return uncountedSentences(`${repository.host}/${repository.name}`, about);
}

/** Reports what was found, even if it cannot be used. */
function note(
  { partial }: PromotionContext,
  { descriptor: { digest, mediaType } }: ManifestBytes,
  name: string,
  origin: Origin,
) {
  partial.from = name;
  partial.image = { digest, mediaType, ...origin };
}

async function readRepositories(
  { runtime, inputs, names, at, partial }: PromotionContext,
  values: { readonly version?: string | undefined; readonly sha?: string | undefined },
): Promise<Pick<Found, 'repositories' | 'failed' | 'order'>> {
  const named = repositoriesOf(inputs, names, values);
  return step(
    runtime,
    partial,
    'Targets',
    async () => {
      const repositories: FoundRepository[] = [];
      const failed: PromotedTarget[] = [];
      const order: string[] = [];
      for (const { image, tags } of named) {
        const [destination] = at([image], 'push');
        if (destination === undefined) {
          throw new ActionError('INPUT_INVALID', `\`to\`: the host of ${image.name} may not depend on the image.`, {
            facts: { input: 'to' },
          });
        }
        order.push(destination.image);
        try {
          const read = await readTarget(inputs.createRepository, destination, (repository) =>
            readRepository({ ...destination, repository, tags }),
          );
          const state = { ...read, repository: destination.repository };
          for (const { image: name, tag, holds } of state.targets)
            runtime.log.info(`${name}:${tag} points to ${holds ?? 'nothing'}.`);
          repositories.push(state);
        } catch (error) {
          runtime.signal.throwIfAborted();
          const { host } = destination.repository;
          const nothing = { decisions: [], written: [], present: false, copied: false } as const;
          failed.push({ image: destination.image, host, ...nothing, error: toActionError(error) });
        }
      }
      if (repositories.length === 0) throwAll(failed.flatMap(({ error }) => error ?? []));
      return { repositories, failed, order };
    },
    ({ failed }) => failed.length > 0,
  );
}

/** Maximum tags in an error. */
const MAX_TAGS = 5;

/** Alternatives to a missing reference: the most similar tag, and some others. */
async function nearby({ image, repository }: Destination, reference: string): Promise<string> {
  const tags = (await repository.listTags().catch(() => undefined))?.filter((tag) => !/^sha(?:256|512)-/.test(tag));
  if (tags === undefined)
    return `The tags of ${image} could not be listed: check its name, and that the login may read it.`;
  if (tags.length === 0) return `${image} has no tags at all.`;
  const shown = tags
    .toReversed()
    .slice(0, MAX_TAGS)
    .map((tag) => `\`${tag}\``);
  const more = tags.length > MAX_TAGS ? `, and ${tags.length - MAX_TAGS} more` : '';
  return `${image} has ${shown.join(', ')}${more}.${didYouMean(reference, tags)}`;
}

async function digestOf(state: Destination, from: Source): Promise<Digest> {
  if (from.by === 'digest') return from.digest;
  const { reference, name } = spelled(state, from);
  const held = await state.repository.head(reference);
  if (held === undefined) throw missing(state, reference, `There is no ${name} to go back to.`);
  return held.digest;
}

function spelled({ image }: Destination, from: Source): { readonly reference: string; readonly name: string } {
  return from.by === 'digest'
    ? { reference: from.digest, name: `${image}@${from.digest}` }
    : { reference: from.tag, name: `${image}:${from.tag}` };
}

/** The required facts about the image's origin; reading beyond the manifest takes up to two requests. */
function neededOf({ inputs, required }: PromotionContext): readonly (keyof Recorded)[] {
  const byCommit = required.some(({ name }) => name === 'branch' || name === 'not-older' || name === 'deployed');
  const names = placeholdersIn(inputs.to);
  return [
    ...(byCommit || names.has('sha') ? (['revision'] as const) : []),
    ...(names.has('version') ? (['version'] as const) : []),
  ];
}

/** An image's own claims are untrusted: only a valid commit id is used. */
function originOf({ revision, version }: Recorded): Origin {
  const isCommit = revision !== undefined && COMMIT.test(revision);
  return { ...(isCommit ? { commit: revision } : {}), ...(version === undefined ? {} : { version }) };
}

function missing({ repository }: Destination, reference: string, message: string): ActionError {
  return new ActionError('MANIFEST_UNKNOWN', message, {
    facts: { registry: repository.host, repository: repository.name, reference },
  });
}
