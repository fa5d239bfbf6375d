import { z } from 'zod';
import { COMMON, digest, type JsonOf, sentences } from '../../report/json-schema.ts';

const text = z.string().optional();

const SIGNER = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('certificate').describe('A certificate of a keyless signature.'),
      claims: z
        .strictObject({
          identity: z
            .string()
            .describe('Subject of the certificate: for GitHub, the address of the workflow file at its ref.'),
          issuer: z.string().describe('Who issued the identity.'),
          signer: text.describe('Workflow file whose job signed.'),
          signerDigest: text.describe('Commit of that file.'),
          runner: text.describe('Kind of runner.'),
          repository: text.describe('Repository of the run.'),
          commit: text.describe('Commit of the run.'),
          ref: text.describe('Branch or tag of the run.'),
          repositoryId: text.describe('Id of the repository.'),
          owner: text.describe('Owner of the repository.'),
          ownerId: text.describe('Id of the owner.'),
          workflow: text.describe('Workflow file that the event started.'),
          workflowDigest: text.describe('Commit of that file.'),
          trigger: text.describe('Name of the event.'),
          run: text.describe('Address of the run.'),
          visibility: text.describe('Visibility of the repository.'),
          environment: text.describe('Environment of the job.'),
        })
        .describe('Its claims about the job that signed.'),
    }),
    z.strictObject({
      kind: z.literal('key').describe('A key.'),
      key: z.string().describe('SHA-256 of the public key.'),
    }),
    z.strictObject({
      kind: z.literal('notation').describe('An identity of the trust policy of notation.'),
      identity: z.string().describe('The X.509 identity.'),
    }),
  ])
  .meta({ id: 'Signer' });

/** The `json` output of `command: verify`. */
export const JSON_SCHEMA = z
  .strictObject({
    ...COMMON,
    command: z.literal('verify').describe('The command.'),
    images: z
      .array(
        z.strictObject({
          name: z.string().describe('As it was named, `ghcr.io/org/app:1.2.3`.'),
          image: z.string().describe('Image name, without tag and digest.'),
          digest: digest.describe('Digest of the image.'),
          verified: z.boolean().describe('Every requirement is met.'),
          requirements: z
            .array(
              z.strictObject({
                predicateType: z.string().describe('What has to be signed.'),
                met: z.boolean().describe('Whether the requirement is met.'),
                reasons: sentences.optional().describe('Why it is not met.'),
                format: text.describe('The format of the signature.'),
                manifest: digest.optional().describe('The manifest that contains it.'),
                time: text.describe('When it was signed, ISO 8601.'),
                signer: SIGNER.optional().describe('Who signed.'),
              }),
            )
            .describe('What was required.'),
        }),
      )
      .describe('Each image.'),
  })
  .meta({ id: 'Verify' });

export type VerifyJson = JsonOf<typeof JSON_SCHEMA>;
