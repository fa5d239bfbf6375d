import type { DesiredRegistry, DesiredRepository } from '../../domain/setup/desired-state.ts';
import type { Change } from './change.ts';

/**
 * `none` where a vendor does not record who made something: grants and webhooks of others look like ours, so none of them is removed,
 * and the plan says what to do.
 */
export function lacksNone({ settings }: Pick<DesiredRepository, 'settings'>): readonly Change<never>[] {
  const access =
    'The registry does not record who granted access. To take it away, list who keeps it and set `access: exact`.';
  const rows = [
    ['pull', settings.pull, access],
    ['push', settings.push, access],
    ['admin', settings.admin, access],
    ['webhooks', settings.webhooks, 'The registry does not record who made a webhook. Delete it there.'],
  ] as const;
  return rows.flatMap(([name, given, reason]) =>
    given?.value === null ? [{ action: 'unsupported', name, should: null, reason, line: given.line }] : [],
  );
}

/** `cache: none`: what a cache has stored goes with it, so it is never deleted. */
export function lacksNoCache({ cache }: DesiredRegistry): readonly Change<never>[] {
  if (cache === undefined || cache.value !== null) return [];
  const reason = 'A cache contains images, which setup never deletes. Delete it in the registry.';
  return [{ action: 'unsupported', name: 'cache', should: null, reason, line: cache.line }];
}
