import parse from 'semver/functions/parse.js';
import type { GitEvent } from '../event.ts';
import { pullRequestOf, tagOf } from './refs.ts';

/** When a default rule applies, where metadata-action's syntax cannot express it. */
export type Occasion = 'version tag' | 'version tag from 1.0.0 on' | 'other tag' | 'no pull request';

export interface DefaultRule {
  readonly rule: string;
  readonly on?: Occasion;
  /** Does not request `latest`. */
  readonly withoutLatest?: boolean;
}

/**
 * Our rules when `tags` is empty:
 * - branch (also when scheduled or dispatched): its name and `sha-<short>`
 * - git tag `v1.2.3`: `1.2.3`, `1.2`, `1`, `sha-<short>` and `latest`. Before 1.0.0 there is no `0`: versions 0.y.z
 *   promise no compatibility (https://semver.org/#spec-item-4). A pre-release gives its own version and `sha-<short>`.
 * - any other git tag: its name and `sha-<short>`, no `latest`
 * - pull request and merge group: `pr-<number>` only
 */
export const DEFAULT_TAGS: readonly DefaultRule[] = [
  { rule: 'type=semver,pattern={{version}}', on: 'version tag' },
  { rule: 'type=semver,pattern={{major}}.{{minor}}', on: 'version tag' },
  { rule: 'type=semver,pattern={{major}}', on: 'version tag from 1.0.0 on' },
  { rule: 'type=ref,event=tag', on: 'other tag', withoutLatest: true },
  { rule: 'type=ref,event=branch' },
  { rule: 'type=ref,event=pr' },
  { rule: 'type=sha', on: 'no pull request' },
];

/** metadata-action's own defaults, for users who want exactly its tags. */
export const METADATA_ACTION_TAGS: readonly string[] = [
  'type=schedule',
  'type=ref,event=branch',
  'type=ref,event=tag',
  'type=ref,event=pr',
];

/** Whether a default rule applies to an event. */
export function isOccasion(on: Occasion, event: GitEvent): boolean {
  const tag = tagOf(event);
  const version = tag === undefined ? null : parse(tag);
  switch (on) {
    case 'version tag':
      return version !== null;
    case 'version tag from 1.0.0 on':
      return version !== null && version.major >= 1;
    case 'other tag':
      return tag !== undefined && version === null;
    case 'no pull request':
      return pullRequestOf(event) === undefined;
  }
}
