import { type Digest, isDigest } from '../digest.ts';
import { fieldsOf, isPlainText } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { normalPlatform } from '../platform.ts';

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
  /** Which image this is; undefined in files of earlier versions. */
  readonly image?: ImageIdentity | undefined;
  /** What the gate said there. */
  readonly gate: { readonly mode: string; readonly passed?: boolean; readonly blocking?: number };
}

/** What tells apart the images that one run builds. */
export interface ImageIdentity {
  /** Names without tags; none for the default image. */
  readonly repositories: readonly string[];
  /** Build context, or path of the image for one from another builder. */
  readonly context: string;
  /** Dockerfile; empty: the default one. */
  readonly file: string;
  /** Stage; empty: the last one. */
  readonly target: string;
  /** Digest of the build arguments and named contexts that name no architecture; empty without any. */
  readonly buildArgs: string;
  /** The main tag; empty without tags. */
  readonly version: string;
}

const FORMAT_VERSION = 1;
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const MAX_PLATFORMS = 100;
const MAX_REPOSITORIES = 100;

export function writeHandOver(facts: HandOver): string {
  return `${JSON.stringify({ schemaVersion: FORMAT_VERSION, ...facts }, undefined, 2)}\n`;
}

/** Reads the untrusted file. */
export function readHandOver(value: unknown): Parsed<HandOver> {
  const { schemaVersion, digest, platforms, commit, run, image, gate } = fieldsOf(value);
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
  const identity = image === undefined ? undefined : readIdentity(image);
  if (identity?.ok === false) return identity;
  return parsed({
    digest,
    platforms,
    commit,
    run: { id, attempt, job: isPlainText(job) ? job : '', runner: isPlainText(runner) ? runner : '' },
    ...(identity === undefined ? {} : { image: identity.value }),
    gate: {
      mode: isPlainText(mode) ? mode : '',
      ...(typeof passed === 'boolean' ? { passed } : {}),
      ...(typeof blocking === 'number' ? { blocking } : {}),
    },
  });
}

function readIdentity(value: unknown): Parsed<ImageIdentity> {
  const { repositories, context, file, target, buildArgs, version } = fieldsOf(value);
  if (
    !Array.isArray(repositories) ||
    repositories.length > MAX_REPOSITORIES ||
    !repositories.every((repository) => isPlainText(repository))
  ) {
    return problems('its image has no list of repositories');
  }
  const isText = (text: unknown): text is string => text === '' || isPlainText(text);
  if (!isText(context) || !isText(file) || !isText(target) || !isText(buildArgs) || !isText(version)) {
    return problems('its image has no context, file, target, buildArgs or version');
  }
  return parsed({ repositories, context, file, target, buildArgs, version });
}

/** Whether the file lists exactly these platforms, however they are written. */
export function isAboutPlatforms({ platforms }: HandOver, present: readonly string[]): boolean {
  const normal = (names: readonly string[]) => [...new Set(names.map(normalPlatform))].toSorted().join(' ');
  return normal(platforms) === normal(present);
}

/** The name of a layout in a folder of several: `image-linux-arm64`. */
export function layoutName(platforms: readonly string[]): string {
  const names = platforms.map((platform) => platform.replaceAll(/[^a-z0-9.]+/gi, '-')).toSorted();
  return ['image', ...names].join('-');
}
