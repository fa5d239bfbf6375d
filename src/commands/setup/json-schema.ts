import { z } from 'zod';
import { COMMON, digest, type JsonOf, STEPS, sentences } from '../../report/json-schema.ts';

const count = z.int().nonnegative();
const value = z.unknown();

const COUNTS = z
  .strictObject({
    created: count.describe('Settings that were missing and were made.'),
    changed: count.describe('Settings that were changed.'),
    removed: count.describe('Settings that were removed.'),
    equal: count.describe('Settings that were as they should be.'),
    kept: count.describe('Settings of others, which stay.'),
    unsupported: count.describe('Settings that the vendor lacks and that the file does not accept as lacking.'),
    denied: count.describe('Settings that could not be read.'),
    refused: count.describe(
      'Settings that are fixed at creation, or belong to somebody else although the file wants them.',
    ),
    left: count.describe('Settings that were to be written and were not.'),
  })
  .meta({ id: 'SetupCounts' });

const OUTCOME = z
  .enum(['done', 'skipped', 'changed', 'unapproved', 'failed'])
  .describe(
    '`skipped`: another write is needed first. `changed`: changed since the plan. `unapproved`: not in the plan.',
  );

const SETTING = z
  .strictObject({
    subject: z.string().describe('The repository or project; empty: the registry as a whole.'),
    name: z.string().describe('The key of the file.'),
    is: value.optional().describe('The value that it has; null: none. Absent: unknown.'),
    should: value.optional().describe('The value of the file; null: none. Absent: the file leaves it alone.'),
    action: z
      .enum(['create', 'change', 'remove', 'equal', 'unsupported', 'needs-recreation', 'kept-foreign', 'denied'])
      .describe('What the plan does with it.'),
    reason: z.string().optional().describe('Why, and what to do instead.'),
    line: count.optional().describe('Line of the file.'),
    isAccepted: z.boolean().optional().describe('The file accepts that the vendor lacks it.'),
    outcome: OUTCOME.optional(),
  })
  .meta({ id: 'SetupSetting' });

const REGISTRY = z
  .strictObject({
    key: z.string().describe('Its key in the file.'),
    at: z.string().describe('Its address.'),
    vendor: z.string().describe('Kind of registry.'),
    counts: COUNTS.describe('What was done here; in a dry run what would be.'),
    settings: z.array(SETTING).describe('Every setting, in the order of the plan.'),
    writes: z
      .array(
        z.strictObject({
          id: z.string().describe('Its name in the plan.'),
          request: z.string().describe('What is sent, as JSON.'),
          outcome: OUTCOME.optional(),
          reason: z.string().optional().describe('Why it was not done, or what to know.'),
        }),
      )
      .describe('Every write, in order.'),
    unlisted: sentences.describe('What exists and the file does not name: it stays.'),
  })
  .meta({ id: 'SetupRegistry' });

const EXPORT = z
  .strictObject({
    format: z.string().describe('Format of the files.'),
    directory: z.string().describe('The folder.'),
    files: z.array(z.string()).describe('Files of the export, from the folder.'),
    removed: z
      .array(z.string())
      .describe('Files of an earlier export that were removed, because they are no longer part of it.'),
    leftOut: z
      .array(
        z.strictObject({
          what: z.string().describe('The registry and the setting.'),
          reason: z.string().describe('Why.'),
          instead: z.string().describe('What to do instead; empty if the reason includes it.'),
        }),
      )
      .describe('Settings of the file that are missing from the export.'),
  })
  .meta({ id: 'SetupExport' });

/** The `json` output of `command: setup`. */
export const JSON_SCHEMA = z
  .strictObject({
    ...COMMON,
    command: z.literal('setup').describe('The command.'),
    dryRun: z.boolean().describe('Nothing was to be written.'),
    plan: z
      .strictObject({
        digest: digest.optional().describe('Digest of the plan file.'),
        path: z.string().optional().describe('Path of the plan file.'),
      })
      .optional()
      .describe('The plan, once there is one.'),
    drift: z.boolean().describe('A registry differed from the desired state.'),
    counts: COUNTS.describe('Of all registries together.'),
    registries: z.array(REGISTRY).describe('Each registry; empty for an export.'),
    export: EXPORT.optional().describe('What an export wrote.'),
    steps: STEPS,
  })
  .meta({ id: 'Setup' });

export type SetupJson = JsonOf<typeof JSON_SCHEMA>;
