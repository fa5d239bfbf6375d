import type { DesiredRegistry } from '../../desired-state.ts';
import type { EcrLive } from '../../ecr/live.ts';

/** A registry of Amazon ECR: what the file wants, what there is, and what there is once the plan is applied. */
export interface EcrSource {
  readonly desired: DesiredRegistry;
  readonly live: EcrLive;
  readonly planned: EcrLive;
}
