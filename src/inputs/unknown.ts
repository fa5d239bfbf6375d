import { didYouMean } from '../domain/suggestion.ts';
import { FOREIGN_INPUTS } from './foreign.ts';
import type { Problem } from './read-table.ts';

/** The problem with a name that is not an input of any command. */
export function unknownInput(name: string, names: readonly string[]): Problem {
  const instead = Object.hasOwn(FOREIGN_INPUTS, name) ? FOREIGN_INPUTS[name] : undefined;
  if (instead !== undefined) return { input: name, text: `is not an input of this action: ${instead}` };
  const meant = didYouMean(name.replaceAll('_', '-'), names);
  const otherwise = ` If INPUT_${name.toUpperCase()} is an environment variable of your own, give it another name.`;
  return { input: name.slice(0, 60), text: `is not an input of this action.${meant || otherwise}` };
}
