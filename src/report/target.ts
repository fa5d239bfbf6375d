import type { ActionError } from '../errors/action-error.ts';
import { CATALOGUE } from '../errors/catalogue.ts';
import { code, plain } from './markdown.ts';

/** What the result of one repository is told by, whatever the command. */
interface TargetResult {
  readonly image: string;
  readonly error?: ActionError;
  readonly decisions: readonly { readonly tag: string; readonly action: string }[];
  readonly written: readonly string[];
}

/** Tags that a target was to be given and was not, though it has not failed itself. */
export function heldBack(target: TargetResult, all: readonly TargetResult[]): readonly string[] {
  if (target.error !== undefined || all.every(({ error }) => error === undefined)) return [];
  return target.decisions
    .filter(({ action, tag }) => (action === 'create' || action === 'move') && !target.written.includes(tag))
    .map(({ tag }) => tag);
}

/**
 * The result of a target in a run in which another has failed (P9): what is where, and that a re-run finishes. Undefined when this
 * target lacks nothing.
 * @param hasContent whether the image is in its repository
 */
export function partialResult(
  target: TargetResult,
  all: readonly TargetResult[],
  hasContent: boolean,
): string | undefined {
  const { error, written } = target;
  const has = written.length > 0 ? `${list(written)} written` : hasContent ? 'content is there' : 'nothing is written';
  if (error !== undefined) {
    return `❌ ${plain(CATALOGUE[error.code].title)}${written.length > 0 || hasContent ? ` (${has})` : ''}`;
  }
  const held = heldBack(target, all);
  if (held.length === 0) return undefined;
  const failed = all.flatMap((each) => (each.error === undefined ? [] : [each.image]));
  return `⏸️ ${has}; ${list(held)} held back because ${list(failed)} failed; a re-run finishes`;
}

/** One sentence over all targets, where some have failed and others have not. */
export function partialSentence(all: readonly TargetResult[], hasContent: (at: number) => boolean): string {
  const failed = all.filter(({ error }) => error !== undefined).length;
  if (failed === 0) return '';
  const content = all.filter((each, at) => hasContent(at) || each.written.length > 0).length;
  if (content === 0) return '';
  const written = all.filter((each) => each.written.length > 0).length;
  const of = (count: number) => `${count} of ${all.length} ${all.length === 1 ? 'repository' : 'repositories'}`;
  return `**Partial:** the image is in ${of(content)}, tags were written in ${of(written)}. A re-run does only what is missing.`;
}

function list(names: readonly string[]): string {
  return names.map(code).join(', ');
}
