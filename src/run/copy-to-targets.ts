import { type ActionError, toActionError } from '../errors/action-error.ts';
import type { Runtime } from '../runtime/runtime.ts';

interface Named {
  readonly image: string;
  readonly repository: { readonly host: string; readonly name: string };
}

/**
 * Copies to several targets at once. When one fails, the copy starts again without it: the others skip what they have.
 * @param copy to the targets that are left
 * @returns the errors by target
 * @throws ActionError from reading the source: then no target has everything
 */
export async function copyToTargets<T extends Named>(
  { log, signal }: Pick<Runtime, 'log' | 'signal'>,
  source: Named['repository'],
  targets: readonly T[],
  copy: (left: readonly T[]) => Promise<void>,
): Promise<ReadonlyMap<T, ActionError>> {
  const errors = new Map<T, ActionError>();
  let left = targets;
  while (left.length > 0) {
    try {
      await copy(left);
      break;
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toActionError(thrown);
      // An error without a target is about the source.
      if (isAbout(source, error)) throw error;
      const failed = left.length === 1 ? left : left.filter(({ repository }) => isAbout(repository, error));
      if (failed.length === 0) throw error;
      for (const target of failed) errors.set(target, error);
      left = left.filter((target) => !errors.has(target));
      if (left.length > 0) log.info(`${failed.map(({ image }) => image).join(', ')} failed; copying to the others.`);
    }
  }
  return errors;
}

/** Whether an error is about this repository: results are per repository. */
function isAbout({ host, name }: Named['repository'], { facts }: ActionError): boolean {
  return facts.registry === host && facts.repository === name;
}
