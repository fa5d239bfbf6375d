/** What meets a requirement that was not met, by the first word of its text. */
const STEPS: Readonly<Record<string, string>> = {
  platforms: 'Build the image for the platforms that are required, with `platforms`.',
  sbom: 'Build the image with `sbom: true`, so that each platform has an SBOM.',
  provenance: 'Build the image with `provenance: true` where the requirement says, so that its provenance names that.',
  scan: 'Fix or accept the findings; where a scan is missing or too old, require `scan=now`, which scans during the promotion.',
  deployed: 'Promote the image to the environment that `deployed=` names first.',
  branch: 'Promote an image whose commit is on the required branch. Comparing commits needs `contents: read`.',
  'not-older': 'Promote a newer image, or go back with `rollback: true`.',
  signature: 'Publish the image with `sign`, and name in `signer-identity` the workflow that signs it.',
};
const MAX_STEPS = 3;

export const FORCE = 'To promote an image that is on hold, start a `workflow_dispatch` run with `force: true`.';

/**
 * What to do about a refused promotion: only steps for what refused it. Pure.
 * @param unmet texts of the requirements that are not met, such as `scan,max-age=7d`
 * @param isOnHold whether the image is on hold, or that is not known
 * @returns at most three steps; none when neither is the reason
 */
export function stepsAfterRefusal(unmet: readonly string[], isOnHold: boolean): readonly string[] {
  const steps = unmet.flatMap((text) => STEPS[/^[a-z-]+/.exec(text)?.[0] ?? ''] ?? []);
  return [...new Set([...(isOnHold ? [FORCE] : []), ...steps])].slice(0, MAX_STEPS);
}

/** What to do where there is nothing to roll back to. */
export function stepsAfterRollback(environment: string): readonly string[] {
  return [
    `See the history of ${environment}: run with \`from: env:${environment}\` and \`dry-run: true\`.`,
    'Roll back to one of its digests by name: `from: sha256:…`.',
    'Or promote the image that should run: leave out `rollback`.',
  ];
}
