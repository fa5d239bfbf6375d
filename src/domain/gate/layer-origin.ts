import type { BuildSteps } from '../dockerfile.ts';
import type { FindingOrigin } from './finding.ts';

/** Layer information from an image config. */
export interface LayerHistory {
  /** Digests in the manifest, and of the uncompressed layers, starting with the lowest. */
  readonly layers: readonly string[];
  readonly diffIds: readonly string[];
  readonly history: readonly { readonly createdBy: string; readonly isEmpty: boolean }[];
  /** `org.opencontainers.image.base.name`. */
  readonly baseName?: string | undefined;
}

/**
 * The origin of each layer, by digest and diff id. The Dockerfile's steps are the last entries of the history: if their
 * kinds and order match, everything before is the base image. Otherwise only the history is used.
 */
export function layerOrigins(
  { layers, diffIds, history, baseName }: LayerHistory,
  build: BuildSteps | undefined,
): ReadonlyMap<string, FindingOrigin> {
  const origins = new Map<string, FindingOrigin>();
  const made = history.flatMap((entry, at) => (entry.isEmpty ? [] : [{ ...entry, at }]));
  if (made.length !== diffIds.length) return origins;
  const boundary = build === undefined ? undefined : boundaryOf(history, build);
  const base = build?.base ?? baseName;
  made.forEach(({ createdBy, at }, layer) => {
    const step = wordsOf(createdBy);
    const own = boundary === undefined || at < boundary ? undefined : build?.steps[at - boundary];
    const isBase = boundary !== undefined && at < boundary;
    const line = isBase ? build?.baseLine : own?.line;
    const origin: FindingOrigin = {
      ...(isBase ? { from: 'base' } : own === undefined ? {} : { from: 'step' }),
      ...(isBase && base !== undefined ? { base } : {}),
      ...(step === '' ? {} : { step }),
      ...(line === undefined ? {} : { line }),
    };
    for (const key of [layers[layer], diffIds[layer]]) if (key !== undefined) origins.set(key, origin);
  });
  return origins;
}

function boundaryOf(history: LayerHistory['history'], { steps }: BuildSteps): number | undefined {
  const start = history.length - steps.length;
  const fits = steps.every(({ keyword }, at) =>
    wordsOf(history[start + at]?.createdBy ?? '').startsWith(`${keyword} `),
  );
  return start >= 0 && fits ? start : undefined;
}

/** Extracts `RUN npm ci` from `RUN |1 A=b /bin/sh -c npm ci # buildkit`, and from the older builder's format. */
function wordsOf(createdBy: string): string {
  return createdBy
    .replace(/\s+# buildkit\s*$/, '')
    .replace(/^\/bin\/sh -c #\(nop\)\s+/, '')
    .replace(/^\/bin\/sh -c /, 'RUN ')
    .replace(/^RUN (?:\|\d+ .*? )?\/bin\/sh -c /, 'RUN ')
    .trim();
}
