import { sentence } from '../domain/suggestion.ts';
import type { TextRule } from '../domain/trust/identity.ts';
import { lines } from './lists.ts';
import { inputError } from './read-table.ts';
import { choice, type InputsOf } from './schema.ts';

/** Inputs for whose promotion records count. */
export const RECORD_TRUST_INPUTS = {
  records: choice(['auto', 'signed', 'any'], {
    group: 'Promotion',
    about:
      'Which promotion records count. `signed`: only those that a job signed in the GitHub environment they are about; others can only add a hold. `any`: unsigned ones, too. `auto`: `signed` where the job can sign its own record, or `record-identity` is set; otherwise `any`.',
    default: 'auto',
  }),
  'record-identity': lines({
    group: 'Promotion',
    about:
      'Workflow files that may sign promotion records, one per line, with their ref: in full, or a pattern between `^` and `$`. Empty: all of the repository, in the environment.',
    example: 'https://github.com/org/app/.github/workflows/promote.yml@refs/heads/main',
  }),
  'record-repository': lines({
    group: 'Promotion',
    about: 'Repositories whose jobs may sign promotion records, one per line. Empty: this one.',
    example: 'https://github.com/org/deployments',
  }),
} as const;

type Values = InputsOf<typeof RECORD_TRUST_INPUTS>;

/** Whose promotion records count, as the inputs say. */
export interface RecordTrustSettings {
  readonly asked: 'auto' | 'signed' | 'any';
  readonly identities: readonly TextRule[];
  /** Empty: the run's own. */
  readonly repositories: readonly string[];
}

const REPOSITORY = /^https:\/\/[\w.-]+\/[\w.-]+\/[\w.-]+$/;

/** @throws ActionError INPUT_INVALID */
export async function recordTrustSettings(inputs: Values): Promise<RecordTrustSettings> {
  const { records: asked, 'record-identity': identities, 'record-repository': lines } = inputs;
  const repositories = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  const found = repositories
    .filter((address) => !REPOSITORY.test(address))
    .map((address) => ({
      input: 'record-repository',
      text: `got ${JSON.stringify(address)}, expected an address such as https://github.com/org/app.`,
    }));
  const rules = identities.length === 0 ? [] : await readRules(identities, found);
  if (found.length > 0) throw inputError(found);
  return { asked, identities: rules, repositories };
}

async function readRules(
  identities: readonly string[],
  found: { readonly input: string; readonly text: string }[],
): Promise<readonly TextRule[]> {
  const { readIdentities } = await import('../domain/trust/wanted.ts');
  const { loadIdentityPatterns } = await import('../domain/trust/identity.ts');
  await loadIdentityPatterns(identities);
  const read = readIdentities(identities);
  if (read.ok) return read.value;
  found.push(...read.problems.map((problem) => ({ input: 'record-identity', text: sentence(problem) })));
  return [];
}
