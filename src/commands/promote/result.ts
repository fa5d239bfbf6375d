import type { GateResult } from '../../domain/gate/policy.ts';
import type { Failure } from '../../domain/outcome.ts';
import type { History } from '../../domain/promotion/history.ts';
import type { Judgement } from '../../domain/promotion/judge.ts';
import type { TargetDecision } from '../../domain/promotion/plan.ts';
import type { StoredRecord } from '../../domain/promotion/record.ts';
import type { UncountedRecord } from '../../domain/promotion/uncounted.ts';
import type { ActionError } from '../../errors/action-error.ts';
import type { StepFacts } from '../../report/step.ts';
import type { Success } from './outcomes.ts';

/** The result of a promotion, successful or not: the source of outputs, summary and `json`. */
export interface PromotionResult {
  readonly outcome: Success | Failure;
  readonly errors: readonly ActionError[];
  readonly warnings: readonly string[];
  readonly steps: readonly StepFacts[];
  readonly kind: 'promotion' | 'rollback';
  /** The environment, or its tag. */
  readonly environment?: string;
  /** Source of the image, in full: `ghcr.io/org/app:sha-abc1234`. */
  readonly from?: string;
  readonly image?: {
    readonly digest: string;
    readonly mediaType: string;
    readonly commit?: string;
    readonly version?: string;
  };
  readonly run?: { readonly actor: string; readonly event: string; readonly url: string };
  /** The requirements and their results. */
  readonly requirements: readonly Judgement[];
  /** Findings of this run's scan. */
  readonly gateResult?: GateResult;
  readonly targets: readonly PromotedTarget[];
  /** Referrers copied with the image. */
  readonly attachments?: readonly { readonly digest: string; readonly artifactType: string; readonly bytes: number }[];
  /** Records on the image itself, of all environments, by time. */
  readonly passed: readonly PassedRecord[];
  /** Of the environment, as far as it was read: a dry run reads all of it. */
  readonly history?: History;
  /** Which records count: only signed ones, or all of the repository. */
  readonly records?: 'signed' | 'any';
  /** Records of the environment that do not count. */
  readonly uncounted?: readonly UncountedRecord[];
  /** Whether the deployment of the job's `environment:` was updated with the image and its state. */
  readonly deployment?: 'updated' | 'none' | 'refused';
}

/** A record of the image; the one of this run has no manifest yet. */
export type PassedRecord = Omit<StoredRecord, 'manifest'> & Partial<Pick<StoredRecord, 'manifest'>>;

/** The result of one repository (P9). */
export interface PromotedTarget {
  readonly image: string;
  readonly host: string;
  readonly decisions: readonly TargetDecision[];
  /** The environment's previous image here. */
  readonly previousDigest?: string;
  /** Tags written and read back in this run. */
  readonly written: readonly string[];
  /** Digest of the record attached in this run. */
  readonly record?: string;
  readonly isRecordSigned?: boolean;
  /** Whether the image was complete here before this run. */
  readonly present: boolean;
  /** Whether this run copied the content here. */
  readonly copied: boolean;
  readonly error?: ActionError;
}

/** Whether a repository has the image: copied by this run, or already present. */
export function hasContent(target: PromotedTarget | undefined): boolean {
  if (target === undefined) return false;
  return (
    target.present ||
    target.copied ||
    target.written.length > 0 ||
    target.decisions.some(({ action }) => action === 'keep')
  );
}
