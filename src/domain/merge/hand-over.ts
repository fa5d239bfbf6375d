import { type Digest, isDigest } from '../digest.ts';
import { fieldsOf, isPlainText } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';

/** The file beside the image in a layout that one job hands over to another. */
export const HAND_OVER_FILE = 'registry-action.json';

/**
 * Who built an image, for the job that merges or pushes it. Unsigned: anyone who can change the layout can change this
 * as well, so nothing in it makes an image pass.
 */
export interface HandOver {
  /** Of the image in the layout. */
  readonly digest: Digest;
  readonly platforms: readonly string[];
  readonly commit: string;
  readonly run: {
    /** `GITHUB_RUN_ID` */
    readonly id: string;
    /** From 1. */
    readonly attempt: number;
    readonly job: string;
    /** Name, operating system and architecture. */
    readonly runner: string;
  };
  /** What the gate said there. */
  readonly gate: { readonly mode: string; readonly passed?: boolean; readonly blocking?: number };
}

const FORMAT_VERSION = 1;
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const MAX_PLATFORMS = 100;

export function writeHandOver(facts: HandOver): string {
  return `${JSON.stringify({ schemaVersion: FORMAT_VERSION, ...facts }, undefined, 2)}\n`;
}

/** Reads the untrusted file. */
export function readHandOver(value: unknown): Parsed<HandOver> {
  const { schemaVersion, digest, platforms, commit, run, gate } = fieldsOf(value);
  const { id, attempt, job, runner } = fieldsOf(run);
  const { mode, passed, blocking } = fieldsOf(gate);
  if (schemaVersion !== FORMAT_VERSION) return problems(`its schemaVersion is not ${FORMAT_VERSION}`);
  if (!isDigest(digest)) return problems('it has no digest');
  if (!Array.isArray(platforms) || platforms.length > MAX_PLATFORMS || !platforms.every((each) => isPlainText(each))) {
    return problems('it has no list of platforms');
  }
  if (typeof commit !== 'string' || !COMMIT.test(commit)) return problems('it has no commit');
  if (typeof id !== 'string' || !/^\d{0,20}$/.test(id)) return problems('it has no run');
  if (typeof attempt !== 'number' || !Number.isSafeInteger(attempt) || attempt < 1)
    return problems('it has no attempt');
  return parsed({
    digest,
    platforms,
    commit,
    run: { id, attempt, job: isPlainText(job) ? job : '', runner: isPlainText(runner) ? runner : '' },
    gate: {
      mode: isPlainText(mode) ? mode : '',
      ...(typeof passed === 'boolean' ? { passed } : {}),
      ...(typeof blocking === 'number' ? { blocking } : {}),
    },
  });
}

/** The name of a layout in a folder of several: `image-linux-arm64`. */
export function layoutName(platforms: readonly string[]): string {
  const names = platforms.map((platform) => platform.replaceAll(/[^a-z0-9.]+/gi, '-')).toSorted();
  return ['image', ...names].join('-');
}

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

/**
 * Without the images of earlier attempts of the same run, which a re-run of failed jobs leaves among the artifacts. Pure.
 */
export function newestAttempts<T extends Offered>(
  offered: readonly T[],
): {
  readonly kept: readonly T[];
  readonly older: readonly T[];
} {
  const keyOf = ({ run, platforms }: HandOver) => [run.id, ...platforms.toSorted()].join(' ');
  const newest = new Map<string, number>();
  for (const { handOver } of offered) {
    if (handOver === undefined) continue;
    const key = keyOf(handOver);
    newest.set(key, Math.max(newest.get(key) ?? 0, handOver.run.attempt));
  }
  const isOlder = ({ handOver }: T) =>
    handOver !== undefined && handOver.run.attempt < (newest.get(keyOf(handOver)) ?? 0);
  return { kept: offered.filter((each) => !isOlder(each)), older: offered.filter(isOlder) };
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
