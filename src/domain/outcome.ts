/**
 * What a run came to (P7). The first group is green, the second red; the `outcome` output holds one of these words, so
 * that a later step can tell "the image has findings" from "the scanner broke" without reading a log.
 */
export const OUTCOMES = {
  published: 'Pushed to every registry. Tags point to this image unless a newer one was already there.',
  unchanged: 'Everything was in place already; nothing was written.',
  built: 'Ready but not pushed (`push: false`); no finding blocked it.',
  promoted: 'The environment points to this image, and everything attached to it is in place.',
  'rolled-back': 'The environment is back on an earlier image; the replaced image is on hold.',
  'logged-in': 'Logged in to every registry; later steps can use the credentials.',
  verified: 'Every required signature and attestation is present and was made by the expected identity.',
  planned: 'The plan only (`dry-run`); nothing was written.',

  'invalid-input': 'An input, a file it names, or the event cannot be used.',
  findings: 'The scan found what the policy does not allow.',
  'scanner-failed': 'The scanner could not run, crashed, or produced no usable report.',
  'database-failed': 'The vulnerability database is unavailable, or older than allowed.',
  'build-failed': 'Docker, buildx or the build itself failed.',
  'image-rejected': 'The image is damaged, or lacks a platform, an SBOM or a provenance that it must have.',
  refused: 'A requirement is not met, the image is on hold, or there is nothing to go back to; nothing was written.',
  'tag-conflict':
    'An immutable tag points to another digest, or a tag was changed by another run or a person during this one.',
  'registry-failed': 'A registry rejected a request, is unreachable, or returned an invalid response.',
  'signing-failed': 'The image could not be signed. Its content may be in the registry without a tag; no tag moved.',
  'trust-unavailable': 'The keys to check signatures with are unavailable or expired, so nothing was verified.',
  unverified: 'A required signature or attestation is missing, or was made by another identity.',
  cancelled: 'The run was cancelled.',
  failed: 'A bug in this action, or a situation it does not know.',
} as const satisfies Record<string, string>;

export type Outcome = keyof typeof OUTCOMES;

const GREEN: ReadonlySet<string> = new Set([
  'published',
  'unchanged',
  'built',
  'promoted',
  'rolled-back',
  'logged-in',
  'verified',
  'planned',
] satisfies Outcome[]);

/** Whether the job goes on. */
export function isGreen(outcome: string): boolean {
  return GREEN.has(outcome);
}
