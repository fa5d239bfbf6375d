import { readFile } from 'node:fs/promises';
import { Ajv, type ValidateFunction } from 'ajv';
import { parseAllDocuments } from 'yaml';
import { type Fields, fieldsOf } from '../../src/domain/fields.ts';

const SCHEMAS = new URL('../contracts/kubernetes-schemas.json', import.meta.url);

/** The resources of a file, read as Kubernetes reads YAML. */
export function resourcesOf(text: string): readonly Fields[] {
  return parseAllDocuments(text, { version: '1.1', uniqueKeys: true }).map((document) => {
    if (document.errors.length > 0) throw new Error(document.errors.join('\n'));
    return fieldsOf(document.toJS());
  });
}

/** Holds resources to the schemas of their kinds; unknown kinds and fields are problems. */
export async function kubernetesProblems(resources: readonly Fields[]): Promise<readonly string[]> {
  const validators = await readSchemas();
  const names = resources.map(({ kind, metadata }) => `${String(kind)}/${String(fieldsOf(metadata).name)}`);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return [
    ...twice.map((name) => `${name} is there twice`),
    ...resources.flatMap((resource) => {
      const type = `${String(resource.apiVersion)}/${String(resource.kind)}`;
      const validate = validators.get(type);
      if (validate === undefined) return [`no schema for ${type}`];
      validate(resource);
      return (validate.errors ?? []).map(({ instancePath, message, params }) =>
        [type, instancePath, message, JSON.stringify(params)].join(' '),
      );
    }),
  ];
}

async function readSchemas(): Promise<ReadonlyMap<string, ValidateFunction>> {
  const { schemas } = fieldsOf(JSON.parse(await readFile(SCHEMAS, 'utf8')));
  const ajv = new Ajv({ strict: false, allErrors: true });
  return new Map(Object.entries(fieldsOf(schemas)).map(([type, schema]) => [type, ajv.compile(fieldsOf(schema))]));
}
