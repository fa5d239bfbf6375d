import type { DesiredRegistry, DesiredRepository } from '../../../domain/setup/desired-state.ts';
import type { Json } from '../../../domain/setup/json.ts';
import type { Mistake } from '../../../domain/setup/setting.ts';
import { didYouMean } from '../../../domain/suggestion.ts';

const count = { isRight: (value: Json) => Number.isInteger(value) && Number(value) >= 0, takes: 'a number' };
const flag = { isRight: (value: Json) => typeof value === 'boolean', takes: '`true` or `false`' };
const text = { isRight: (value: Json) => typeof value === 'string', takes: 'a text' };
const texts = {
  isRight: (value: Json) => Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string'),
  takes: 'a list of names',
};

/** Fields of `artifactory:` at a repository, by their name in the API, and what they take. */
const FIELDS: Readonly<Record<string, { readonly isRight: (value: Json) => boolean; readonly takes: string }>> = {
  maxUniqueTags: count,
  dockerTagRetention: count,
  blockPushingSchema1: flag,
  includesPattern: text,
  excludesPattern: text,
  projectKey: text,
  repositories: texts,
  defaultDeploymentRepo: text,
};

const TAKEN: Readonly<Record<string, string>> = { description: 'description', xrayIndex: 'scan', url: 'cache' };

/** Whether it serves others (`repositories`), and the fields that the file sets by Artifactory's own names. */
export function ownOf({ own }: Pick<DesiredRepository['settings'], 'own'>): {
  readonly rclass: 'local' | 'virtual';
  readonly fields: readonly { readonly field: string; readonly value: Json; readonly line: number }[];
} {
  const fields = [...(own.get('artifactory') ?? [])].map(([field, { value, line }]) => ({ field, value, line }));
  return { rclass: fields.some(({ field }) => field === 'repositories') ? 'virtual' : 'local', fields };
}

/** What is wrong with fields of `artifactory:`. */
export function ownMistakes(desired: DesiredRegistry): readonly Mistake[] {
  const error = (line: number, message: string): Mistake => ({ severity: 'error', line, message });
  const known = Object.keys(FIELDS);
  return [
    ...[...(desired.own.get('artifactory') ?? [])].map(([field, { line }]) =>
      error(
        line,
        `\`artifactory.${field}\`: fields of Artifactory belong to repositories. Move it to an entry of \`repositories\`.`,
      ),
    ),
    ...desired.repositories.flatMap(({ settings }) =>
      [...(settings.own.get('artifactory') ?? [])].flatMap(([field, { value, line }]) => {
        const instead = TAKEN[field];
        if (instead !== undefined)
          return [error(line, `\`artifactory.${field}\` has a key of its own: write \`${instead}\`.`)];
        const row = FIELDS[field];
        if (row === undefined) {
          return [
            error(
              line,
              `\`artifactory.${field}\` is not supported here: expected ${known.map((each) => `\`${each}\``).join(', ')}.${didYouMean(field, known)}`,
            ),
          ];
        }
        return row.isRight(value) ? [] : [error(line, `\`artifactory.${field}\` takes ${row.takes}.`)];
      }),
    ),
  ];
}
