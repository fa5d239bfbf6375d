/** The name of a result in the `outcome` output and in the heading of a summary. */
export interface OutcomeText {
  readonly about: string;
  /** Start of the summary heading; absent: the command's own words for a failure. */
  readonly heading?: string;
  /** A run that succeeded, and has left something undone. */
  readonly isPartial?: true;
}

/**
 * The outcomes of failed runs (P7), the same for every command, so that a later step can distinguish "the image has
 * findings" from "the scanner failed" without reading a log. Commands define their own outcomes of successful runs.
 */
export const FAILURES = {
  'invalid-input': { about: 'An input, a file it names, or the event cannot be used.', heading: 'Invalid input:' },
  findings: { about: 'The scan found what the policy does not allow.', heading: 'Blocked by findings:' },
  'scanner-failed': {
    about: 'The scanner could not run, crashed, or produced no usable report.',
    heading: 'Scan failed:',
  },
  'database-failed': {
    about: 'The vulnerability database is unavailable, or older than allowed.',
    heading: 'Scan failed:',
  },
  'build-failed': { about: 'Docker, buildx or the build itself failed.', heading: 'Build failed:' },
  'image-rejected': {
    about: 'The image is damaged, or lacks a platform, an SBOM or a provenance that it must have.',
    heading: 'Image rejected:',
  },
  refused: {
    about:
      'A requirement is not met, the image is on hold, there is nothing to go back to, or a cleanup is not safe; nothing was written there.',
    heading: 'Refused:',
  },
  drift: {
    about:
      'A scheduled run of `setup` with `dry-run` found settings that differ from the desired state; nothing was written.',
    heading: 'Drift:',
  },
  'condition-met': {
    about: 'A `report` found what its `fail-on` names; the report is complete.',
    heading: 'Condition met:',
  },
  'tag-conflict': {
    about:
      'An immutable tag points to another digest, or a tag was changed by another run or a person during this one.',
    heading: 'Tag conflict:',
  },
  'registry-failed': { about: 'A registry rejected a request, is unreachable, or returned an invalid response.' },
  'signing-failed': {
    about: 'The image could not be signed. Its content may be in the registry without a tag; no tag moved.',
    heading: 'Signing failed:',
  },
  'trust-unavailable': {
    about:
      "The keys to check signatures with are unavailable or expired, or GitHub's attestations could not be read, so nothing was verified.",
    heading: 'Not verified:',
  },
  unverified: {
    about: 'A required signature or attestation is missing, or was made by another identity.',
    heading: 'Not verified:',
  },
  cancelled: { about: 'The run was cancelled.', heading: 'Cancelled:' },
  failed: { about: 'A bug in this action, or a situation it does not handle.' },
} as const satisfies Readonly<Record<string, OutcomeText>>;

export type Failure = keyof typeof FAILURES;

/** Successes shared by several commands. */
export const UNCHANGED: OutcomeText = {
  about: 'Everything was in place already; nothing was written.',
  heading: 'Up to date:',
};
export const PLANNED: OutcomeText = { about: 'The plan only (`dry-run`); nothing was written.', heading: 'Dry run:' };
