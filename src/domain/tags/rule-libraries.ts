import { loadCsv } from '../csv.ts';
import { plainParts } from './template.ts';

type Handlebars = typeof import('./handlebars-template.ts');
type Pep440 = typeof import('./pep440.ts');

// Together they are larger than all other code that reads inputs, and few rules need them.
let handlebars: Handlebars | undefined;
let pep440: Pep440 | undefined;

/**
 * Loads the libraries needed to read and evaluate the rules in these texts; call it first. A text without rules loads
 * nothing, or a library that is not used.
 * @param texts values of inputs: rules for tags, labels and annotations
 */
export async function loadRuleLibraries(texts: readonly string[]): Promise<void> {
  const [withTemplates, withPep440] = await Promise.all([
    texts.some(needsHandlebars) ? import('./handlebars-template.ts') : handlebars,
    texts.some((text) => /pep440/i.test(text)) ? import('./pep440.ts') : pep440,
    loadCsv(texts),
  ]);
  handlebars = withTemplates;
  pep440 = withPep440;
}

/** A text that is plain as a whole is plain in all parts, whether its quotes belong to the list or to the value. */
function needsHandlebars(text: string): boolean {
  return [text, text.replaceAll('"', '')].some((each) => plainParts(each) === undefined);
}

export function handlebarsTemplates(): Handlebars {
  return loaded(handlebars);
}

export function pep440Versions(): Pep440 {
  return loaded(pep440);
}

function loaded<T>(library: T | undefined): T {
  if (library === undefined) throw new Error('A rule is read before loadRuleLibraries() has seen it.');
  return library;
}
