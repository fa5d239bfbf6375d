import type { ActionError } from '../errors/action-error.ts';
import { CATALOGUE } from '../errors/catalogue.ts';

/** An error as data: code, what happened, what to do, and what it is about. */
export function errorFacts(error: ActionError) {
  const { title, remedy } = CATALOGUE[error.code];
  return { code: error.code, title, message: error.message, remedy, facts: error.facts };
}

/** An error as lines of a log, where no title is shown: what happened, then its code and the steps of the remedy. */
export function errorLines(error: ActionError): string {
  const { remedy } = CATALOGUE[error.code];
  const steps = remedy.map((step, index) => `  ${remedy.length > 1 ? `${index + 1}. ` : ''}${step}`);
  return [error.message, `What to do (${error.code}):`, ...steps].join('\n');
}
