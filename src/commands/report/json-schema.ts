import { z } from 'zod';
import { DRIFT_KINDS } from '../../domain/report/drift.ts';
import { SCAN_SOURCES, SCAN_STATUSES } from '../../domain/report/scan.ts';
import { COMMON, digest, ERRORS, type JsonOf, SEVERITY_COUNTS, STEPS, sentences } from '../../report/json-schema.ts';

const count = z.int().nonnegative();
const bytes = z.number().nonnegative();
const severity = z.enum(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN']).describe('Severity.');
const source = z.enum(SCAN_SOURCES).describe('The scanner.');

const SCAN = z
  .strictObject({
    source,
    status: z
      .enum(SCAN_STATUSES)
      .describe(
        '`complete`, or why there is no current result. Findings exist with `complete`, `stale` and `partial` only.',
      ),
    reason: z.string().optional().describe('Why there is no result, or not all of it.'),
    scannedAt: z.string().optional().describe('When it was scanned, ISO 8601.'),
    counts: SEVERITY_COUNTS.optional().describe('Distinct vulnerabilities by severity; absent when unknown.'),
    findings: z
      .array(
        z
          .strictObject({
            id: z.string().describe('`CVE-…`, `GHSA-…`, or the id of the vendor.'),
            severity,
            package: z.string().optional().describe('Name of the package.'),
            version: z.string().optional().describe('Its version.'),
            fixed: z.string().optional().describe('The version that fixes it.'),
          })
          .meta({ id: 'ReportFinding' }),
      )
      .optional()
      .describe('Findings by id and package; absent when unknown.'),
  })
  .meta({ id: 'ReportScan' });

const COMPARISON = z
  .strictObject({
    first: source,
    second: source,
    both: count.describe('Ids that both list.'),
    onlyFirst: z.array(z.string()).describe('Ids that only the first lists.'),
    onlySecond: z.array(z.string()).describe('Ids that only the second lists.'),
    rated: z
      .array(z.strictObject({ id: z.string().describe('The id.'), first: severity, second: severity }))
      .describe('Ids with different severities.'),
  })
  .meta({ id: 'ReportScanComparison' });

const USAGE = z
  .strictObject({
    repository: z
      .strictObject({ bytes: bytes.describe('Bytes.'), counts: z.string().describe('What the registry counts.') })
      .optional()
      .describe("The registry's own number of bytes."),
    quota: z
      .strictObject({
        name: z.string().describe('What the quota is for.'),
        usedBytes: bytes.describe('Used bytes.'),
        limitBytes: bytes.optional().describe('The limit; absent without one.'),
      })
      .optional()
      .describe('Storage quota.'),
    rateLimits: z
      .array(
        z.strictObject({
          kind: z.string().describe('What is limited.'),
          limit: count.describe('Number in the window.'),
          remaining: count.describe('What is left.'),
          windowSeconds: count.optional().describe('Length of the window.'),
          resetAt: z.string().optional().describe('When the limit resets, ISO 8601.'),
        }),
      )
      .optional()
      .describe('Rate limits.'),
  })
  .meta({ id: 'ReportUsage' });

const IMAGE = z
  .strictObject({
    digest: digest.describe('Digest of the image.'),
    tags: z.array(z.string()).describe('Its tags.'),
    kind: z.enum(['image', 'chart', 'cache', 'wasm', 'referrer', 'other']).describe('What it is.'),
    platforms: z.array(z.string()).describe('Platforms of an index.'),
    pushedAt: z.string().optional().describe('When it was pushed, ISO 8601.'),
    builtAt: z.string().optional().describe('When it was built, where the registry has no push time.'),
    pulledAt: z.string().optional().describe('Last pull, or `never`; absent when unknown.'),
    size: bytes.describe('Bytes with what is attached.'),
    exclusive: bytes.describe('Bytes that no other image needs.'),
    broken: z.enum(['ghost', 'partial']).optional().describe('The index lacks all platforms, or some.'),
  })
  .meta({ id: 'ReportImage' });

const REPOSITORY = z
  .strictObject({
    repository: z.string().describe('Full name, `ghcr.io/org/app`.'),
    vendor: z.string().describe('Kind of registry.'),
    requests: count.describe('Manifests that were requested.'),
    errors: ERRORS.optional().describe('What could not be read.'),
    usage: USAGE.describe('What the registry reports about itself.'),
    counts: z
      .strictObject({
        images: count.describe('Images, tagged or not.'),
        tags: count.describe('Tags, without those of signatures.'),
        untagged: count.optional().describe('Images without a tag; absent when unknown.'),
        orphans: count.optional().describe('Referrers of images that do not exist; absent when unknown.'),
        manifests: count.describe('All manifests.'),
        referrers: count.describe('What is attached to images.'),
        broken: count.describe('Indexes that lack platforms.'),
      })
      .optional()
      .describe('Numbers; absent when nothing could be read.'),
    sizes: z
      .strictObject({
        sum: bytes.describe('The images one by one.'),
        distinct: bytes.describe('Each blob once.'),
        exclusive: bytes.describe('Needed by one image only.'),
        unreferenced: bytes.describe('Needed by no image.'),
        isExact: z.boolean().describe('All manifests were read.'),
      })
      .optional()
      .describe('Bytes.'),
    shared: z
      .array(
        z.strictObject({
          digest: z.string().describe('Digest of the blob.'),
          size: bytes.describe('Its bytes.'),
          images: count.describe('Images that have it.'),
        }),
      )
      .optional()
      .describe('The largest blobs that several images have.'),
    pulls: z
      .enum(['recorded', 'daily', 'unreliable', 'none'])
      .optional()
      .describe('What the registry records of pulls.'),
    ages: z
      .array(z.strictObject({ name: z.string().describe('Age group.'), images: count.describe('Images of that age.') }))
      .optional()
      .describe('Images by age.'),
    images: z.array(IMAGE).optional().describe('Every image, newest first.'),
    watched: z
      .array(
        z.strictObject({
          tags: z.array(z.string()).describe('Its watched tags.'),
          digest: digest.describe('Digest of the image.'),
          scans: z.array(SCAN).describe('The result of each scanner.'),
          comparisons: z.array(COMPARISON).describe('Of each two scanners with a result.'),
        }),
      )
      .describe('Images with a watched tag.'),
  })
  .meta({ id: 'ReportRepository' });

const ENVIRONMENT = z
  .strictObject({
    name: z.string().describe('Name of the environment.'),
    reference: z.string().describe('Its image with tag.'),
    state: z.enum(['present', 'absent', 'unknown']).describe('`unknown`: it could not be read.'),
    reason: z.string().optional().describe('Why it is unknown.'),
    digest: digest.optional().describe('Digest of the image.'),
    revision: z.string().optional().describe('Commit that the image names.'),
    version: z.string().optional().describe('Version that the image names.'),
    pushedAt: z.string().optional().describe('When it was pushed, ISO 8601.'),
    platforms: z.array(z.string()).optional().describe('Platforms of an index.'),
    hasSignature: z.boolean().optional().describe('Something that looks like a signature is attached; not verified.'),
    promoted: z
      .strictObject({
        digest: digest.describe('The image that it names.'),
        at: z.string().describe('When, ISO 8601.'),
        by: z.string().describe('Who.'),
        run: z.string().describe('URL of the run.'),
        isVerified: z
          .boolean()
          .describe(
            'A job in that environment signed the record; otherwise anyone with push access could have written it.',
          ),
        signedBy: z.string().optional().describe('The workflow that signed it.'),
      })
      .optional()
      .describe('The last promotion, by the newest record that counts.'),
    signature: z
      .union([
        z.strictObject({
          isVerified: z.literal(true).describe('A trusted signer signed the image.'),
          by: z.string().describe('Who signed the image.'),
        }),
        z.strictObject({
          isVerified: z.literal(false).describe('No signature of the image counts.'),
          reason: z.string().describe('Why no signature is accepted.'),
        }),
      ])
      .optional()
      .describe('Whether an accepted signer signed the image; absent when no signer is named.'),
    uncountedRecords: sentences.optional().describe('Promotion records that do not count.'),
    unread: sentences.optional().describe('What could not be read or verified.'),
  })
  .meta({ id: 'ReportEnvironment' });

const KINDS = Object.keys(DRIFT_KINDS).filter((kind): kind is keyof typeof DRIFT_KINDS =>
  Object.hasOwn(DRIFT_KINDS, kind),
);

/** The `json` output of `command: report`. */
export const JSON_SCHEMA = z
  .strictObject({
    ...COMMON,
    command: z.literal('report').describe('The command.'),
    reportedAt: z.string().optional().describe('When the report was made, ISO 8601.'),
    totals: z
      .strictObject({
        images: count.describe('Images.'),
        tags: count.describe('Tags.'),
        distinctBytes: bytes.describe('Bytes, each blob once in its repository.'),
        sumBytes: bytes.describe('Bytes of the images one by one.'),
        isExact: z.boolean().describe('Sizes are exact.'),
        unscanned: count.describe('Watched images without a complete scan result.'),
        findings: SEVERITY_COUNTS.optional().describe(
          'Of watched images, the highest of any scanner; absent when unknown.',
        ),
        drift: count.optional().describe('Differences between environments, without `behind`.'),
        settings: count.optional().describe('Settings that differ from the setup file; absent when unknown.'),
      })
      .describe('Of all repositories together.'),
    repositories: z.array(REPOSITORY).describe('Each repository.'),
    environments: z.array(ENVIRONMENT).optional().describe('What each environment runs.'),
    drift: z
      .array(
        z.strictObject({
          kind: z.enum(KINDS).describe('Kind of difference.'),
          image: z.string().describe('The repository.'),
          from: z.string().describe('The earlier environment.'),
          to: z.string().describe('The later environment.'),
          detail: z.string().describe('The difference in words.'),
        }),
      )
      .optional()
      .describe('Differences between environments.'),
    settings: z
      .array(
        z.strictObject({
          registry: z.string().describe('The registry, as in the setup file.'),
          differences: z
            .array(
              z.strictObject({
                setting: z.string().describe('The setting, after the repository that it is of.'),
                is: z.string().optional().describe('As it is; absent when unknown.'),
                should: z.string().optional().describe('As the file has it; absent: it takes it away.'),
                line: count.optional().describe('Line of the file.'),
              }),
            )
            .optional()
            .describe('Settings that differ; absent when the registry could not be read.'),
          equal: count.describe('Settings that are as the file has them.'),
          unread: sentences.describe('What could not be read or compared.'),
        }),
      )
      .optional()
      .describe('Registries compared with the setup file.'),
    history: z
      .strictObject({ entries: count.describe('Entries in the history file.') })
      .optional()
      .describe('The history file.'),
    unread: sentences.describe('What could not be read.'),
    steps: STEPS,
  })
  .meta({ id: 'Report' });

export type ReportJson = JsonOf<typeof JSON_SCHEMA>;
