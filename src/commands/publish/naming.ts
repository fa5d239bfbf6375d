import { REVISION } from '../../domain/annotations.ts';
import { cachesOverTags } from '../../domain/build-request.ts';
import type { BuiltCommit } from '../../domain/commit.ts';
import { type GitEvent, noTags, withoutRef } from '../../domain/event.ts';
import { fullNames } from '../../domain/images.ts';
import { buildMetadataArgs, type DeriveLabels, deriveAnnotations, deriveLabels } from '../../domain/labels.ts';
import type { ImageName } from '../../domain/reference.ts';
import { quoted } from '../../domain/suggestion.ts';
import { deriveTags } from '../../domain/tags/derive.ts';
import type { PlannedTag } from '../../domain/tags/planned.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { NamingRules } from '../../inputs/naming.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import { warn } from '../../run/progress.ts';
import { matchBounded } from '../../runtime/bounded-match.ts';
import { commitDateOfPayload, readEvent, repositoryFacts } from '../../runtime/event.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import { createHistory } from '../../tools/commits/history.ts';
import { type FoundCommit, findCommit, requireRefCommit } from './commit.ts';
import type { PartialResult } from './partial-result.ts';
import type { PublishInputs } from './settings.ts';

/** Everything derived from the event: names and labels of the image. */
export interface Naming {
  readonly event: GitEvent;
  /** The commit whose files are built. Use it instead of the event's: they can differ. */
  readonly commit: BuiltCommit;
  /** The repositories to publish to. */
  readonly images: readonly ImageName[];
  readonly tags: readonly PlannedTag[];
  /** `image:tag`, in metadata-action's order. */
  readonly fullNames: readonly string[];
  readonly version?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `level:key=value` */
  readonly annotations: readonly string[];
  readonly buildMetadata: Readonly<Record<string, string>>;
  /** The same with one fixed date, so that two runs can be compared. */
  readonly undated: Pick<Naming, 'labels' | 'annotations' | 'buildMetadata'>;
  /** GitHub's API; undefined without a token, or offline. */
  readonly api?: GitHubApi;
}

/**
 * Derives tags, labels and annotations.
 * @param given.offline use neither the network nor GitHub's API, only the clone and the payload
 * @param given.source the image of another builder
 * @throws ActionError EVENT_INVALID, INPUT_INVALID, TAG_INVALID, and NO_TAGS when an image would have no name
 */
