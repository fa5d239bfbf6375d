import { normalPlatform } from '../platform.ts';
import type { HandOver, ImageIdentity } from './hand-over.ts';

/** An image to merge, with what is known of its origin. */
export interface Offered {
  /** For messages. */
  readonly name: string;
  readonly handOver?: HandOver | undefined;
  /** Commits in its provenance: of the build itself, never of its base image. */
  readonly provenance: readonly string[];
  /** Commits in its labels and annotations, of which some may be the base image's. */
  readonly labels: readonly string[];
}

/** A hand-over that says which image it is about. */
type Identified = HandOver & { readonly image: ImageIdentity };

/**
 * Without the images of earlier attempts of the same job, which a re-run of failed jobs leaves among the artifacts. Pure.
 * An image is dropped only for a later one of the same image: two images of one run are both kept, and so are those of
 * files that do not say which image they are about.
 */
export function newestAttempts<T extends Offered>(
  offered: readonly T[],
): { readonly kept: readonly T[]; readonly older: readonly T[] } {
  const all = offered.flatMap(({ handOver }) => identified(handOver));
  const older = new Set(
    offered.filter(({ handOver }) =>
      identified(handOver).some((earlier) => all.some((later) => replaces(later, earlier, all))),
    ),
  );
  return { kept: offered.filter((each) => !older.has(each)), older: [...older] };
}

function identified(handOver: HandOver | undefined): readonly Identified[] {
  return handOver?.image === undefined ? [] : [{ ...handOver, image: handOver.image }];
}

function replaces(later: Identified, earlier: Identified, all: readonly Identified[]): boolean {
  return (
    later.run.attempt > earlier.run.attempt && keyOf(later) === keyOf(earlier) && !areVariants(later, earlier, all)
  );
}

/** The same for every attempt of one job of a matrix. */
function keyOf({ run, platforms, image }: Identified): string {
  const { repositories, context, file, target } = image;
  const sorted = [platforms.map(normalPlatform).toSorted(), repositories.toSorted()];
  return JSON.stringify([run.id, run.job, ...sorted, context, file, target]);
}

/**
 * Whether different build arguments mean two images, as in a matrix of versions. Arguments may also contain a date, and
 * differ with each attempt: those of a variant occur in several attempts.
 */
function areVariants(one: Identified, two: Identified, all: readonly Identified[]): boolean {
  if (one.image.buildArgs === two.image.buildArgs) return false;
  return [one, two].some(({ run, image }) =>
    all.some(
      (other) =>
        other.run.id === run.id && other.run.attempt !== run.attempt && other.image.buildArgs === image.buildArgs,
    ),
  );
}

/**
 * The inputs with the image that each is a part of, when they are not all parts of one; otherwise empty. Pure.
 *
 * Names count when both jobs had some, and targets when both built the same Dockerfile. Versions count together with build
 * arguments: alone, either may contain a date. https://github.com/owncloud-docker/ubuntu/pull/283
 */
export function ofDifferentImages(
  offered: readonly Offered[],
): readonly { readonly name: string; readonly image: string }[] {
  const known = offered.flatMap(({ name, handOver }) => identified(handOver).map(({ image }) => ({ name, image })));
  const differ = known.some(({ image: one }) => known.some(({ image: two }) => isOther(one, two)));
  return differ
    ? known.map(({ name, image }) => ({
        name,
        image: `${describeImage(image)}${image.target === '' ? ', no target' : ''}`,
      }))
    : [];
}

function isOther(one: ImageIdentity, two: ImageIdentity): boolean {
  if (areOtherNames(one.repositories, two.repositories)) return true;
  if (one.version !== two.version && one.buildArgs !== two.buildArgs) return true;
  return one.context === two.context && one.file === two.file && one.target !== two.target;
}

function areOtherNames(one: readonly string[], two: readonly string[]): boolean {
  return one.length > 0 && two.length > 0 && !one.some((name) => two.includes(name));
}

function describeImage({ repositories, file, target, version }: ImageIdentity): string {
  return [
    repositories.length === 0 ? 'the default image' : repositories.join(' and '),
    ...(version === '' ? [] : [`version ${version}`]),
    ...(file === '' ? [] : [`file ${file}`]),
    ...(target === '' ? [] : [`target ${target}`]),
  ].join(', ');
}

/** The input for a message: its name, with attempt and image as far as they are known. */
export function describeOffered({ name, handOver }: Offered): string {
  if (handOver === undefined) return name;
  const { run, image } = handOver;
  const attempt = `run ${run.id}, attempt ${run.attempt}`;
  return [name, ...(image === undefined ? [] : [describeImage(image)]), attempt].join(', ');
}

/** The inputs whose last part of the name is none of those that are published to, with their names. Pure. */
export function builtForOthers(
  offered: readonly Offered[],
  images: readonly string[],
): readonly { readonly name: string; readonly repositories: readonly string[] }[] {
  const lastPart = (name: string) => name.slice(name.lastIndexOf('/') + 1);
  const own = new Set(images.map(lastPart));
  return offered.flatMap(({ name, handOver }) => {
    const repositories = handOver?.image?.repositories ?? [];
    return repositories.length === 0 || repositories.some((each) => own.has(lastPart(each)))
      ? []
      : [{ name, repositories }];
  });
}

/** The inputs that say they are of an attempt of this run that has not started. Pure. */
export function ofLaterAttempts(
  offered: readonly Offered[],
  { id, attempt }: { readonly id: string; readonly attempt: number },
): readonly string[] {
  return offered.flatMap(({ name, handOver }) =>
    handOver !== undefined && handOver.run.id === id && id !== '' && handOver.run.attempt > attempt ? [name] : [],
  );
}

/**
 * The inputs with their versions, when versions or build arguments differ between them; otherwise empty. Pure. Variants of
 * an image differ so, and sometimes its platforms.
 */
export function ofDifferentArguments(
  offered: readonly Offered[],
): readonly { readonly name: string; readonly version: string }[] {
  const known = offered.flatMap(({ name, handOver }) => identified(handOver).map(({ image }) => ({ name, ...image })));
  const count = (of: 'version' | 'buildArgs') => new Set(known.map((each) => each[of])).size;
  return count('version') > 1 || count('buildArgs') > 1 ? known.map(({ name, version }) => ({ name, version })) : [];
}

/** The runs that built the inputs, when there are several; otherwise empty. Pure. */
export function ofSeveralRuns(offered: readonly Offered[]): readonly { readonly name: string; readonly run: string }[] {
  const runs = offered.flatMap(({ name, handOver }) =>
    handOver === undefined ? [] : [{ name, run: handOver.run.id }],
  );
  return new Set(runs.map(({ run }) => run)).size > 1 ? runs : [];
}

/**
 * The inputs that were built from another commit than the run's, with that commit. Pure. Labels alone count only beside
 * an input whose labels name the commit: a label may be the base image's.
 */
export function ofOtherCommits(
  offered: readonly Offered[],
  sha: string,
): readonly { readonly name: string; readonly commit: string }[] {
  const areLabelled = offered.some(({ labels }) => labels.includes(sha));
  return offered.flatMap(({ name, handOver, provenance, labels }) => {
    const stated = handOver === undefined ? [] : [handOver.commit];
    const found = [stated, provenance, areLabelled ? labels : []].find((commits) => commits.length > 0) ?? [];
    const [other] = found;
    return other === undefined || found.includes(sha) ? [] : [{ name, commit: other }];
  });
}
