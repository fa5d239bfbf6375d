/**
 * What a run came to (P7). The first group is green, the second red; the `outcome` output holds one of these words, so
 * that a later step can tell "the image has findings" from "the scanner broke" without reading a log.
 */
export const OUTCOMES = {
  published: 'Every registry holds the image; its tags name it, or something newer that stays.',
  unchanged: 'Everything was in place already; nothing was written.',
  built: 'The image is ready, and no gate has closed; `push: false` kept it on the runner.',
  promoted: 'The environment points to the image, and everything that belongs to it is there.',
  'rolled-back': 'The environment is back on an earlier image; the replaced image is on hold.',
  'logged-in': 'Every registry took the credentials; they are filed for the steps that follow.',
  planned: '`dry-run` stopped after the plan.',

  'invalid-input': 'An input, a file it names, or the event cannot be used.',
  findings: 'The gate found what the policy does not allow.',
  'scanner-failed': 'The scanner could not be run, crashed, or gave no usable report.',
  'database-failed': 'The vulnerability database could not be had, or is older than allowed.',
  'build-failed': 'Docker, buildx or the build itself failed.',
  'image-rejected': 'The image is damaged, or lacks a platform, an SBOM or a provenance that it must have.',
  refused: 'A requirement is not met, the image is on hold, or there is nothing to go back to; nothing was written.',
  'tag-conflict': 'A tag holds another digest: an immutable one, or one that somebody else has moved meanwhile.',
  'registry-failed': 'A registry refused, could not be reached, or answered wrongly.',
  cancelled: 'The run was cancelled.',
  failed: 'A defect of this action, or something it does not know.',
} as const satisfies Record<string, string>;

export type Outcome = keyof typeof OUTCOMES;

const GREEN: ReadonlySet<string> = new Set([
  'published',
  'unchanged',
  'built',
  'promoted',
  'rolled-back',
  'logged-in',
  'planned',
] satisfies Outcome[]);

/** Whether the job goes on. */
export function isGreen(outcome: string): boolean {
  return GREEN.has(outcome);
}
