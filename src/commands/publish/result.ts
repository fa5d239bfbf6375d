import type { Digest } from '../../domain/digest.ts';
import type { GateResult } from '../../domain/gate/policy.ts';
import type { WantedArchive } from '../../domain/local-image-names.ts';
import type { Failure } from '../../domain/outcome.ts';
import type { TagDecision } from '../../domain/publish-plan.ts';
import type { ActionError } from '../../errors/action-error.ts';
import type { StepFacts } from '../../report/step.ts';
import type { Success } from './outcomes.ts';
import type { PartFacts } from './part-facts.ts';

/** The result of a run, successful or not: the source of outputs, summary and `json`. */
export interface PublishResult {
  readonly outcome: Success | Failure;
  readonly errors: readonly ActionError[];
  readonly warnings: readonly string[];
  /** The commit; absent when the event could not be read. */
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
  /** Path of the layout that was written for other steps and jobs. */
  readonly layout?: string;
  /** The platform in the Docker Engine. */
  readonly loaded?: { readonly platform: string; readonly digest: string; readonly names: readonly string[] };
  readonly exported?: readonly WantedArchive[];
  /** The images that were merged into it. */
  readonly parts?: readonly PartFacts[];
  readonly gateResult?: GateResult;
  /** Whether and how the gate ran. */
  readonly scan: 'gate' | 'report' | 'off' | 'not-reached';
  /** The ignore file of the run. */
  readonly ignorefile?: string;
  readonly sarifFile?: string;
  /** Signed statements, if any. */
  readonly signing?: SigningFacts;
  readonly targets: readonly TargetFacts[];
  /** buildx's metadata file. */
  readonly buildMetadata?: unknown;
  readonly steps: readonly StepFacts[];
}

/** Signed statements, for outputs and summary. */
export interface SigningFacts {
  /** The signer and the transparency log. */
  readonly description: string;
  readonly statements: readonly { readonly predicateType: string; readonly subject: Digest }[];
  /** Number of attestations in GitHub's attestations API. */
  readonly storedOnGitHub?: number;
}

export interface ImageFacts {
  readonly digest: string;
  readonly mediaType: string;
  /** Source of the bytes: `docker buildx (builder …)`, `source image.tar`, or an earlier run. */
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

/** The result of one repository. All results are reported side by side: none hides another (P9). */
export interface TargetFacts {
  readonly image: string;
  readonly host: string;
  readonly decisions: readonly TagDecision[];
  /** Tags written and read back in this run. */
  readonly written: readonly string[];
  readonly uploaded?: {
    readonly blobs: number;
    readonly bytes: number;
    readonly present: number;
    readonly manifests: number;
  };
  readonly error?: ActionError;
}

/** Whether a repository has the image: pushed by this run, or already present. */
export function hasContent(target: TargetFacts | undefined): boolean {
  if (target === undefined) return false;
  const actions = target.decisions.map(({ action }) => action);
  return target.uploaded !== undefined || (actions.length > 0 && actions.every((action) => action === 'keep'));
}
