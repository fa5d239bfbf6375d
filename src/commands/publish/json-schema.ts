import { z } from 'zod';
import { COMMON, digest, GATE, type JsonOf, PARTIAL, RUN, STEPS, TARGET } from '../../report/json-schema.ts';

/** The `json` output of `command: publish`. */
export const JSON_SCHEMA = z
  .strictObject({
    ...COMMON,
    command: z.literal('publish').describe('The command.'),
    commit: z
      .strictObject({
        sha: z.string().describe('Full id.'),
        ref: z.string().describe('Branch, tag or pull request, `refs/heads/main`.'),
        repositoryUrl: z.string().describe('Address of the repository.'),
      })
      .optional()
      .describe('The commit that was built.'),
    run: RUN.optional().describe('The run.'),
    version: z.string().optional().describe('The main tag.'),
    tags: z.array(z.string()).describe('Full names, `ghcr.io/org/app:1.2.3`.'),
    'tag-names': z
      .array(z.string())
      .describe(
        'The tags alone. Spelled as in the `json` output of docker/metadata-action, so that workflows that read it keep working.',
      ),
    labels: z.record(z.string(), z.string()).describe('Labels of the image.'),
    annotations: z.array(z.string()).describe('Annotations, `index:key=value`.'),
    image: z
      .strictObject({
        digest: digest.describe('Digest of the image.'),
        mediaType: z.string().describe('Media type of its manifest or index.'),
        origin: z.string().describe('Where it came from: a builder, `source`, or an earlier run.'),
        platforms: z
          .array(
            z.strictObject({
              name: z.string().describe('`linux/arm64`.'),
              digest: digest.describe('Digest of the manifest.'),
              bytes: z.int().describe('Compressed size.'),
              layers: z.int().describe('Number of layers.'),
              sbomPackages: z.int().optional().describe('Packages in its SBOM; absent without one.'),
              provenance: z.boolean().describe('It has a provenance attestation.'),
            }),
          )
          .describe('Each platform.'),
      })
      .optional()
      .describe('The image, once it exists.'),
    parts: z
      .array(
        z.strictObject({
          source: z.string().describe('Path of the layout, or name in the registry.'),
          digest: digest.describe('Digest of the image.'),
          platforms: z.array(z.string()).describe('Its platforms.'),
          builtBy: z
            .strictObject({
              commit: z.string().describe('The commit that was built.'),
              run: z
                .strictObject({
                  id: z.string().describe('Id of the run.'),
                  attempt: z.int().describe('Attempt of the run, from 1.'),
                  job: z.string().describe('Id of the job.'),
                  runner: z.string().describe('Name, operating system and architecture of the runner.'),
                })
                .describe('Where it was built.'),
              gate: z
                .strictObject({
                  mode: z.string().describe('`gate`, `report` or `off`.'),
                  passed: z.boolean().optional().describe('Whether it passed there.'),
                  blocking: z.number().optional().describe('Findings that failed the gate there.'),
                })
                .describe('The result of the gate there. The merged image is scanned again.'),
            })
            .optional()
            .describe('Who built it, as recorded by that job; absent for other builders.'),
        }),
      )
      .optional()
      .describe('The images that were merged.'),
    layout: z.string().optional().describe('Path of the layout that was written for other steps and jobs.'),
    loaded: z
      .strictObject({
        platform: z.string().describe('`linux/amd64`.'),
        digest: digest.describe('Digest of its manifest.'),
        names: z.array(z.string()).describe('Its names there.'),
      })
      .optional()
      .describe('What was loaded into the Docker Engine.'),
    exported: z
      .array(
        z.strictObject({
          format: z.enum(['oci', 'docker']).describe('The format.'),
          path: z.string().describe('The file.'),
        }),
      )
      .optional()
      .describe('The archives that were written.'),
    gate: GATE.describe('What the scan found and the policy decided.'),
    signing: z
      .strictObject({
        description: z.string().describe('Who signed, and into which log.'),
        statements: z
          .array(
            z.strictObject({
              predicateType: z.string().describe('What was stated.'),
              subject: digest.describe('What it is about.'),
            }),
          )
          .describe('What was signed.'),
        storedOnGitHub: z.int().optional().describe("Number of attestations stored in GitHub's attestations API."),
      })
      .optional()
      .describe('The signatures, when the image was signed.'),
    partial: PARTIAL,
    targets: z.array(TARGET).describe('Each image name.'),
    steps: STEPS,
  })
  .meta({ id: 'Publish' });

export type PublishJson = JsonOf<typeof JSON_SCHEMA>;