export async function nameImage(
  runtime: Runtime,
  inputs: PublishInputs,
  given: { readonly offline: boolean; readonly source?: LocalImage | undefined },
  partial: PartialResult,
): Promise<Naming> {
  const { offline } = given;
  const bare = readEvent(runtime.env);
  const token = inputs.registries.githubToken;
  const api =
    offline || token === undefined
      ? undefined
      : runtime.github(token, { apiUrl: bare.apiUrl, owner: bare.repository.owner, name: bare.repository.name });
  const event = await complete(bare, api);
  const found = await findCommit(runtime, inputs, event, given);
  const { commit } = found;
  partial.commit = { sha: commit.sha, ref: event.ref, repositoryUrl: event.repository.url, runUrl: event.runUrl };

  const now = runtime.clock.now();
  const commitDate =
    (found.checkout?.sha === commit.sha ? found.checkout.committed : undefined) ??
    (await createHistory(runtime, api, false, commit.directory).commitDate(commit.sha)) ??
    commitDateOfPayload(runtime.env, commit.sha) ??
    now;
  const built = aboutCommit(event, found);
  const { images, tags: rules, flavor } = inputs.naming;
  if (inputs.isDefaultImage) runtime.log.info(`\`images\` is empty: using ${images.map(({ name }) => name).join()}.`);
  for (const { name, written } of images) {
    if (written !== undefined)
      warn(runtime, partial, `The image ${quoted(written)} became ${name}: names of images are lower case.`);
  }
  const derived = deriveTags({
    rules,
    flavor,
    event: built,
    commitDate,
    now,
    match: matchBounded,
    ...shortShaLength(runtime.env),
  });
  if (!derived.ok) throw new ActionError(derived.code, derived.problems.join('\n'));
  const { tags, version } = derived;
  await requireRefCommit(runtime, api, event, found, tags);
  for (const warning of derived.warnings) warn(runtime, partial, warning);
  if (event.ref === '' && tags.length > 0) warn(runtime, partial, withoutRef(event));

  const about = { event: built, version, created: commitDate, now, ...shortShaLength(runtime.env) };
  const { labels: asked, annotations } = writtenOn(runtime, inputs.naming, about);
  const undated = writtenOn(runtime, inputs.naming, { ...about, created: SOME_DATE, now: SOME_DATE });
  const labels = commit.source === 'event' ? asked : { ...asked, [REVISION]: commit.sha };
  const build = inputs.origin.kind === 'build' ? inputs.origin.build : undefined;
  if (labels[REVISION] !== asked[REVISION] && build !== undefined) {
    warn(
      runtime,
      partial,
      `\`labels\` sets ${REVISION} to ${quoted(asked[REVISION] ?? '')}, and HEAD of what is built is ${commit.sha}; the label is set to that commit.`,
    );
  }
  const names = fullNames(images, tags);
  const overwritten = cachesOverTags(
    build?.['cache-to'] ?? [],
    images.map(({ reference }) => reference.name),
    tags.map(({ name }) => name),
  );
  if (overwritten.length > 0) {
    throw new ActionError(
      'INPUT_INVALID',
      `\`cache-to\` would write the build cache over ${overwritten.join(', ')}, before the gate has passed. Give it a tag of its own, such as \`buildcache\`.`,
      { facts: { input: 'cache-to' } },
    );
  }
  partial.tags = names;
  partial.tagNames = tags.map(({ name }) => name);
  partial.labels = labels;
  partial.annotations = annotations;
  if (version !== undefined) partial.version = version;
  for (const name of names) runtime.log.info(name);
  // A source keeps its own labels; these are only what this commit would get.
  if (build !== undefined) {
    for (const [key, value] of Object.entries(labels)) runtime.log.info(`label ${key}=${value}`);
  }
  if (inputs.push && tags.length === 0) {
    throw new ActionError('NO_TAGS', noTags(event));
  }
  if (tags.length === 0)
    runtime.log.info('No rule of `tags` fits this event: the image has no tag, and `push: true` would fail.');
  return {
    event,
    commit,
    images: images.map(({ reference }) => reference),
    tags,
    fullNames: names,
    ...(version === undefined ? {} : { version }),
    labels,
    annotations,
    buildMetadata: buildMetadataArgs({ commitDate, sha: commit.sha, version }),
    undated: { ...undated, buildMetadata: buildMetadataArgs({ commitDate: SOME_DATE, sha: commit.sha, version }) },
    ...(api === undefined ? {} : { api }),
  };
}

const SOME_DATE = new Date(0);

/** Labels and annotations of the image. */
function writtenOn(
  { env }: Runtime,
  naming: NamingRules,
  about: Omit<DeriveLabels, 'custom'>,
): Pick<Naming, 'labels' | 'annotations'> {
  const levels = (env.DOCKER_METADATA_ANNOTATIONS_LEVELS ?? '').split(',');
  const annotations = deriveAnnotations({ ...about, custom: naming.annotations, levels });
  if (!annotations.ok) throw new ActionError('INPUT_INVALID', annotations.problems.join('\n'));
  return { labels: deriveLabels({ ...about, custom: naming.labels }), annotations: annotations.value };
}

/** The event with the id and repository of the built commit. */
function aboutCommit(event: GitEvent, { commit, other }: FoundCommit): GitEvent {
  if (other === undefined) return { ...event, sha: commit.sha };
  const { host, path } = other;
  const name = path.split('/').at(-1) ?? path;
  const { owner, isPrivate, defaultBranch } = event.repository;
  const repository = {
    owner,
    name,
    url: `https://${host}/${path}`,
    isPrivate,
    ...(defaultBranch === undefined ? {} : { defaultBranch }),
  };
  return { ...event, sha: commit.sha, repository };
}

/** Payloads of some events (a schedule, for instance) lack the repository; GitHub's API has it. */
async function complete(event: GitEvent, api: GitHubApi | undefined): Promise<GitEvent> {
  if (api === undefined || event.repository.defaultBranch !== undefined) return event;
  const { owner, name } = event.repository;
  const answer = await api.repository();
  return answer === undefined
    ? event
    : { ...event, repository: repositoryFacts(answer, { owner, name, serverUrl: event.serverUrl }) };
}

/** metadata-action's variable for longer short commit ids. */
function shortShaLength(env: Runtime['env']): { readonly shortShaLength?: number } {
  const given = env.DOCKER_METADATA_SHORT_SHA_LENGTH;
  if (given === undefined || given === '') return {};
  const length = Number(given);
  if (!Number.isInteger(length) || length < 4 || length > 64) {
    throw new ActionError(
      'INPUT_INVALID',
      `DOCKER_METADATA_SHORT_SHA_LENGTH is "${given.slice(0, 20)}", expected a number from 4 to 64.`,
    );
  }
  return { shortShaLength: length };
}
