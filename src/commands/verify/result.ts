import type { Failure } from '../../domain/outcome.ts';
import type { RequirementResult } from '../../domain/trust/verification.ts';
import type { ActionError } from '../../errors/action-error.ts';
import { failure } from '../../errors/outcome.ts';
import type { OUTCOMES } from './outcomes.ts';

/** What became of `command: verify`. */
export interface VerifyResult {
  readonly outcome: keyof typeof OUTCOMES.successes | Failure;
  readonly errors: readonly ActionError[];
  readonly warnings: readonly string[];
  readonly images: readonly VerifiedImage[];
}

export interface VerifiedImage {
  /** As it was named: `ghcr.io/org/app:1.2.3`. */
  readonly name: string;
  /** Without tag and digest, as it was named. */
  readonly image: string;
  readonly digest: string;
  readonly verified: boolean;
  readonly requirements: readonly RequirementResult[];
}

/** A verification that failed before any image was checked. */
export function failedVerify(thrown: unknown): VerifyResult {
  return { ...failure(thrown), warnings: [], images: [] };
}
