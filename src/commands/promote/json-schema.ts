import { z } from 'zod';
import { COMMON, digest, GATE, type JsonOf, PARTIAL, RUN, STEPS, sentences, TARGET } from '../../report/json-schema.ts';

const SCAN_TERMS = z
  .strictObject({
    severity: z.array(z.string()).describe('Severities that fail the gate.'),
    scanners: z.array(z.string()).describe('What was scanned for.'),
    ignoreUnfixed: z.boolean().describe('Vulnerabilities without a fix passed.'),
    failOnEol: z.boolean().describe('Systems past their end of life failed.'),
    allowUnknownOs: z.boolean().describe('Unknown systems passed.'),
    baseline: z.boolean().optional().describe('Findings of the baseline passed.'),
    acceptUnscanned: z.array(z.string()).optional().describe('What was allowed to stay unscanned.'),
  })
  .meta({ id: 'ScanTerms' });

const PROMOTION_RECORD = z
  .strictObject({
    kind: z.enum(['publish', 'promotion', 'rollback']).describe('What was done.'),
    environment: z.string().describe('The environment.'),
    repository: z.string().optional().describe('The repository that the record is written to.'),
    from: z.string().describe('Full name of where the image came from.'),
    to: z.array(z.string()).describe('Full names that were written.'),
    digest: digest.describe('The image.'),
    previousDigest: digest.optional().describe('What the environment pointed to before.'),
    previousRecord: digest.optional().describe('Manifest of the record before this one.'),
    actor: z.string().describe('Who did it.'),
    run: z.string().describe('Address of the run.'),
    event: z.string().describe('Name of the event.'),
    time: z.string().describe('When, ISO 8601 in UTC.'),
    commit: z.string().optional().describe('The commit that the image was built from.'),
    forced: z.boolean().describe('A person requested this digest by name.'),
    requirements: z
      .array(
        z.strictObject({
          name: z.string().describe('The requirement.'),
          detail: z.string().describe('How it was met.'),
        }),
      )
      .describe('What was required.'),
    scan: SCAN_TERMS.optional().describe('The policy of the scan, where one was made.'),
    scannedAt: z.string().optional().describe('When that scan was made, where another run made it.'),
    held: z.array(digest).describe('Images that are on hold since then.'),
    manifest: digest.optional().describe('Manifest of the record.'),
    signature: z
      .strictObject({
        identity: z.string().describe('Address of the workflow file that signed, with its ref.'),
        time: z.string().describe('When, by a timestamp authority or the transparency log.'),
      })
      .optional()
      .describe('Verified signature; absent for an unsigned record, and with `records: any`.'),
  })
  .meta({ id: 'PromotionRecord' });

/** The `json` output of `command: promote`. */
export const JSON_SCHEMA = z
  .strictObject({
    ...COMMON,
    command: z.literal('promote').describe('The command.'),
    kind: z.enum(['promotion', 'rollback']).describe('What was requested.'),
    environment: z.string().optional().describe('The environment, or its tag.'),
    from: z.string().optional().describe('Full name of where the image comes from.'),
    image: z
      .strictObject({
        digest: digest.describe('Digest of the image.'),
        mediaType: z.string().describe('Media type of its manifest or index.'),
        commit: z.string().optional().describe('The commit, where the image names it.'),
        version: z.string().optional().describe('The version, where the image names it.'),
      })
      .optional()
      .describe('The image, once it is found.'),
    run: RUN.optional().describe('The run.'),
    requirements: z
      .array(
        z.strictObject({
          name: z.string().describe('The requirement, as in the policy.'),
          met: z.boolean().describe('Whether it is met.'),
          detail: z.string().optional().describe('How it is met.'),
          reason: z.string().optional().describe('Why it is not met.'),
        }),
      )
      .describe('What was required.'),
    gate: GATE.optional().describe('With `require: scan=now`: what the scan found and the policy decided.'),
    attachments: z
      .array(
        z.strictObject({
          digest: digest.describe('Its manifest.'),
          artifactType: z.string().describe('What it is.'),
          bytes: z.int().describe('Its size.'),
        }),
      )
      .optional()
      .describe('What is attached to the image and was copied with it.'),
    partial: PARTIAL,
    targets: z.array(TARGET).describe('Each repository.'),
    records: z
      .enum(['signed', 'any'])
      .optional()
      .describe('Which promotion records count: only signed ones, or all of the repository.'),
    promotions: z
      .array(PROMOTION_RECORD)
      .describe('The promotion records of the image, of all environments, oldest first.'),
    history: z
      .strictObject({
        environment: z.string().describe('The environment.'),
        promotions: z.array(PROMOTION_RECORD).describe('Its promotion records, oldest first.'),
        uncounted: z
          .array(PROMOTION_RECORD.extend({ reason: z.string().describe('Why it does not count.') }))
          .describe('Records of the environment that do not count.'),
        current: digest.optional().describe('What it points to.'),
        previous: digest.optional().describe('Where a rollback would go.'),
        held: z.array(digest).describe('Images on hold: a rollback took them away.'),
        gaps: sentences.describe('Where the records do not fit together.'),
      })
      .optional()
      .describe('The history of the environment in the first of `targets`.'),
    deployment: z
      .enum(['updated', 'none', 'refused'])
      .optional()
      .describe('Whether the deployment on GitHub names the image now.'),
    steps: STEPS,
  })
  .meta({ id: 'Promote' });

export type PromoteJson = JsonOf<typeof JSON_SCHEMA>;
