import type { GitEvent } from '../../domain/event.ts';
import type { Requirement } from '../../domain/promotion/requirement.ts';
import type { ReadRecords } from '../../evidence/environment-history.ts';
import type { RememberReads } from '../../evidence/remembered-reads.ts';
import type { GateTerms } from '../../inputs/gate.ts';
import type { Destination } from '../../run/targets.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import type { PromoteInputs } from './inputs.ts';
import type { PartialResult } from './partial-result.ts';
import type { Policy } from './policy.ts';
import type { OpenRecordSigning } from './record-signing.ts';
import type { Names } from './targets-from-inputs.ts';

/** The context of all parts of a promotion. */
export interface PromotionContext {
  readonly runtime: Runtime;
  readonly inputs: PromoteInputs;
  readonly event: GitEvent;
  readonly names: Names;
  /** Determines the requirements again when all names are known; undefined in a rollback. */
  readonly policy: Policy | undefined;
  /** As far as names are known before the image. A rollback has no requirements: its image met them once. */
  readonly required: readonly Requirement[];
  /** How a scan is evaluated: by the policy file if it requires one, otherwise by the inputs. */
  readonly gate: GateTerms;
  /** GitHub's API; undefined without a token. */
  readonly api: GitHubApi | undefined;
  readonly records: ReadRecords;
  /** Requests what the records and the signatures of an image share once. */
  readonly remember: RememberReads;
  readonly recordSigning: OpenRecordSigning;
  /** The repositories for names; `push` for those to be written. */
  readonly at: (names: Names['images'], access: 'pull' | 'push') => readonly Destination[];
  readonly partial: PartialResult;
}
