import { fieldsOf } from '../../fields.ts';
import { didYouMean, quoted } from '../../suggestion.ts';
import type { DesiredRegistry } from '../desired-state.ts';
import type { Mistake } from '../setting.ts';
import { CATALOG_FIELDS } from './plan.ts';

const FIELDS = ['catalogData', 'policyStatements'];

/** The usual mistakes with Amazon ECR Public, found before any request. */
export function ecrPublicMistakes({ namespace, line, repositories }: DesiredRegistry): readonly Mistake[] {
  const found: Mistake[] = [];
  const error = (at: number, message: string) => found.push({ severity: 'error', line: at, message });
  if (!/^[a-z][a-z0-9-]*$/.test(namespace))
    error(line, '`at` of Amazon ECR Public has the alias of the account: `public.ecr.aws/<alias>`');
  for (const { settings } of repositories) {
    for (const [name, given] of settings.own.get('aws') ?? []) {
      if (!FIELDS.includes(name))
        error(
          given.line,
          `\`aws.${name}\` is not a known field of Amazon ECR Public, expected ${FIELDS.map((each) => `\`${each}\``).join(', ')}`,
        );
      if (name !== 'catalogData') continue;
      for (const field of Object.keys(fieldsOf(given.value))) {
        if (!CATALOG_FIELDS.some((known) => known === field))
          error(
            given.line,
            `\`aws.catalogData\` has no field ${quoted(field)} here, expected ${CATALOG_FIELDS.join(', ')}.${didYouMean(field, CATALOG_FIELDS)}`,
          );
      }
    }
    const { description } = settings;
    if ((description?.value?.length ?? 0) > 1024)
      error(description?.line ?? line, '`description` has more than 1024 characters');
    for (const role of ['push', 'admin'] as const) {
      for (const each of settings[role]?.value ?? [])
        if (each.kind !== 'aws-role' && each.kind !== 'aws-account')
          error(each.line, `\`${role}\` of Amazon ECR Public takes roles and accounts, not ${quoted(each.id)}`);
    }
  }
  return found;
}
