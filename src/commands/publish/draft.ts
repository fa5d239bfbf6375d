import type { Outcome } from '../../domain/outcome.ts';
import { type ActionError, allErrors } from '../../errors/action-error.ts';
import { CATALOGUE } from '../../errors/catalogue.ts';
import type { PublishRecord } from '../../report/record.ts';
import type { Runtime } from '../../runtime/runtime.ts';

type Filled = { -readonly [K in keyof PublishRecord]: PublishRecord[K] };

/** What is known so far. A run fills it in as it goes, so that a failure can still tell how far it came. */
export type Draft = Omit<Filled, 'outcome' | 'errors' | 'steps' | 'warnings'> & {
  readonly warnings: string[];
  readonly steps: { readonly name: string; readonly milliseconds: number }[];
};

export function emptyDraft(): Draft {
  return {
    warnings: [],
    steps: [],
    tags: [],
    tagNames: [],
    labels: {},
    annotations: [],
    scan: 'not-reached',
    targets: [],
  };
}

/** Runs a named part of the road in a foldable section of the log, and notes how long it took. */
export async function step<T>(runtime: Runtime, draft: Draft, name: string, task: () => Promise<T>): Promise<T> {
  const start = runtime.clock.now().getTime();
  try {
    return await runtime.log.group(name, task);
  } finally {
    draft.steps.push({ name, milliseconds: runtime.clock.now().getTime() - start });
  }
}

/** A warning in log and summary, once. */
export function warn(runtime: Runtime, draft: Draft, text: string): void {
  if (draft.warnings.includes(text)) return;
  draft.warnings.push(text);
  runtime.log.warning(text);
}

/** A run that came to a good end. */
export function succeeded(draft: Draft, outcome: Outcome): PublishRecord {
  return { ...draft, outcome, errors: [] };
}

/** A run that failed: the first error decides the outcome, all are told. */
export function failed(draft: Draft, thrown: unknown): PublishRecord {
  const errors: readonly ActionError[] = allErrors(thrown);
  const [first] = errors;
  return { ...draft, outcome: first === undefined ? 'failed' : CATALOGUE[first.code].outcome, errors };
}
