import { type Fields, fieldsOf } from '../../../domain/fields.ts';
import type { GarPolicy } from '../../../domain/retention/native/artifact-registry.ts';

/** Of a repository. */
export const MAX_POLICIES = 10;

/**
 * Cleanup policies in the form of the API, by id. Ages are whole seconds, as Google stores them: `30d` would differ for ever from
 * the `2592000s` that is read back.
 * @param mark at the beginning of every id, so that policies of others are recognized
 */
export function cleanupPolicies(policies: readonly GarPolicy[], mark: string): Readonly<Record<string, Fields>> {
  return Object.fromEntries(
    policies.map(({ name, action, condition, mostRecentVersions }) => {
      const id = `${mark}${name}`;
      const { tagState, olderThan, newerThan, tagPrefixes } = condition ?? {};
      return [
        id,
        {
          id,
          action: action.type.toUpperCase(),
          ...(condition === undefined
            ? {}
            : {
                condition: {
                  ...(tagState === undefined ? {} : { tagState: tagState.toUpperCase() }),
                  ...(tagPrefixes === undefined ? {} : { tagPrefixes: [...tagPrefixes] }),
                  ...(olderThan === undefined ? {} : { olderThan: inSeconds(olderThan) }),
                  ...(newerThan === undefined ? {} : { newerThan: inSeconds(newerThan) }),
                },
              }),
          ...(mostRecentVersions === undefined
            ? {}
            : { mostRecentVersions: { keepCount: mostRecentVersions.keepCount } }),
        },
      ];
    }),
  );
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `2d` as `172800s`. */
function inSeconds(age: string): string {
  const [, digits, unit = 's'] = /^(\d+)(?:\.0+)?([smhd])$/.exec(age) ?? [];
  return digits === undefined ? age : `${Number(digits) * (UNITS[unit] ?? 1)}s`;
}

/** What of a policy decides, for comparisons: empty lists are left out by some clients and written by others. */
export function policyKey(policy: unknown): string {
  const { action, condition, mostRecentVersions } = fieldsOf(policy);
  const {
    tagState = 'ANY',
    olderThan,
    newerThan,
    tagPrefixes,
    versionNamePrefixes,
    packageNamePrefixes,
  } = fieldsOf(condition);
  const sorted = (value: unknown) => (Array.isArray(value) ? value.map(String).toSorted() : []);
  const age = (value: unknown) => (typeof value === 'string' ? inSeconds(value) : '');
  const recent = fieldsOf(mostRecentVersions);
  return JSON.stringify([
    action,
    condition === undefined ? '' : tagState,
    age(olderThan),
    age(newerThan),
    sorted(tagPrefixes),
    sorted(versionNamePrefixes),
    sorted(packageNamePrefixes),
    recent.keepCount ?? '',
    sorted(recent.packageNamePrefixes),
  ]);
}

/** A policy in a few words. */
export function policyWords(policy: unknown): string {
  const { action, condition, mostRecentVersions } = fieldsOf(policy);
  const { tagState, olderThan, newerThan, tagPrefixes } = fieldsOf(condition);
  const prefixes = Array.isArray(tagPrefixes) && tagPrefixes.length > 0 ? ` ${tagPrefixes.join(', ')}` : '';
  const { keepCount } = fieldsOf(mostRecentVersions);
  return [
    String(action).toLowerCase(),
    ...(condition === undefined ? [] : [`${String(tagState ?? 'any').toLowerCase()}${prefixes}`]),
    ...(olderThan === undefined ? [] : [`older than ${String(olderThan)}`]),
    ...(newerThan === undefined ? [] : [`newer than ${String(newerThan)}`]),
    ...(keepCount === undefined ? [] : [`the ${String(keepCount)} newest`]),
  ].join(' ');
}
