import type { GateResult } from '../../domain/gate/policy.ts';
import type { Failure } from '../../domain/outcome.ts';
import type { History } from '../../domain/promotion/history.ts';
import type { Judgement } from '../../domain/promotion/judge.ts';
import type { TargetDecision } from '../../domain/promotion/plan.ts';
import type { PromotionRecord } from '../../domain/promotion/record.ts';
import type { ActionError } from '../../errors/action-error.ts';
import type { StepFacts } from '../../report/step.ts';
import type { Success } from './outcomes.ts';

/** All that is known of a promotion at its end, whatever end that was: the source of outputs, summary and `json`. */
export interface PromotionResult {
  readonly outcome: Success | Failure;
  readonly errors: readonly ActionError[];
  readonly warnings: readonly string[];
  readonly steps: readonly StepFacts[];
  readonly kind: 'promotion' | 'rollback';
  /** The environment, or the tag that stands for it. */
  readonly environment?: string;
  /** Where the image comes from, in full: `ghcr.io/org/app:sha-abc1234`. */
  readonly from?: string;
  readonly image?: {
    readonly digest: string;
    readonly mediaType: string;
    readonly commit?: string;
    readonly version?: string;
  };
  readonly run?: { readonly actor: string; readonly event: string; readonly url: string };
  /** What was required, and what came of it. */
  readonly requirements: readonly Judgement[];
  /** What a scan of this run found. */
  readonly gateResult?: GateResult;
  readonly targets: readonly PromotedTarget[];
  /** What refers to the image and was copied with it. */
  readonly attachments?: readonly { readonly digest: string; readonly artifactType: string; readonly bytes: number }[];
  /** Records on the image itself, of all environments, in the order of time. */
  readonly passed: readonly PromotionRecord[];
  /** Of the environment, as far as it was read: a dry run reads all of it. */
  readonly history?: History;
  /** Whether the deployment of the job's `environment:` names the image now, and what became of it. */
  readonly deployment?: 'told' | 'none' | 'refused';
}

/** What became of one repository (P9). */
export interface PromotedTarget {
  readonly image: string;
  readonly host: string;
  readonly decisions: readonly TargetDecision[];
  /** What the environment held here before. */
  readonly previousDigest?: string;
  /** Tags that were written and read back in this run. */
  readonly written: readonly string[];
  /** Digest of the record that was attached in this run. */
  readonly record?: string;
  /** Whether the image was here before this run, with all that belongs to it. */
  readonly present: boolean;
  /** Whether the content was copied here by this run. */
  readonly copied: boolean;
  readonly error?: ActionError;
}

/** Whether the image is in a repository: copied by this run, or there before. */
export function hasContent(target: PromotedTarget | undefined): boolean {
  if (target === undefined) return false;
  return (
    target.present ||
    target.copied ||
    target.written.length > 0 ||
    target.decisions.some(({ action }) => action === 'keep')
  );
}
