/** Remedies for unmet requirements, by the first word of their text. */
const STEPS: Readonly<Record<string, string>> = {
  platforms: 'Build the image for the platforms that are required, with `platforms`.',
  sbom: 'Build the image with `sbom: true`, so that each platform has an SBOM.',
  provenance:
    'Build the image with `provenance: true`, in the repository and by the builder that the requirement names.',
  scan: 'Fix or accept the findings; where a scan is missing or too old, require `scan=now`, which scans during the promotion.',
  deployed: 'Promote the image to the environment that `deployed=` names first.',
  branch: 'Promote an image whose commit is on the required branch. Comparing commits needs `contents: read`.',
  'not-older': 'Promote a newer image, or go back with `rollback: true`.',
  signature: 'Publish the image with `sign`, and name in `signer-identity` the workflow that signs it.',
};
const SIGNED =
  'Publish the image with `sign`, which signs its SBOM, provenance and gate result, and name in `signer-identity` the workflow that signs them.';
const MAX_STEPS = 3;

export const FORCE = 'To promote an image that is on hold, start a `workflow_dispatch` run with `force: true`.';

/**
 * Remedies for a refused promotion, only for its actual reasons. Pure.
 * @param unmet texts of the unmet requirements, such as `scan,max-age=7d`
 * @param isOnHold whether the image is on hold, or may be
 * @returns at most three steps; empty when neither is the reason
 */
export function stepsAfterRefusal(unmet: readonly string[], isOnHold: boolean): readonly string[] {
  const steps = unmet.flatMap((text) =>
    /,signed(?:,|$)/.test(text) ? SIGNED : (STEPS[/^[a-z-]+/.exec(text)?.[0] ?? ''] ?? []),
  );
  return [...new Set([...(isOnHold ? [FORCE] : []), ...steps])].slice(0, MAX_STEPS);
}

/** Remedies when there is no image to roll back to. */
export function stepsAfterRollback(environment: string): readonly string[] {
  return [
    `See the history of ${environment}: run with \`from: env:${environment}\` and \`dry-run: true\`.`,
    'Roll back to one of its digests by name: `from: sha256:…`.',
    'Or promote the image that should run: leave out `rollback`.',
  ];
}
