import { z } from 'zod';
import { ACTIONS } from '../../domain/mirror/decide.ts';
import { COMMON, digest, ERRORS, type JsonOf, STEPS, sentences } from '../../report/json-schema.ts';

const count = z.int().nonnegative();

const TAG = z
  .strictObject({
    target: z.string().describe('Repository that the tag is mirrored to.'),
    tag: z.string().describe('The tag.'),
    action: z
      .enum(ACTIONS)
      .describe(
        '`copy`: new. `update`: moves. `attach`: signatures or SBOMs were missing. `equal`: in place. `keep`: differs and stays, because of `moved`. `blocked`: differs and must not move. `untag`: removed. `over-budget`: left for a later run. `failed`: could not be read or written.',
      ),
    digest: digest.optional().describe('What the tag is to point to. Absent when unknown.'),
    sourceDigest: digest.optional().describe('With fewer platforms: the whole index at the source.'),
    previousDigest: digest.optional().describe('What the tag pointed to before the run.'),
    reason: z.string().describe('Why, in words.'),
    done: z.boolean().describe('It was done; false in a plan.'),
  })
  .meta({ id: 'MirroredTag' });

const SOURCE = z
  .strictObject({
    source: z.string().describe('Repository that is mirrored.'),
    targets: sentences.describe('Repositories that it is mirrored to.'),
    tags: z.array(TAG).describe('Every tag at every target.'),
    errors: ERRORS.describe('What went wrong with this source.'),
    hints: sentences.describe("The vendor's own means for this."),
  })
  .meta({ id: 'MirroredSource' });

export const JSON_SCHEMA = z
  .strictObject({
    ...COMMON,
    command: z.literal('mirror').describe('The command.'),
    dryRun: z.boolean().describe('Nothing was to be written.'),
    counts: z
      .strictObject({
        copied: count.describe('Tags created or moved, or to be.'),
        attached: count.describe('Tags whose image got attachments that were missing, or is to.'),
        equal: count.describe('Tags that were right already.'),
        kept: count.describe('Tags that differ and stay, because of `moved: keep`.'),
        blocked: count.describe('Tags that differ and must not move.'),
        left: count.describe('Tags left for a later run.'),
        removed: count.describe('Tags removed, or to be.'),
        failed: count.describe('Tags that could not be read or written.'),
      })
      .meta({ id: 'MirrorCounts' })
      .describe('Tags by what became of them, over all targets.'),
    needs: z
      .strictObject({
        bytes: z.number().describe('Bytes to read from sources.'),
        pulls: count.describe(
          'Manifests that a whole run reads from sources, the comparison included; at least so many when `unread` is not 0.',
        ),
        unread: count.describe('Images that were not read for the plan, because that counts as pulls.'),
      })
      .optional()
      .describe('What the plan needs.'),
    totals: z
      .strictObject({
        images: count.describe('Images copied or completed.'),
        manifests: count.describe('Manifests written, without tags.'),
        blobs: count.describe('Blobs sent.'),
        mounted: count.describe('Blobs mounted from another repository of the same registry.'),
        bytes: z.number().describe('Bytes sent.'),
        requests: count.describe('Requests to registries.'),
        pulls: count.describe('Manifests and lists of referrers read from sources, which Docker Hub counts as pulls.'),
      })
      .describe('What the run took and sent.'),
    resumeAt: z
      .string()
      .optional()
      .describe('When the next run can continue after a limit, where the registry reports it.'),
    sources: z.array(SOURCE).describe('In the order of the configuration.'),
    steps: STEPS,
  })
  .meta({ id: 'Mirror' });

export type MirrorJson = JsonOf<typeof JSON_SCHEMA>;
