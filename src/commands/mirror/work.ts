import type { Digest } from '../../domain/digest.ts';
import type { Descriptor, ManifestBytes } from '../../domain/manifest.ts';
import type { Mirror } from '../../domain/mirror/config.ts';
import type { Action } from '../../domain/mirror/decide.ts';
import type { ActionError } from '../../errors/action-error.ts';
import type { Repository } from '../../oci/client/repository.ts';
import type { ImageGraph } from '../../oci/transfer/graph.ts';
import type { Destination } from '../../run/targets.ts';
import type { PullBudget } from './budget.ts';
import type { Troubled } from './stops.ts';

/** One mirror while it is planned and applied. */
export interface MirrorWork extends Troubled {
  readonly mirror: Mirror;
  readonly source: Source;
  readonly targets: readonly TargetWork[];
  readonly rows: Row[];
  /** By digest at the source. */
  readonly images: Map<Digest, ImageWork>;
  /** All tags of the source; undefined when they cannot be listed. */
  tags: ReadonlySet<string> | undefined;
  /** What stopped the whole mirror. */
  error?: ActionError;
}

interface Source extends Destination {
  readonly pulls: PullBudget;
}

export interface TargetWork extends Destination, Troubled {
  /** Full name of the repository. */
  readonly name: string;
  /** Blobs that it is known to have. */
  readonly known: Set<Digest>;
  /** By source: the tags that its mirror is proven to have written. */
  readonly written: Map<string, ReadonlyMap<string, Digest>>;
  /** What keeps everything from this target. */
  error?: ActionError;
}

/** One image of a source, with all tags that point to it. */
export interface ImageWork {
  readonly source: Descriptor;
  /** What tags at targets point to: another index when platforms are left out. */
  readonly wanted: Digest;
  /** When platforms are left out: the smaller index, and the whole one of the source. */
  readonly subset?: { readonly root: ManifestBytes; readonly whole: Uint8Array };
  /** When it was read for the plan. */
  graph?: ImageGraph;
  /** As soon as its content is at a target. */
  root?: ManifestBytes;
  error?: ActionError;
  /** Why it is left for a later run. */
  left?: string;
}

/** One tag at one target. */
export interface Row {
  readonly tag: string;
  readonly target: TargetWork;
  /** Undefined when the source could not be read. */
  readonly image?: ImageWork;
  /** What the tag points to before the run. */
  readonly previous?: Digest;
  action: Action;
  reason: string;
  error?: ActionError;
  isDone: boolean;
}

/** The rows that need something of an image to be copied. */
export const NEEDS_COPY: readonly Action[] = ['copy', 'update', 'attach'];

/** Rows whose tag is written. */
export const NEEDS_TAG: readonly Action[] = ['copy', 'update'];

/** Whether anything is to be written or removed. */
export const hasWork = ({ rows }: MirrorWork): boolean =>
  rows.some(({ action }) => NEEDS_COPY.includes(action) || action === 'untag');

export function failRow(row: Row, error: ActionError): void {
  row.action = 'failed';
  row.reason = error.message;
  row.error = error;
}

/** Reads by digest from repositories that have the content already: a registry may count reads of the source as pulls. */
export function readingFirst(near: readonly Repository[], source: Repository): Repository {
  return {
    ...source,
    get: async (reference) => {
      for (const repository of reference.includes(':') ? near : []) {
        const manifest = await repository.get(reference);
        if (manifest !== undefined) return manifest;
      }
      return source.get(reference);
    },
  };
}
