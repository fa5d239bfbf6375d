import { isIndexType, MEDIA_TYPES } from '../manifest.ts';

/** What a manifest is. `index` kinds take the kind of what they list: an index of images is an `image`. */
export type ArtifactKind = 'image' | 'chart' | 'cache' | 'wasm' | 'referrer' | 'other';

/** Kinds that a rule can name. Referrers follow their subject, so no rule names them. */
export const RULE_KINDS = ['image', 'chart', 'cache', 'wasm', 'other'] as const satisfies readonly ArtifactKind[];
export type RuleKind = (typeof RULE_KINDS)[number];

/** What a manifest or a vendor's list shows of an artifact. */
export interface ArtifactFacts {
  readonly mediaType: string;
  readonly artifactType?: string | undefined;
  readonly configMediaType?: string | undefined;
  readonly hasSubject?: boolean | undefined;
  /** Media types of an index's entries, or of a manifest's layers. */
  readonly entryTypes?: readonly string[] | undefined;
}

const CHART_CONFIG = 'application/vnd.cncf.helm.config.v1+json';
const BUILDKIT_CACHE = 'application/vnd.buildkit.cacheconfig.v0';
const WASM = /^application\/(?:vnd\.(?:module\.)?wasm|wasm)\b|^application\/vnd\.w3c\.wasm/;
const RUNNABLE_CONFIGS: readonly string[] = [MEDIA_TYPES.ociConfig, MEDIA_TYPES.dockerConfig];

/**
 * Tells what an artifact is, from its own manifest. BuildKit writes its cache as an index of layers with a `cacheconfig` entry
 * (before 0.21), or as a manifest with the same config type; neither can be run.
 * https://github.com/moby/buildkit#registry-push-image-and-cache-separately
 */
export function kindOf(facts: ArtifactFacts): ArtifactKind {
  const { mediaType, artifactType, configMediaType, hasSubject = false, entryTypes = [] } = facts;
  const types = [artifactType, configMediaType, ...entryTypes].filter((type) => type !== undefined);
  if (types.some((type) => type.startsWith(BUILDKIT_CACHE))) return 'cache';
  if (hasSubject) return 'referrer';
  if (configMediaType === CHART_CONFIG || artifactType === CHART_CONFIG) return 'chart';
  if (types.some((type) => WASM.test(type))) return 'wasm';
  if (isIndexType(mediaType)) return artifactType === undefined ? 'image' : 'other';
  if (artifactType !== undefined && !RUNNABLE_CONFIGS.includes(artifactType)) return 'other';
  return configMediaType === undefined || RUNNABLE_CONFIGS.includes(configMediaType) ? 'image' : 'other';
}
