import type { ActionError } from '../errors/action-error.ts';
import { CATALOGUE } from '../errors/catalogue.ts';
import type { ErrorJson } from './json-schema.ts';

/** An error as data: code, message, remedy, and facts. */
export function errorFacts(error: ActionError): ErrorJson {
  const { code, message, remedy, facts } = error;
  return { code, title: CATALOGUE[code].title, message, remedy, facts };
}

/** An error as log lines without a title: the message, then its code and remedy. */
export function errorLines(error: ActionError): string {
  const { remedy } = error;
  const steps = remedy.map((step, index) => `  ${remedy.length > 1 ? `${index + 1}. ` : ''}${step}`);
  return [error.message, `What to do (${error.code}):`, ...steps].join('\n');
}
