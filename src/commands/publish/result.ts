import type { Digest } from '../../domain/digest.ts';
import type { GateResult } from '../../domain/gate/policy.ts';
import type { Failure } from '../../domain/outcome.ts';
import type { TagDecision } from '../../domain/publish-plan.ts';
import type { ActionError } from '../../errors/action-error.ts';
import type { StepFacts } from '../../report/step.ts';
import type { Success } from './outcomes.ts';

/** All that is known of a run at its end, whatever end that was: the source of outputs, summary and `json`. */
export interface PublishResult {
  readonly outcome: Success | Failure;
  readonly errors: readonly ActionError[];
  readonly warnings: readonly string[];
  /** The commit, absent when the event could not be read. */
  readonly commit?: {
    readonly sha: string;
    readonly ref: string;
    readonly repositoryUrl: string;
    readonly runUrl: string;
  };
  /** Full names, in metadata-action's order. */
  readonly tags: readonly string[];
  readonly tagNames: readonly string[];
  readonly version?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: readonly string[];
  readonly image?: ImageFacts;
  readonly gateResult?: GateResult;
  /** Whether the gate was asked at all, and how. */
  readonly scan: 'gate' | 'report' | 'off' | 'not-reached';
  /** The file of accepted findings that the run was given. */
  readonly ignorefile?: string;
  readonly sarifFile?: string;
  /** What was signed, when anything was. */
  readonly signing?: SigningFacts;
  readonly targets: readonly TargetFacts[];
  /** buildx's metadata file. */
  readonly buildMetadata?: unknown;
  readonly steps: readonly StepFacts[];
}

/** What was signed, for outputs and summary. */
export interface SigningFacts {
  /** Who signed, and into which log. */
  readonly description: string;
  readonly statements: readonly { readonly predicateType: string; readonly subject: Digest }[];
}

export interface ImageFacts {
  readonly digest: string;
  readonly mediaType: string;
  /** Where the bytes came from: `docker buildx (builder …)`, `source image.tar`, or an earlier run. */
  readonly origin: string;
  readonly platforms: readonly {
    readonly name: string;
    readonly digest: string;
    readonly bytes: number;
    readonly layers: number;
    readonly sbomPackages?: number;
    readonly provenance: boolean;
  }[];
}

/** What became of one repository. The results of all stand side by side: none hides another (P9). */
export interface TargetFacts {
  readonly image: string;
  readonly host: string;
  readonly decisions: readonly TagDecision[];
  /** Tags that were written and read back in this run. */
  readonly written: readonly string[];
  readonly uploaded?: { readonly blobs: number; readonly bytes: number; readonly present: number };
  readonly error?: ActionError;
}

/** Whether the image is in a repository: sent by this run, or there before. */
export function hasContent(target: TargetFacts | undefined): boolean {
  if (target === undefined) return false;
  const actions = target.decisions.map(({ action }) => action);
  return target.uploaded !== undefined || (actions.length > 0 && actions.every((action) => action === 'keep'));
}
