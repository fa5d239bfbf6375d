import { z } from 'zod';
import { COMMON, digest, ERRORS, type JsonOf, STEPS, sentences } from '../../report/json-schema.ts';

const count = z.int().nonnegative();

const PROBLEM = z
  .strictObject({
    severity: z
      .enum(['stop', 'error', 'warning'])
      .describe('`stop`: nothing is deleted. `error`: the rest is deleted and the run fails.'),
    code: z.string().describe('The kind of problem.'),
    message: z.string().describe('What is wrong.'),
  })
  .meta({ id: 'CleanupProblem' });

const REASON = z
  .strictObject({
    code: z.string().describe('The kind of reason.'),
    rule: z.string().optional().describe('The rule or the line of `protect`.'),
    text: z.string().describe('The reason in words.'),
  })
  .meta({ id: 'CleanupReason' });

const COUNTS = z
  .strictObject({
    deletedManifests: count.describe('Manifests that went.'),
    deletedTags: count.describe('Tags that went, with their image or alone. Tags of signatures and SBOMs never count.'),
    untaggedTags: count.describe('Of these, tags that went alone.'),
    keptManifests: count.describe('Manifests that stay.'),
    keptTags: count.describe('Tags that stay.'),
    skipped: count.describe('Steps that were skipped, because the repository changed.'),
    blocked: count.describe('Steps that the registry refused.'),
    failed: count.describe('Steps that failed.'),
    freedBytes: z.number().describe('Bytes that are freed.'),
    isExact: z.boolean().describe('`freedBytes` is exact, not an estimate.'),
  })
  .meta({ id: 'CleanupCounts' });

const ROLE = z
  .enum(['root', 'child', 'referrer'])
  .describe('`child`: part of an index. `referrer`: attached to an image. `root`: all others.');

const DUE = z
  .discriminatedUnion('action', [
    z.strictObject({
      action: z.literal('untag').describe('The tag goes and its image stays.'),
      tag: z.string().describe('The tag.'),
      digest: digest.describe('The image.'),
    }),
    z.strictObject({
      action: z.literal('delete').describe('The manifest goes with its tags.'),
      digest: digest.describe('The manifest.'),
      role: ROLE,
      tags: z.array(z.string()).describe('Its tags.'),
      handle: z.string().optional().describe("The registry's own id of it."),
    }),
  ])
  .meta({ id: 'CleanupStep' });

const RESULT = z
  .strictObject({
    action: z.enum(['untag', 'delete']).describe('As in the plan.'),
    digest: digest.describe('The manifest.'),
    tag: z.string().optional().describe('With `untag`: the tag.'),
    tags: z.array(z.string()).optional().describe('With `delete`: its tags.'),
    outcome: z
      .enum(['done', 'absent', 'skipped', 'blocked', 'failed'])
      .describe('`absent`: was gone already. `skipped`: the repository changed. `blocked`: the registry keeps it.'),
    reason: z.string().optional().describe('Why it was not done.'),
  })
  .meta({ id: 'CleanupStepResult' });

