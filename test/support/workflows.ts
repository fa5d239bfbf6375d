import { parseAllDocuments } from 'yaml';
import { fieldsOf, isFields } from '../../src/domain/fields.ts';

/** A step that uses this action. */
export interface ActionStep {
  readonly id?: string;
  /** As written, before GitHub evaluates anything. */
  readonly with: Readonly<Record<string, string>>;
}

/** The YAML examples of a Markdown text. */
export function yamlExamples(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => match[1] ?? '');
}

/** The steps of this action in a workflow, a job or a list of steps. */
export function actionSteps(text: string): readonly ActionStep[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(`${document.errors.join()}\n${text}`);
    return stepsIn(document.toJS());
  });
}

function stepsIn(value: unknown): readonly ActionStep[] {
  if (Array.isArray(value)) return value.flatMap(stepsIn);
  if (!isFields(value)) return [];
  if (
    typeof value.uses !== 'string' ||
    !/^(?:org\/registry-action@|\.\/(?:\.\.\/)?\.registry-action$)/.test(value.uses)
  ) {
    return Object.values(value).flatMap(stepsIn);
  }
  const inputs = Object.entries(fieldsOf(value.with)).map(([name, text]) => [name, String(text)]);
  return [{ ...(typeof value.id === 'string' ? { id: value.id } : {}), with: Object.fromEntries(inputs) }];
}
