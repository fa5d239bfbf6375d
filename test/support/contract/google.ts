import { type Fields, fieldsOf, isFields } from '../../../src/domain/fields.ts';
import { type Operation, type Parameter, refsIn } from './operation.ts';

/** The operations of a Google discovery document: https://developers.google.com/discovery/v1/reference/apis */
export function googleOperations(document: Fields): readonly Operation[] {
  const schemas = Object.entries(fieldsOf(document.schemas));
  const root = { $defs: Object.fromEntries(schemas.map(([name, schema]) => [name, schemaOf(fieldsOf(schema))])) };
  const common = parametersOf(document.parameters);
  return methodsOf(document).map((method): Operation => {
    const { $ref } = fieldsOf(method.request);
    const schema = { $ref: `#/$defs/${String($ref)}` };
    return {
      method: String(method.httpMethod),
      path: `/${String(document.servicePath ?? '')}${String(method.flatPath ?? method.path)}`,
      pathParameters: [],
      query: [...parametersOf(method.parameters), ...common],
      headers: [],
      ...($ref === undefined ? {} : { body: { required: true, schemas: { 'application/json': schema } } }),
      root,
    };
  });
}

function methodsOf(resource: Fields): readonly Fields[] {
  const own = Object.values(fieldsOf(resource.methods)).filter(isFields);
  return [...own, ...Object.values(fieldsOf(resource.resources)).flatMap((inner) => methodsOf(fieldsOf(inner)))];
}

function parametersOf(parameters: unknown): readonly Parameter[] {
  return Object.entries(fieldsOf(parameters)).flatMap(([name, value]) => {
    const { location, required, repeated, ...described } = fieldsOf(value);
    if (location !== 'query') return [];
    const schema = schemaOf(described);
    return [
      { name, required: required === true, schema: repeated === true ? { type: 'array', items: schema } : schema },
    ];
  });
}

/** Fields that are required say so in the first word of their description; an extract says it with a flag. */
function isRequired(property: Fields): boolean {
  return property.required === true || /^Required\b/.test(String(property.description ?? ''));
}

function schemaOf(schema: Fields): Fields {
  const { $ref, type, format, properties, additionalProperties, items, pattern, minimum, maximum } = schema;
  if (typeof $ref === 'string') return { $ref: `#/$defs/${$ref}` };
  if (type === 'any' || type === undefined) return {};
  const fields = Object.entries(fieldsOf(properties)).map(([name, value]) => [name, fieldsOf(value)] as const);
  return {
    // 64-bit numbers travel as texts, and the API takes numbers too.
    type: format === 'int64' || format === 'uint64' ? ['string', 'integer'] : type,
    ...(schema.enum === undefined ? {} : { enum: schema.enum }),
    ...(pattern === undefined ? {} : { pattern }),
    ...(minimum === undefined ? {} : { minimum: Number(minimum) }),
    ...(maximum === undefined ? {} : { maximum: Number(maximum) }),
    ...(isFields(items) ? { items: schemaOf(items) } : {}),
    ...(type === 'object'
      ? {
          properties: Object.fromEntries(fields.map(([name, value]) => [name, schemaOf(value)])),
          required: fields.filter(([, value]) => isRequired(value)).map(([name]) => name),
          additionalProperties: isFields(additionalProperties) ? schemaOf(additionalProperties) : false,
        }
      : {}),
  };
}

/** The document with only the methods of these ids and the schemas of their requests. */
export function trimGoogle(document: Fields, keep: readonly string[]): Fields {
  const methods = methodsOf(document)
    .filter(({ id }) => keep.includes(String(id)))
    .map(({ id, httpMethod, flatPath, path, parameters, request }) => [
      String(id),
      plain({ id, httpMethod, flatPath, path, parameters, request }),
    ]);
  const schemas: Record<string, unknown> = {};
  const reached = new Set(refsIn(methods));
  for (const name of reached) {
    schemas[name] = plain(fieldsOf(document.schemas)[name]);
    for (const next of refsIn(schemas[name])) reached.add(next);
  }
  const { revision, servicePath, parameters } = document;
  return { revision, servicePath, parameters: plain(parameters), methods: Object.fromEntries(methods), schemas };
}

/** A copy without prose. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isFields(value)) return value;
  const flag = typeof value.description === 'string' && isRequired(value) ? { required: true } : {};
  const kept = Object.entries(value).filter(
    ([key, item]) => !(/^(?:description|default)$/.test(key) && !isFields(item)) && key !== 'enumDescriptions',
  );
  return { ...Object.fromEntries(kept.map(([key, item]) => [key, plain(item)])), ...flag };
}
