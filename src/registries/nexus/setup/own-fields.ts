import type { DesiredRegistry, DesiredRepository } from '../../../domain/setup/desired-state.ts';
import type { Json } from '../../../domain/setup/json.ts';
import type { Mistake } from '../../../domain/setup/setting.ts';
import { didYouMean } from '../../../domain/suggestion.ts';

export type NexusKind = 'hosted' | 'proxy' | 'group';

const port = {
  isRight: (value: Json) => Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536,
  takes: 'a port',
};
const texts = {
  isRight: (value: Json) => Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string'),
  takes: 'a list of names',
};
const text = { isRight: (value: Json) => typeof value === 'string' && value !== '', takes: 'a name' };

/** Fields of `nexus:` at a repository, by their name in the API: which part they are in, and what they take. */
const FIELDS: Readonly<
  Record<string, { readonly part: string; readonly isRight: (value: Json) => boolean; readonly takes: string }>
> = {
  httpPort: { part: 'docker', ...port },
  httpsPort: { part: 'docker', ...port },
  subdomain: { part: 'docker', ...text },
  blobStoreName: { part: 'storage', ...text },
  policyNames: { part: 'cleanup', ...texts },
  memberNames: { part: 'group', ...texts },
  writableMember: { part: 'group', ...text },
};

const TAKEN: Readonly<Record<string, string>> = {
  writePolicy: 'immutable',
  latestPolicy: 'immutable',
  forceBasicAuth: 'visibility',
  remoteUrl: 'cache',
};

interface OwnField {
  readonly field: string;
  readonly part: string;
  readonly value: Json;
  readonly line: number;
}

/** What kind of repository it is, and the fields that the file sets by Nexus's own names. */
export function ownOf({ own }: Pick<DesiredRepository['settings'], 'own'>): {
  readonly type: NexusKind;
  readonly fields: readonly OwnField[];
} {
  const block = [...(own.get('nexus') ?? [])];
  const fields = block.flatMap(([field, { value, line }]) => {
    const part = FIELDS[field]?.part;
    const ordered = field === 'policyNames' && Array.isArray(value) ? value.map(String).toSorted() : value;
    return part === undefined ? [] : [{ field, part, value: ordered, line }];
  });
  return { type: fields.some(({ part }) => part === 'group') ? 'group' : 'hosted', fields };
}

/** What is wrong with fields of `nexus:`. */
export function ownMistakes(desired: DesiredRegistry): readonly Mistake[] {
  const error = (line: number, message: string): Mistake => ({ severity: 'error', line, message });
  const known = Object.keys(FIELDS);
  return [
    ...[...(desired.own.get('nexus') ?? [])].map(([field, { line }]) =>
      error(
        line,
        `\`nexus.${field}\`: fields of Nexus belong to repositories. Move it to an entry of \`repositories\`.`,
      ),
    ),
    ...desired.repositories.flatMap(({ settings }) =>
      [...(settings.own.get('nexus') ?? [])].flatMap(([field, { value, line }]) => {
        const instead = TAKEN[field];
        if (instead !== undefined)
          return [error(line, `\`nexus.${field}\` has a key of its own: write \`${instead}\`.`)];
        const row = FIELDS[field];
        if (row === undefined) {
          return [
            error(
              line,
              `\`nexus.${field}\` is not supported here: expected ${known.map((each) => `\`${each}\``).join(', ')}.${didYouMean(field, known)}`,
            ),
          ];
        }
        return row.isRight(value) ? [] : [error(line, `\`nexus.${field}\` takes ${row.takes}.`)];
      }),
    ),
  ];
}