const REPOSITORY = z
  .strictObject({
    repository: z.string().describe('Full name, `ghcr.io/org/app`.'),
    vendor: z.string().describe('Kind of registry.'),
    tags: z
      .array(
        z.strictObject({
          tag: z.string().describe('The tag.'),
          digest: digest.describe('What it points to.'),
          action: z.enum(['keep', 'untag', 'delete']).describe('`untag`: the tag goes and its image stays.'),
          reason: REASON.describe('Why.'),
        }),
      )
      .describe('Every tag, by name.'),
    manifests: z
      .array(
        z.strictObject({
          digest: digest.describe('Digest of the manifest.'),
          kind: z.enum(['image', 'chart', 'cache', 'wasm', 'referrer', 'other']).describe('What it is.'),
          role: ROLE,
          tags: z.array(z.string()).describe('Its tags before the run.'),
          action: z.enum(['keep', 'delete']).describe('What is to happen to it.'),
          reason: REASON.describe('Why.'),
          pushedAt: z.string().optional().describe('When it was pushed, ISO 8601.'),
          children: z.array(digest).optional().describe('Manifests that it lists.'),
          subject: z.string().optional().describe('What it is attached to.'),
          freed: z.number().optional().describe('Bytes that its deletion frees.'),
        }),
      )
      .describe('Every manifest, by digest.'),
    problems: z.array(PROBLEM).describe('Problems with this repository.'),
    leftovers: z
      .array(z.string())
      .optional()
      .describe('Tags that an interrupted run left without an image, which go as well.'),
    counts: COUNTS.describe('What was done here; in a dry run what would be.'),
    due: z.array(DUE).optional().describe('Steps that a plan still has to do, where it was only looked at again.'),
    results: z.array(RESULT).optional().describe('What became of the steps of the plan, in order.'),
    stopped: z.string().optional().describe('Why nothing was deleted here.'),
    errors: ERRORS.optional().describe('What stopped this repository.'),
    broken: z
      .array(z.strictObject({ root: digest.describe('The index.'), missing: digest.describe('What it lacks.') }))
      .optional()
      .describe('Kept indexes that lack something since the run.'),
    notices: sentences.optional().describe('What to know.'),
  })
  .meta({ id: 'CleanupRepository' });

const NATIVE_RULES = z
  .strictObject({
    scope: z.string().describe('What they are for: a repository, or a project.'),
    vendor: z.string().describe('Kind of registry.'),
    title: z.string().describe('What the registry calls them.'),
    repositories: z.array(z.string()).describe('Repositories of the run in it.'),
    rules: z
      .array(
        z.strictObject({
          repository: z.string().describe('The repository.'),
          rule: z.string().describe('The rule of the policy.'),
          fit: z
            .enum(['exact', 'narrower', 'impossible'])
            .describe('Whether the registry deletes the same, less, or is not given the rule.'),
          reason: z.string().describe('Why.'),
        }),
      )
      .describe('Each rule of the policy.'),
    action: z
      .enum(['install', 'remove', 'unchanged', 'export', 'none'])
      .describe('What is to happen. `export`: the API of the registry does not set them.'),
    before: z.unknown().describe('What the registry has; null for nothing.'),
    after: z.unknown().describe('What it is to have.'),
    replaced: sentences.describe('Rules of others that it loses.'),
    problems: z.array(PROBLEM).describe('Problems with them.'),
    outcome: z
      .enum(['done', 'absent', 'due', 'skipped', 'failed'])
      .optional()
      .describe('`absent`: was so already. `due`: would be set. `skipped`: something changed since the plan.'),
    reason: z.string().optional().describe('Why it was not done.'),
  })
  .meta({ id: 'CleanupNativeRules' });

/** The `json` output of `command: cleanup`. */
export const JSON_SCHEMA = z
  .strictObject({
    ...COMMON,
    command: z.literal('cleanup').describe('The command.'),
    dryRun: z.boolean().describe('Nothing was to be deleted.'),
    plan: z
      .strictObject({
        digest: digest.optional().describe('Digest of the plan file.'),
        path: z.string().optional().describe('Path of the plan file.'),
        policyDigest: digest.describe('Digest of the policy.'),
        plannedAt: z.string().describe('When the plan was made, ISO 8601.'),
        problems: z.array(PROBLEM).describe('Problems that concern no single repository.'),
      })
      .optional()
      .describe('The plan, once there is one.'),
    nativeRules: z
      .array(NATIVE_RULES)
      .optional()
      .describe('Retention rules of the registries themselves, where the policy wants them.'),
    imported: z
      .strictObject({
        source: z.string().describe('What was converted.'),
        path: z.string().describe('Path of the policy.'),
        policy: z.string().describe('The policy.'),
        notes: sentences.describe('What the policy does otherwise, or leaves out.'),
      })
      .optional()
      .describe('The policy that `import` made.'),
    counts: COUNTS.optional().describe('Of all repositories together.'),
    repositories: z.array(REPOSITORY).describe('Each repository.'),
    steps: STEPS,
  })
  .meta({ id: 'Cleanup' });

export type CleanupJson = JsonOf<typeof JSON_SCHEMA>;
