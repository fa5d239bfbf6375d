import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js';
import { type Fields, fieldsOf, isFields } from '../../../src/domain/fields.ts';
import type { Contract, Sent } from '../contract.ts';

/** A parameter of an operation, with its JSON schema. */
export interface Parameter {
  readonly name: string;
  readonly required: boolean;
  readonly schema: Fields;
}

/** One operation of an API, whatever format described it. */
export interface Operation {
  readonly method: string;
  /** Path with `{parameters}`, the base path included. */
  readonly path: string;
  readonly pathParameters: readonly Parameter[];
  readonly query: readonly Parameter[];
  readonly headers: readonly Parameter[];
  /** JSON schema by content type; none when the operation takes no body. */
  readonly body?: { readonly required: boolean; readonly schemas: Readonly<Record<string, Fields>> };
  /** What the schemas' `$ref`s point into: parts of the root of a document. */
  readonly root: Fields;
}

// Vendors' patterns are not all valid with the flag `u`: `[a-zA-Z0-9-:]` of AWS is one that is not.
const ajv = new Ajv2019({
  unicodeRegExp: false,
  strict: false,
  validateSchema: false,
  validateFormats: false,
  allErrors: true,
});
const compiled = new WeakMap<Fields, ValidateFunction>();

/**
 * A contract out of operations. Of the operations with the request's method and path, those with the most literal text
 * in their path count, and one of them has to describe the request.
 *
 * @param spans names of path parameters whose values may hold slashes
 */
export function contractOf(operations: readonly Operation[], spans: readonly string[] = []): Contract {
  const routes = operations.map((operation) => ({ operation, pattern: patternOf(operation.path, spans) }));
  return {
    check: (request) => {
      const path = request.url.pathname;
      const found = routes.filter((each) => each.operation.method === request.method && each.pattern.test(path));
      const best = Math.max(...found.map(({ operation }) => literals(operation.path)));
      const results = found
        .filter(({ operation }) => literals(operation.path) === best)
        .map(({ operation, pattern }) => problemsOf(request, operation, pattern));
      const [first] = results.toSorted((a, b) => a.length - b.length);
      return first ?? [`${request.method} ${path} is not described`];
    },
  };
}

/** Segments of a repository's name: none begins with `_`, which marks what vendors keep below a repository. */
const SPAN = '((?:(?!_)[^/]+/)*(?!_)[^/]+)';

/** A pattern for a path template; its groups are the parameters in order. */
export function patternOf(template: string, spans: readonly string[] = []): RegExp {
  const source = template
    .split(/(\{[^}]*\})/)
    .map((part) =>
      part.startsWith('{')
        ? spans.includes(part.slice(1, -1))
          ? SPAN
          : '([^/]+)'
        : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
    );
  return new RegExp(`^${source.join('')}$`);
}

function literals(template: string): number {
  return template.replace(/\{[^}]*\}/g, '').length;
}

function problemsOf(request: Sent, operation: Operation, pattern: RegExp): readonly string[] {
  const values = pattern.exec(request.url.pathname)?.slice(1) ?? [];
  const names = [...operation.path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name ?? '');
  const inPath = operation.pathParameters.flatMap((parameter) => {
    const value = values[names.indexOf(parameter.name)];
    return value === undefined ? [] : valueProblems('path parameter', parameter, [decoded(value)], operation.root);
  });
  const problems = [...inPath, ...queryProblems(request, operation), ...headerProblems(request, operation)];
  return [...problems, ...bodyProblems(request, operation)].map(
    (problem) => `${operation.method} ${operation.path}: ${problem}`,
  );
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function queryProblems({ url }: Sent, { query, root }: Operation): readonly string[] {
  const known = new Set(query.map(({ name }) => name));
  const unknown = [...new Set(url.searchParams.keys())].filter((name) => !known.has(name));
  return [
    ...unknown.map((name) => `query parameter ${name} is not described`),
    ...query.flatMap((parameter) =>
      valueProblems('query parameter', parameter, url.searchParams.getAll(parameter.name), root),
    ),
  ];
}

function headerProblems({ headers }: Sent, { headers: described, root }: Operation): readonly string[] {
  return described.flatMap((parameter) =>
    valueProblems('header', parameter, [headers[parameter.name.toLowerCase()] ?? []].flat(), root),
  );
}

function valueProblems(
  where: string,
  { name, required, schema }: Parameter,
  values: readonly string[],
  root: Fields,
): readonly string[] {
  const [value] = values;
  if (value === undefined) return required ? [`${where} ${name} is missing`] : [];
  const list = schema.type === 'array';
  if (values.length > 1 && !list) return [`${where} ${name} is there ${values.length} times`];
  const items = values.length > 1 ? values : value.split(',');
  const typed = list ? items.map((item) => coerced(item, fieldsOf(schema.items))) : coerced(value, schema);
  return schemaProblems(`${where} ${name}`, schema, typed, root);
}

/** A text as the JSON value that the schema wants; the text itself where it is none. */
function coerced(text: string, schema: Fields): unknown {
  const types = [schema.type].flat();
  if (types.includes('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  if (types.includes('integer') && /^-?\d+$/.test(text)) return Number(text);
  if (types.includes('number') && /^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  return text;
}

function bodyProblems({ body: text, headers }: Sent, { body, root }: Operation): readonly string[] {
  if (body === undefined) return text === '' ? [] : ['a body was sent, and none is described'];
  if (text === '') return body.required ? ['the body is missing'] : [];
  const [type = ''] = String(headers['content-type'] ?? '').split(';');
  const schema = body.schemas[type.trim().toLowerCase()] ?? body.schemas['*/*'];
  if (schema === undefined)
    return [`content type ${type || '(none)'} is none of ${Object.keys(body.schemas).join(', ')}`];
  if (/json/.test(type)) {
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      return ['the body is no JSON'];
    }
    return schemaProblems('body', schema, body, root);
  }
  if (type !== 'application/x-www-form-urlencoded') return schemaProblems('body', schema, text, root);
  const fields = new URLSearchParams(text);
  const twice = [...new Set(fields.keys())].filter((name) => fields.getAll(name).length > 1);
  const properties = fieldsOf(schema.properties);
  const form = Object.fromEntries(
    [...fields].map(([name, value]) => [name, coerced(value, fieldsOf(properties[name]))]),
  );
  return [...twice.map((name) => `form field ${name} occurs twice`), ...schemaProblems('form', schema, form, root)];
}

function schemaProblems(where: string, schema: Fields, value: unknown, root: Fields): readonly string[] {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    validate = ajv.compile({ ...root, ...schema });
    compiled.set(schema, validate);
  }
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const extra = params.additionalProperty ?? params.unevaluatedProperty;
    const detail = typeof extra === 'string' ? `: ${extra}` : '';
    return `${where}${instancePath} ${message ?? 'is wrong'}${detail}`;
  });
}

/** Follows `#/a/b` inside a document. */
export function resolve(document: Fields, pointer: string): unknown {
  let value: unknown = document;
  for (const part of pointer.replace(/^#\//, '').split('/')) {
    value = fieldsOf(value)[decoded(part).replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return value;
}

/** Every text under the key `$ref`, however deep. */
export function refsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn);
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === '$ref' && typeof item === 'string' ? [item] : refsIn(item),
  );
}
