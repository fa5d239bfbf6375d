/** What to do instead. */
export const OTHER_EVENTS = 'Promote in a workflow that `push`, `release`, `schedule` or `workflow_dispatch` triggers.';

/** Events triggered by people with write access, or by a schedule that such a person has set. */
const MAY_PROMOTE: readonly string[] = [
  'create',
  'deployment',
  'push',
  'registry_package',
  'release',
  'repository_dispatch',
  'schedule',
  'workflow_dispatch',
];

/**
 * Why a run of an event may not promote: changes under review, and events that anyone can trigger, must not reach an
 * environment. A `workflow_run` is trusted like the run that caused it; if that was a `workflow_run` too, a pull
 * request may be behind it. Unknown events may not promote either.
 * https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
 * @param cause event of the run that caused this one, with `workflow_run`
 * @returns a sentence, or undefined: it may promote
 */
export function mayNotPromote(event: string, cause: string | undefined): string | undefined {
  const isChained = event === 'workflow_run';
  const own = isChained ? (cause ?? 'unknown') : event;
  if (MAY_PROMOTE.includes(own)) return undefined;
  const what = isChained ? `a workflow run that the event ${own} had triggered` : `the event ${event}`;
  return `This run was triggered by ${what}, which may not promote: code under review, or anyone on the internet, may be behind it.`;
}

/**
 * Whether a certificate's trigger may be behind a promotion. A `workflow_run` runs the default branch's workflow; which
 * event caused it was checked by the run itself.
 */
export function isTrustedTrigger(event: string): boolean {
  return event === 'workflow_run' || MAY_PROMOTE.includes(event);
}
