import { z } from 'zod';
import { SEVERITIES } from '../domain/gate/severity.ts';

// Common parts of all commands' `json` output. The runtime only imports types from here, so the bundle contains no
// schema: scripts and tests use the values.

/** The type described by a schema, for the code that creates it. */
export type JsonOf<S extends z.ZodType> = DeepReadonly<z.infer<S>>;

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

export const digest = z.string().describe('A digest, `sha256:…`.');
export const sentences = z.array(z.string());
const count = z.int().nonnegative();

const ERROR = z
  .strictObject({
    code: z.string().describe('The code in [errors.md](errors.md).'),
    title: z.string().describe('What kind of error it is.'),
    message: z.string().describe('What happened: where, what was expected and what came.'),
    remedy: sentences.describe('What to do, at most three steps.'),
    facts: z
      .strictObject({
        registry: z.string().optional().describe('Host of the registry.'),
        repository: z.string().optional().describe('Repository in the registry.'),
        reference: z.string().optional().describe('Tag or digest.'),
        platform: z.string().optional().describe('Platform, `linux/arm64`.'),
        operation: z
          .enum(['build', 'login', 'read', 'push', 'delete', 'setup'])
          .optional()
          .describe('What was being done.'),
        status: z.int().optional().describe('HTTP status of the response.'),
        retryAfter: z.number().optional().describe('Seconds to wait before the next request (`Retry-After`).'),
        input: z.string().optional().describe('Input of the action.'),
        file: z.string().optional().describe('File that the error is about.'),
        line: z.int().optional().describe('Line of the file, from 1.'),
      })
      .describe('What the error is about.'),
  })
  .meta({ id: 'Error' });

export const ERRORS = z.array(ERROR);

const STEP = z
  .strictObject({
    name: z.string().describe('Name of the step, as in the log.'),
    milliseconds: z.number().describe('How long it took.'),
    failed: z.literal(true).optional().describe('The step failed.'),
  })
  .meta({ id: 'Step' });

export const SEVERITY_COUNTS = z
  .strictObject({ CRITICAL: count, HIGH: count, MEDIUM: count, LOW: count, UNKNOWN: count })
  .meta({ id: 'SeverityCounts' });

const FINDING = z
  .strictObject({
    class: z
      .enum(['vulnerability', 'secret', 'misconfiguration', 'license', 'operating-system', 'unscanned'])
      .describe('What kind of finding it is.'),
    platform: z.string().describe('Platform of the image, `linux/arm64`.'),
    id: z.string().describe('CVE, rule, check, or name of the license.'),
    severity: z.enum(SEVERITIES).describe('Severity.'),
    target: z.string().describe('What was scanned: `alpine 3.22.1`, `Node.js`, or a file.'),
    title: z.string().optional().describe('One line about it.'),
    url: z.string().optional().describe('Where to read more.'),
    path: z.string().optional().describe('File in the image.'),
    line: z.int().optional().describe('Line of the file.'),
    layer: z.string().optional().describe('Digest of the layer.'),
    package: z
      .strictObject({
        name: z.string().describe('Name of the package.'),
        type: z.string().describe('Kind of package: `npm`, `debian`.'),
        installed: z.string().describe('Installed version.'),
        fixed: z.string().optional().describe('Versions that fix it.'),
        status: z.string().optional().describe('Status at the distribution: `affected`, `will_not_fix`.'),
        purl: z.string().optional().describe('Package URL.'),
      })
      .optional()
      .describe('The package, where it is one.'),
    aliases: z.array(z.string()).optional().describe('Other ids of the same finding.'),
    remark: z.string().optional().describe('Why it counts although the ignore file names it.'),
    baseline: z.enum(['known', 'new']).optional().describe('With a baseline: whether the baseline has it too.'),
    origin: z
      .strictObject({
        from: z.enum(['base', 'step']).optional().describe('The base image, or a step of the Dockerfile.'),
        base: z.string().optional().describe('Name of the base image.'),
        step: z.string().optional().describe('The step that made the layer: `RUN npm ci`.'),
        line: z.int().optional().describe('Line of the Dockerfile.'),
      })
      .optional()
      .describe('What added it to the image, where known.'),
  })
  .meta({ id: 'Finding' });

const SUPPRESSED = z
  .strictObject({
    finding: FINDING.describe('The finding.'),
    by: z
      .enum(['ignorefile', 'vex', 'unfixed', 'baseline', 'accept-unscanned'])
      .describe('What lets it pass. The output `scan-suppressed` counts `ignorefile` and `vex`.'),
    reason: z.string().describe('Why.'),
    place: z.string().optional().describe('Where that is decided: file and line, or the digest of the baseline.'),
    expires: z.string().optional().describe('Last day on which it applies, `YYYY-MM-DD`.'),
    daysLeft: z.int().optional().describe('Days until then.'),
  })
  .meta({ id: 'SuppressedFinding' });

