import { type Fields, isFields } from '../../../domain/fields.ts';
import type { DesiredRegistry, Given } from '../../../domain/setup/desired-state.ts';
import type { Json } from '../../../domain/setup/json.ts';
import type { Mistake } from '../../../domain/setup/setting.ts';
import { didYouMean } from '../../../domain/suggestion.ts';

const oneOf = (...values: readonly string[]) => ({
  isRight: (value: Json) => values.some((each) => each === value),
  takes: values.map((each) => `\`${each}\``).join(', '),
});
const flag = { isRight: (value: Json) => typeof value === 'boolean', takes: '`true` or `false`' };
const text = { isRight: (value: Json) => typeof value === 'string' && value !== '', takes: 'a text' };

/** Fields of `azure:` at a registry, by their name in the API, and what they take. */
const FIELDS: Readonly<Record<string, { readonly isRight: (value: Json) => boolean; readonly takes: string }>> = {
  sku: oneOf('Basic', 'Standard', 'Premium'),
  location: text,
  adminUserEnabled: flag,
  dataEndpointEnabled: flag,
  publicNetworkAccess: oneOf('Enabled', 'Disabled'),
  zoneRedundancy: oneOf('Enabled', 'Disabled'),
  quarantinePolicy: oneOf('enabled', 'disabled'),
  exportPolicy: oneOf('enabled', 'disabled'),
  azureADAuthenticationAsArmPolicy: oneOf('enabled', 'disabled'),
};

const TAKEN: Readonly<Record<string, string>> = {
  anonymousPullEnabled: 'visibility',
  retentionPolicy: 'retention',
  tags: 'labels',
  replications: 'replicate',
  cacheRules: 'cache',
  webhooks: 'webhooks',
};

const WITH_WORDS: Readonly<Record<string, string>> = {
  softDeletePolicy:
    'Soft delete is a preview outside of the stable API, and excludes retention and replicas: `az acr config soft-delete update`.',
  trustPolicy: 'Azure retires Docker Content Trust: sign with Notation or Cosign, `signing` of this action.',
};

export function ownOf({ own }: DesiredRegistry): ReadonlyMap<string, Given<Json>> {
  return own.get('azure') ?? new Map();
}

/** Switches below `policies`, where the status is all there is. */
export const POLICIES = ['quarantinePolicy', 'exportPolicy', 'azureADAuthenticationAsArmPolicy'];
/** Switches below `properties`. */
export const SWITCHES = ['adminUserEnabled', 'dataEndpointEnabled', 'publicNetworkAccess'];

/** A field of a registry as it is, in the words of the file. */
export function liveField(registry: Fields, field: string): Json {
  const properties = isFields(registry.properties) ? registry.properties : {};
  const policies = isFields(properties.policies) ? properties.policies : {};
  const policy = isFields(policies[field]) ? policies[field].status : undefined;
  const value =
    field === 'sku'
      ? isFields(registry.sku)
        ? registry.sku.name
        : undefined
      : POLICIES.includes(field)
        ? policy
        : field === 'location'
          ? registry.location
          : properties[field];
  return typeof value === 'string' || typeof value === 'boolean' ? value : null;
}

/** What is wrong with fields of `azure:`. */
export function ownMistakes(desired: DesiredRegistry): readonly Mistake[] {
  const error = (line: number, message: string): Mistake => ({ severity: 'error', line, message });
  const inRegistry = [...ownOf(desired)].flatMap(([field, { value, line }]) => {
    const instead = TAKEN[field];
    if (instead !== undefined) return [error(line, `\`azure.${field}\` has a key of its own: write \`${instead}\`.`)];
    const words = WITH_WORDS[field];
    if (words !== undefined) return [error(line, `\`azure.${field}\`: ${words}`)];
    const row = FIELDS[field];
    if (row !== undefined) return row.isRight(value) ? [] : [error(line, `\`azure.${field}\` takes ${row.takes}.`)];
    const known = Object.keys(FIELDS);
    return [
      error(
        line,
        `\`azure.${field}\` is not supported here: expected ${known.map((each) => `\`${each}\``).join(', ')}.${didYouMean(field, known)}`,
      ),
    ];
  });
  const inRepositories = desired.repositories.flatMap(({ settings }) =>
    [...(settings.own.get('azure') ?? [])].map(([field, { line }]) =>
      error(
        line,
        `\`azure.${field}\`: settings of Azure belong to the registry. Write it at the entry of \`registries\`.`,
      ),
    ),
  );
  return [...inRegistry, ...inRepositories];
}
