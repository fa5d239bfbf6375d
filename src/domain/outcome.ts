/**
 * What a run came to (P7). The first group is green, the second red; the `outcome` output holds one of these words, so
 * that a later step can tell "the image has findings" from "the scanner broke" without reading a log.
 */
export const OUTCOMES = {
  published: 'Pushed to every registry. Tags point to this image unless a newer one was already there.',
  unchanged: 'Everything was in place already; nothing was written.',
  built: 'Built and passed the gate; not pushed (`push: false`).',
  promoted: 'The environment points to the image, and everything that belongs to it is there.',
  'rolled-back': 'The environment is back on an earlier image; the replaced image is on hold.',
  'logged-in': 'Logged in to every registry; later steps can use the credentials.',
  planned: '`dry-run` stopped after the plan.',

  'invalid-input': 'An input, a file it names, or the event cannot be used.',
  findings: 'The gate found what the policy does not allow.',
  'scanner-failed': 'The scanner could not be run, crashed, or gave no usable report.',
  'database-failed': 'The vulnerability database is unavailable, or older than allowed.',
  'build-failed': 'Docker, buildx or the build itself failed.',
  'image-rejected': 'The image is damaged, or lacks a platform, an SBOM or a provenance that it must have.',
  refused: 'A requirement is not met, the image is on hold, or there is nothing to go back to; nothing was written.',
  'tag-conflict':
    'An immutable tag points to another digest, or a tag was changed by another run or a person during this one.',
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
