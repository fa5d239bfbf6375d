import { z } from 'zod';
import { JSON_SCHEMA as PUBLISH } from '../publish/json-schema.ts';

/** The `json` output of `command: merge`: that of a publish. */
export const JSON_SCHEMA = z
  .strictObject({ ...PUBLISH.shape, command: z.literal('merge').describe('The command.') })
  .meta({ id: 'Merge' });
