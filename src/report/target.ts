import { counted } from '../domain/amount.ts';
import type { ActionError } from '../errors/action-error.ts';
import { CATALOGUE } from '../errors/catalogue.ts';
import { code, plain } from './markdown.ts';

/** The fields of a repository's result that every command has. */
interface TargetResult {
  readonly image: string;
  readonly error?: ActionError;
  readonly decisions: readonly { readonly tag: string; readonly action: string }[];
  readonly written: readonly string[];
}

/** Tags that a target should have got and did not, although it has not failed itself. */
function heldBack(target: TargetResult, all: readonly TargetResult[]): readonly string[] {
  if (target.error !== undefined || all.every(({ error }) => error === undefined)) return [];
  return target.decisions
    .filter(({ action, tag }) => (action === 'create' || action === 'move') && !target.written.includes(tag))
    .map(({ tag }) => tag);
}

/** The state of a target, as one word for programs. */
export type TargetState = 'failed' | 'held-back' | 'written' | 'refused' | 'unchanged' | 'planned';

/**
 * The state of a target among those of its run: `held-back` when another one has failed and tags were not written
 * because of that, `planned` when nothing was written for another reason, such as a dry run.
 */
export function targetState(target: TargetResult, all: readonly TargetResult[]): TargetState {
  const has = (...actions: readonly string[]) => target.decisions.some(({ action }) => actions.includes(action));
  if (target.error !== undefined) return 'failed';
  if (heldBack(target, all).length > 0) return 'held-back';
  if (target.written.length > 0) return 'written';
  if (has('refuse', 'conflict')) return 'refused';
  return has('create', 'move') ? 'planned' : 'unchanged';
}

/**
 * The result of a target in a run in which another one has failed (P9): what is where, and that a re-run completes it.
 * Undefined when this target lacks nothing.
 * @param hasContent whether its repository has the image
 */
export function partialResult(
  target: TargetResult,
  all: readonly TargetResult[],
  hasContent: boolean,
): string | undefined {
  const { error, written } = target;
  const has = written.length > 0 ? `${list(written)} written` : hasContent ? 'content present' : 'nothing is written';
  if (error !== undefined) {
    return `❌ ${plain(CATALOGUE[error.code].title)}${written.length > 0 || hasContent ? ` (${has})` : ''}`;
  }
  const held = heldBack(target, all);
  if (held.length === 0) return undefined;
  const failed = all.flatMap((each) => (each.error === undefined ? [] : [each.image]));
  return `⏸️ ${has}; ${list(held)} held back because ${list(failed)} failed; a re-run finishes`;
}

/** Whether some targets have failed, while others have the image. */
export function isPartial(all: readonly TargetResult[], hasContent: (at: number) => boolean): boolean {
  const isFailed = all.some(({ error }) => error !== undefined);
  return isFailed && all.some((each, at) => hasContent(at) || each.written.length > 0);
}

/** One sentence about all targets, if some have failed and others have not. */
export function partialSentence(all: readonly TargetResult[], hasContent: (at: number) => boolean): string {
  if (!isPartial(all, hasContent)) return '';
  const content = all.filter((each, at) => hasContent(at) || each.written.length > 0).length;
  const written = all.filter((each) => each.written.length > 0).length;
  const of = (count: number) => `${count} of ${counted(all.length, 'repository', 'repositories')}`;
  return `**Partial:** the image is in ${of(content)}, ${written === 0 ? 'no tag was written' : `tags were written in ${of(written)}`}. A re-run does only what is missing.`;
}

function list(names: readonly string[]): string {
  return names.map(code).join(', ');
}
