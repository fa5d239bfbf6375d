import type { GitEvent } from '../../domain/event.ts';
import type { Parsed } from '../../domain/parsed.ts';
import {
  environmentTag,
  placeholdersIn,
  readSource,
  readTargets,
  type Source,
  type Target,
  type TemplateValues,
} from '../../domain/promotion/templates.ts';
import type { ImageName } from '../../domain/reference.ts';
import { tagOf } from '../../domain/tags/refs.ts';
import { readLines } from '../../domain/tags/rule-lines.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { PromoteInputs } from './inputs.ts';

/** The subject of a promotion, before any registry access. */
export interface Names {
  /** Absent only in a rollback without a named image. */
  readonly from?: Source;
  readonly fromImage: ImageName;
  /** Whether it is also a target. */
  readonly isFromWritten: boolean;
  /** Repositories for targets that are only a tag. */
  readonly images: readonly ImageName[];
  /** The environment, or its tag. */
  readonly environment: string;
  /** All tags to write, as far as known before the image. */
  readonly tags: readonly string[];
  /** Repositories to write, as far as known before the image. */
  readonly repositories: readonly ImageName[];
  readonly hosts: readonly string[];
}

/** Placeholders for the image's version or commit while they are unknown. */
const LATER = { version: '0.0.0', sha: '0000000' } as const;

/** @throws ActionError INPUT_INVALID, also for problems that depend on the run's values */
export function nameAll(inputs: PromoteInputs, event: GitEvent): Names {
  const images = inputs.images.map(({ reference }) => reference);
  const version = /^v?(\d.*)$/.exec(tagOf(event) ?? '')?.[1];
  const from =
    inputs.from === undefined
      ? undefined
      : filledIn(
          readSource(inputs.from, { sha: event.sha.slice(0, 7), ...(version === undefined ? {} : { version }) }),
        );
  const fromImage = (from !== undefined && from.by !== 'environment' ? from.image : undefined) ?? images[0];
  const own = images.length > 0 || fromImage === undefined ? images : [fromImage];
  const targets = filledIn(readTargets(inputs.to, { ...LATER, env: inputs.environment }));
  const fallback = fromImage ?? targets[0]?.image;
  if (fallback === undefined)
    throw new ActionError('INPUT_INVALID', '`images` is empty, and no name includes the repository of the image.');
  const written = targets.flatMap(({ image }) => (image === undefined ? own : [image]));
  const environmentTarget = targets.find(({ kind }) => kind === 'moving') ?? targets[0];
  return {
    ...(from === undefined ? {} : { from }),
    fromImage: fallback,
    isFromWritten: written.some(({ name }) => name === fallback.name),
    images: own.length > 0 ? own : [fallback],
    environment: inputs.environment?.trim() ?? environmentTarget?.tag ?? '',
    tags: targets.map(({ tag }) => tag),
    repositories: targets.flatMap(({ image }) => image ?? (own.length > 0 ? own : [fallback])),
    hosts: [fallback, ...own, ...targets.flatMap(({ image }) => image ?? [])].map(({ host }) => host),
  };
}

/** A repository, and its new tags. */
export interface NamedRepository {
  readonly image: ImageName;
  readonly tags: readonly Target[];
}

/**
 * The target repositories without duplicates, with their tags: the environment's tag first. A rollback only moves
 * moving tags: a version never changes.
 */
export function repositoriesOf(
  inputs: PromoteInputs,
  { images }: Names,
  values: TemplateValues,
): readonly NamedRepository[] {
  const lines = inputs.rollback ? inputs.to.filter((line) => !needsImage(line)) : inputs.to;
  const onlyVersions = inputs.to.length > 0 && readLines(lines).length === 0;
  const targets = onlyVersions ? [] : filledIn(readTargets(lines, { ...values, env: inputs.environment }));
  const byName = new Map<string, NamedRepository>();
  for (const target of targets) {
    if (inputs.rollback && target.kind === 'immutable') continue;
    for (const image of target.image === undefined ? images : [target.image]) {
      const before = byName.get(image.name)?.tags.filter(({ tag }) => tag !== target.tag) ?? [];
      byName.set(image.name, { image, tags: [...before, target] });
    }
  }
  if (byName.size === 0) {
    throw new ActionError('INPUT_INVALID', '`to` names only tags that never move, so there is nothing to roll back.', {
      facts: { input: 'to' },
    });
  }
  const own = environmentTag(inputs.environment ?? '');
  return [...byName.values()].map(({ image, tags }) => ({
    image,
    tags: tags.toSorted((a, b) => Number(b.tag === own) - Number(a.tag === own)),
  }));
}

/** Whether a name depends on the image. */
function needsImage(line: string): boolean {
  const names = placeholdersIn([line]);
  return names.has('version') || names.has('sha');
}

/** @throws ActionError INPUT_INVALID when a template cannot be filled in */
function filledIn<T>(read: Parsed<T>): T {
  if (!read.ok) throw new ActionError('INPUT_INVALID', read.problems.join('\n'));
  return read.value;
}
