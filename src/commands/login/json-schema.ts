import { z } from 'zod';
import { COMMON, type JsonOf } from '../../report/json-schema.ts';

/** The `json` output of `command: login`. */
export const JSON_SCHEMA = z
  .strictObject({
    ...COMMON,
    command: z.literal('login').describe('The command.'),
    logins: z
      .array(
        z.strictObject({
          host: z.string().describe('Host of the registry.'),
          vendor: z.string().describe('Kind of registry: `Amazon ECR`.'),
          credentialsFrom: z.string().describe('Where the credentials came from.'),
          expires: z.string().optional().describe('When they end, ISO 8601, where that is known.'),
        }),
      )
      .describe('Each registry.'),
  })
  .meta({ id: 'Login' });

export type LoginJson = JsonOf<typeof JSON_SCHEMA>;
