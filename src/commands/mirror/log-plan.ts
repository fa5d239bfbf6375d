import { ACTIONS, type Action } from '../../domain/mirror/decide.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { MirrorWork } from './work.ts';

/** Words for a plan and for its result. */
export const ACTION_WORDS: Readonly<Record<Action, { readonly due: string; readonly done: string }>> = {
  copy: { due: 'to copy', done: 'copied' },
  update: { due: 'to update', done: 'updated' },
  attach: { due: 'to complete', done: 'completed' },
  equal: { due: 'equal', done: 'equal' },
  keep: { due: 'kept', done: 'kept' },
  blocked: { due: 'blocked', done: 'blocked' },
  untag: { due: 'to remove', done: 'removed' },
  'over-budget': { due: 'over budget', done: 'over budget' },
  failed: { due: 'failed', done: 'failed' },
};

/** Lines of the log for each source. */
const MAX_LINES = 100;

/** Prints what is to be done with each tag; those that are in place are only counted. */
export function logPlan({ log }: Pick<Runtime, 'log'>, { source, targets, rows, error }: MirrorWork): void {
  if (error !== undefined) {
    log.info(`${source.image}: ${error.message}`);
    return;
  }
  const counts = ACTIONS.flatMap((action) => {
    const count = rows.filter((row) => row.action === action).length;
    return count === 0 ? [] : [`${count} ${ACTION_WORDS[action].due}`];
  });
  log.info(`${source.image} → ${targets.map(({ image }) => image).join(', ')}: ${counts.join(', ') || 'no tags'}`);
  const news = rows.filter(({ action }) => action !== 'equal');
  for (const { action, target, tag, reason } of news.slice(0, MAX_LINES)) {
    log.info(`  ${ACTION_WORDS[action].due.padEnd(11)} ${target.image}:${tag}: ${reason}`);
  }
  if (news.length > MAX_LINES) log.info(`  and ${news.length - MAX_LINES} more`);
}
