/** Events behind which somebody stands who may write to the repository, or a schedule that such a person has set. */
const MAY_PROMOTE: readonly string[] = [
  'create',
  'deployment',
  'push',
  'registry_package',
  'release',
  'repository_dispatch',
  'schedule',
  'workflow_dispatch',
  'workflow_run',
];

/**
 * Why a run of an event may not promote: what is under review, or anybody may cause, writes to no environment. A `workflow_run` is
 * as good as the run that caused it. Events that are not known may not either.
 * https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
 * @param cause event of the run that caused this one, with `workflow_run`
 * @returns a sentence, or undefined: it may
 */
export function mayNotPromote(event: string, cause: string | undefined): string | undefined {
  const own = event === 'workflow_run' && cause !== undefined ? cause : event;
  if (MAY_PROMOTE.includes(own)) return undefined;
  const what = own === event ? `the event ${event}` : `a workflow run that the event ${own} had triggered`;
  return `This run was triggered by ${what}, which may not promote: code under review, or anyone on the internet, may be behind it. Promote from push, release, schedule or workflow_dispatch.`;
}
