import type { GitEvent } from './event.ts';
import { parseImageName } from './reference.ts';

interface NamedValue {
  readonly name: string;
  readonly value: string;
}

/** What to build, in the terms of the inputs. Lists keep their order. */
export interface BuildRequest {
  /** Folder, git URL or URL of a tar; may contain `{{defaultContext}}`. */
  readonly context: string;
  readonly file?: string | undefined;
  readonly target?: string | undefined;
  /** Empty: the builder's own. */
  readonly platforms: readonly string[];
  /** `NAME=value`, or `NAME` to take it from the environment. */
  readonly buildArgs: readonly string[];
  readonly buildContexts: readonly NamedValue[];
  /** Id and value. */
  readonly secrets: readonly NamedValue[];
  /** Id and name of an environment variable. */
  readonly secretEnvs: readonly NamedValue[];
  /** Id and path. */
  readonly secretFiles: readonly NamedValue[];
  readonly ssh: readonly string[];
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly noCache: boolean;
  readonly noCacheFilters: readonly string[];
  readonly pull: boolean;
  readonly network?: string | undefined;
  readonly addHosts: readonly string[];
  readonly allow: readonly string[];
  readonly shmSize?: string | undefined;
  readonly ulimit: readonly string[];
  readonly cgroupParent?: string | undefined;
  /** `key=value` */
  readonly labels: readonly string[];
  /** `key=value`, prefixed with its level if that is not the manifest: `index:key=value`. */
  readonly annotations: readonly string[];
  /** Full names with tags. BuildKit uses them as subjects of the attestations; nothing is pushed under them. */
  readonly tags: readonly string[];
  /** Undefined: the default of {@link provenanceAttributes}. */
  readonly provenance: boolean | string | undefined;
  readonly sbom: boolean | string;
}

/** Git reference of the event's commit, as docker/build-push-action uses it for `{{defaultContext}}`. */
export function defaultContext({ repository, sha, serverUrl }: GitEvent): string {
  return `${serverUrl.replace(/\/$/, '')}/${repository.owner}/${repository.name}.git#${sha}`;
}

/** The request with `{{defaultContext}}` filled in, in `context` and `build-contexts`. Pure. */
export function expandContexts(request: BuildRequest, event: GitEvent): BuildRequest {
  // A function: in a replacement text `$` would be special.
  const expand = (text: string) => text.replace(/\{\{\s*defaultContext\s*\}\}/g, () => defaultContext(event));
  return {
    ...request,
    context: expand(request.context),
    buildContexts: request.buildContexts.map(({ name, value }) => ({ name, value: expand(value) })),
  };
}

/** Host of a git context over HTTPS; undefined for folders and everything else. */
export function gitHost(context: string): string | undefined {
  const match = /^https:\/\/([^/?#@]+)\/[^?#]+?(\.git(?=[?#]|$)|(?=[?#]))/i.exec(context);
  // docker treats an https URL as git if its path ends in .git or it has a fragment; otherwise as a tar to download.
  return match !== null && (match[2] !== '' || context.includes('#')) ? match[1]?.toLowerCase() : undefined;
}

/**
 * The attributes of `--provenance`, or `false`. `mode=max` records build arguments and the Dockerfile, which is only
 * appropriate for a public repository. The builder id is the run, so that readers of the provenance find its log.
 * https://docs.docker.com/build/metadata/attestations/slsa-provenance/
 */
export function provenanceAttributes(value: boolean | string | undefined, event: GitEvent): string {
  const given = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : [];
  if (value === false || given.includes('disabled=true')) return 'false';
  const has = (key: string) => given.some((part) => part.startsWith(`${key}=`));
  return [
    ...(has('mode') ? [] : [`mode=${event.repository.isPrivate ? 'min' : 'max'}`]),
    ...given,
    ...(has('builder-id') ? [] : [`builder-id=${event.runUrl}`]),
  ].join(',');
}

/** The value of `--sbom`: `true`, `false`, or attributes such as `generator=<image>`. */
export function sbomAttributes(value: boolean | string): string {
  return String(value);
}

const SECRET_WORDS = /(?:^|_)(?:TOKEN|PASSWORD|PASSWD|PASS|SECRET|KEY|CREDENTIALS?|APIKEY)(?:_|$)/i;

/**
 * Names of build arguments that look like secrets: their values would be stored in the image history and the
 * provenance.
 */
export function secretLookingArgs(buildArgs: readonly string[]): readonly string[] {
  return buildArgs.map((arg) => arg.split('=', 1)[0] ?? '').filter((name) => SECRET_WORDS.test(name));
}

/** Inputs that need a newer buildx than the oldest supported one. */
interface Gate {
  readonly input: string;
  /** Minimum version. */
  readonly buildx: string;
  readonly used: (request: BuildRequest, facts: { readonly cacheServiceV2: boolean }) => boolean;
}

const GATES: readonly Gate[] = [
  // Required by every build here: layouts as a folder, `--provenance` and `--sbom`.
  { input: 'Building to an OCI layout', buildx: '0.10.0', used: () => true },
  // https://github.com/docker/buildx/releases/tag/v0.12.0
  { input: '`annotations`', buildx: '0.12.0', used: ({ annotations }) => annotations.length > 0 },
  // GitHub has shut down the first version of its cache service: https://github.com/docker/buildx/releases/tag/v0.21.0
  {
    input: '`cache-from` or `cache-to` of `type=gha`',
    buildx: '0.21.0',
    used: (request, { cacheServiceV2 }) => cacheServiceV2 && usesCache(request, 'gha'),
  },
];

/** Inputs that the given buildx does not support, with the minimum version. Pure. */
export function gatedInputs(
  request: BuildRequest,
  facts: { readonly cacheServiceV2: boolean },
  /** Whether the installed buildx has at least this version. */
  atLeast: (version: string) => boolean,
): readonly { readonly input: string; readonly buildx: string }[] {
  return GATES.filter((gate) => gate.used(request, facts) && !atLeast(gate.buildx)).map(({ input, buildx }) => ({
    input,
    buildx,
  }));
}

/** Whether one of the caches is of a type such as `gha` or `s3`. */
export function usesCache({ cacheFrom, cacheTo }: BuildRequest, type: string): boolean {
  return [...cacheFrom, ...cacheTo].some((cache) => cache.split(',').some((part) => part.trim() === `type=${type}`));
}

/**
 * The image tags that a build would write its cache to: before the gate has passed, and over their current content.
 * Pure.
 * @param cacheTo as in buildx: `type=registry,ref=ghcr.io/org/app:buildcache`, or the reference alone
 * @param images names in full
 */
export function cachesOverTags(
  cacheTo: readonly string[],
  images: readonly string[],
  tags: readonly string[],
): readonly string[] {
  return cacheTo.flatMap((cache) => {
    const parts = cache.split(',').map((part) => part.trim().replace(/^"(.*)"$/, '$1'));
    const ref =
      parts.find((part) => part.startsWith('ref='))?.slice('ref='.length) ?? (cache.includes('=') ? '' : cache);
    const [, name = '', tag = 'latest'] = /^(.*?)(?::([\w.-]+))?$/.exec(ref) ?? [];
    const read = parseImageName(name);
    return read.ok && images.includes(read.value.name) && tags.includes(tag)
      ? [`${read.value.familiarName}:${tag}`]
      : [];
  });
}
