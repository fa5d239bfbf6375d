import type { GitEvent } from '../../domain/event.ts';
import type { Requirement } from '../../domain/promotion/requirements.ts';
import type { ReadRecords } from '../../evidence/environment-history.ts';
import type { GateTerms } from '../../inputs/gate.ts';
import type { Destination } from '../../run/targets.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import type { PromoteInputs } from './inputs.ts';
import type { PartialResult } from './partial-result.ts';
import type { Policy } from './policy.ts';
import type { Names } from './targets-from-inputs.ts';

/** What every part of a promotion has to go on. */
export interface PromotionContext {
  readonly runtime: Runtime;
  readonly inputs: PromoteInputs;
  readonly event: GitEvent;
  readonly names: Names;
  /** Says again what is required when all names are known; undefined in a rollback. */
  readonly policy: Policy | undefined;
  /** As far as names are known before the image is. Nothing is required of a rollback: what was good enough once is good enough to go back to. */
  readonly required: readonly Requirement[];
  /** How a scan is judged: by the policy file when it requires one, else by the inputs. */
  readonly gate: GateTerms;
  /** GitHub's API; undefined without a token. */
  readonly api: GitHubApi | undefined;
  readonly records: ReadRecords;
  /** The repositories behind names; `push` for those that are written to. */
  readonly at: (names: Names['images'], access: 'pull' | 'push') => readonly Destination[];
  readonly partial: PartialResult;
}
