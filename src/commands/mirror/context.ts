import type { LimitFunction } from 'p-limit';
import type { Registry } from '../../run/open-registries.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { ByteBudget } from './budget.ts';
import type { MirrorInputs } from './inputs.ts';
import type { PartialMirror } from './result.ts';

/** What every step of a run shares. */
export interface MirrorContext {
  readonly runtime: Runtime;
  readonly inputs: MirrorInputs;
  readonly partial: PartialMirror;
  /** Images at a time. */
  readonly images: LimitFunction;
  /** Blobs at a time. */
  readonly uploads: LimitFunction;
  readonly bytes: ByteBudget;
  /** Registries where an upload was begun and cancelled, to see whether they take any. */
  readonly probed: Set<Registry>;
}
