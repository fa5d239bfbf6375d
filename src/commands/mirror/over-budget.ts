import type { ActionError } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { PartialMirror } from './result.ts';
import type { Row } from './work.ts';

/** Leaves a tag for a later run. */
export function leaveForLater(row: Row, why: string): void {
  row.action = 'over-budget';
  row.reason = `${why}; left for the next run`;
}

/** The latest time that a limit names: before it, part of the rest would be left again. */
export function noteResume(partial: PartialMirror, resumeAt: Date | undefined): void {
  if (resumeAt !== undefined && (partial.resumeAt === undefined || resumeAt > partial.resumeAt)) {
    partial.resumeAt = resumeAt;
  }
}

/** When a registry that refused a request takes the next one; undefined when it does not report that. */
export function resumeAfter({ clock }: Pick<Runtime, 'clock'>, { facts }: ActionError): Date | undefined {
  return facts.retryAfter === undefined ? undefined : new Date(clock.now().getTime() + facts.retryAfter * 1000);
}