/** Findings and result of the gate; the mode, and what exists only after a scan. */
export const GATE = z
  .strictObject({
    mode: z
      .enum(['gate', 'report', 'off', 'not-reached'])
      .describe(
        '`gate`: findings stop the run. `report`: they are only reported. `not-reached`: the run failed before.',
      ),
    passed: z
      .boolean()
      .optional()
      .describe('Whether the image may be published. The properties below need a scan too.'),
    counts: z
      .strictObject({
        total: SEVERITY_COUNTS.describe('Of the image.'),
        platforms: z.record(z.string(), SEVERITY_COUNTS).describe('By platform.'),
      })
      .optional()
      .describe('All findings by severity, before the policy.'),
    gated: z.array(FINDING).optional().describe('Findings that the policy does not allow.'),
    suppressed: z.array(SUPPRESSED).optional().describe('Findings that pass by a decision.'),
    baseline: z
      .strictObject({
        image: z.string().describe('The baseline, `ghcr.io/org/app:main`.'),
        digest: digest.describe('Its digest.'),
        isSameImage: z.boolean().describe('It is the image itself.'),
        platforms: z.array(z.string()).describe('Platforms that both have.'),
        missing: z.array(z.string()).describe('Platforms that the baseline lacks.'),
        fixed: z.array(FINDING).describe('Findings that only the baseline has.'),
      })
      .optional()
      .describe('The comparison with the baseline, when there is one.'),
    notes: sentences.optional().describe('What was not scanned, or passes because of a setting.'),
    scannedAt: z
      .record(z.string(), z.string().describe('Time, ISO 8601.'))
      .optional()
      .describe('When an earlier step of the job scanned it, by platform. Absent when this run scanned all of them.'),
  })
  .meta({ id: 'Gate' });

const DECISION = z
  .strictObject({
    image: z.string().describe('Image name, `ghcr.io/org/app`.'),
    tag: z.string().describe('The tag.'),
    kind: z
      .enum(['version', 'commit', 'immutable', 'moving'])
      .describe('`version` and `commit` (publish) and `immutable` (promote) tags never move; `moving` ones do.'),
    action: z
      .enum(['create', 'move', 'keep', 'leave', 'conflict', 'refuse'])
      .describe(
        '`create`: new. `move`: pointed to another image. `keep`: points to this image already. `leave`: points to something newer. ' +
          '`conflict`: must not change and points to another image. `refuse`: the promotion is refused.',
      ),
    previousDigest: digest.optional().describe('What the tag pointed to before the run.'),
    reason: z.string().describe('Why.'),
    warning: z.string().optional().describe('What to look at.'),
    conflict: z
      .enum(['other-commit', 'rebuilt', 'commit-tag'])
      .optional()
      .describe('Of a publish: the kind of conflict.'),
  })
  .meta({ id: 'TagDecision' });

/** The result of one repository of a publish or a promotion. */
export const TARGET = z
  .strictObject({
    image: z.string().describe('Image name, `ghcr.io/org/app`.'),
    host: z.string().describe('Host of the registry.'),
    state: z
      .enum(['written', 'unchanged', 'failed', 'held-back', 'refused', 'planned'])
      .describe(
        '`failed`: see `error`. `held-back`: another target failed, so its tags did not move. `planned`: nothing was written, as in a dry run.',
      ),
    present: z.boolean().describe('The image is in the repository.'),
    decisions: z.array(DECISION).describe('What is to happen to each tag.'),
    written: z.array(z.string()).describe('Tags that the run wrote.'),
    uploaded: z
      .strictObject({
        blobs: count.describe('Blobs that were sent.'),
        bytes: count.describe('Their bytes.'),
        present: count.describe('Blobs that were already present.'),
        manifests: count.describe('Manifests that were sent.'),
      })
      .optional()
      .describe('Of a publish: what was sent.'),
    copied: z.boolean().optional().describe('Of a promotion: the run copied the image here.'),
    previousDigest: digest.optional().describe('Of a promotion: what the environment pointed to before the run.'),
    promotionRecord: digest.optional().describe('Of a promotion: manifest of the promotion record that the run wrote.'),
    promotionRecordSigned: z.boolean().optional().describe('Of a promotion: the run signed that record.'),
    error: ERROR.optional().describe('Why it failed.'),
  })
  .meta({ id: 'Target' });

/** The reported run. */
export const RUN = z
  .strictObject({
    url: z.string().describe('Address of the run.'),
    actor: z.string().optional().describe('Of a promotion: who started it.'),
    event: z.string().optional().describe('Of a promotion: name of the event.'),
  })
  .meta({ id: 'Run' });

/** Fields of every command. */
export const COMMON = {
  schemaVersion: z.literal(1).describe('Raised when a property is renamed or removed, not when one is added.'),
  outcome: z.string().describe('The output `outcome`.'),
  errors: ERRORS.describe('Why the run failed; empty when it succeeded.'),
  warnings: sentences.describe('What to look at.'),
  truncated: z.literal(true).optional().describe('Lists or texts are cut; the file `json-file` has all.'),
};

/** Fields of commands that work in steps. */
export const STEPS = z.array(STEP).describe('The steps of the run, in order.');
/** Whether a run with several targets succeeded in some only. */
export const PARTIAL = z
  .boolean()
  .describe('Some targets failed and the image is in others. A re-run does what is missing.');

export type GateJson = JsonOf<typeof GATE>;
export type FindingJson = JsonOf<typeof FINDING>;
export type ErrorJson = JsonOf<typeof ERROR>;
