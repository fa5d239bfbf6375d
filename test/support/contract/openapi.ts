import { type Fields, fieldsOf, isFields } from '../../../src/domain/fields.ts';
import { type Operation, type Parameter, refsIn, resolve } from './operation.ts';

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete'];
const FORMS = 'application/x-www-form-urlencoded';
/** What says nothing about whether a request is right. */
const PROSE = /^(?:description|summary|title|examples?|externalDocs|discriminator|xml|format|default|x-.*)$/;

/** The operations of an OpenAPI 3 or Swagger 2 document. Formats and discriminators are not looked at. */
export function openApiOperations(document: Fields): readonly Operation[] {
  const open = new Set(partsOfCompositions(document));
  const root = {
    components: { schemas: schemasOf(fieldsOf(document.components).schemas, '#/components/schemas/', open) },
    definitions: schemasOf(document.definitions, '#/definitions/', open),
  };
  const base = basePath(document);
  return Object.entries(fieldsOf(document.paths)).flatMap(([path, item]) =>
    METHODS.filter((method) => isFields(fieldsOf(item)[method])).map((method): Operation => {
      const operation = fieldsOf(fieldsOf(item)[method]);
      const parameters = parametersOf(document, fieldsOf(item), operation);
      const at = (where: string) => parameters.filter((each) => each.in === where).map(parameterOf);
      const body = isFields(operation.requestBody)
        ? openApiBody(fieldsOf(deref(document, operation.requestBody)))
        : swaggerBody(parameters, [operation.consumes ?? document.consumes ?? 'application/json'].flat());
      return {
        method: method.toUpperCase(),
        path: `${base}${path}`,
        pathParameters: at('path'),
        query: at('query'),
        headers: at('header'),
        ...(body === undefined ? {} : { body }),
        root,
      };
    }),
  );
}

function basePath(document: Fields): string {
  if (typeof document.basePath === 'string') return document.basePath.replace(/\/$/, '');
  const [server] = Array.isArray(document.servers) ? document.servers : [];
  const url = String(fieldsOf(server).url ?? '');
  return url.replace(/^https?:\/\/[^/]*/, '').replace(/\/$/, '');
}

function deref(document: Fields, value: unknown): unknown {
  const { $ref } = fieldsOf(value);
  return typeof $ref === 'string' ? resolve(document, $ref) : value;
}

/** An operation's parameters; its own stand in for those of the path with the same name and place. */
function parametersOf(document: Fields, item: Fields, operation: Fields): readonly Fields[] {
  const all = [item.parameters ?? [], operation.parameters ?? []].flat().map((each) => fieldsOf(deref(document, each)));
  return [...new Map(all.map((each) => [`${each.in} ${each.name}`, each])).values()];
}

function parameterOf(parameter: Fields): Parameter {
  const { name, required, schema, in: _place, ...inline } = parameter;
  const described = isFields(schema) ? schema : inline;
  return { name: String(name), required: required === true, schema: schemaOf(described) };
}

function openApiBody(body: Fields): Operation['body'] {
  const schemas = Object.entries(fieldsOf(body.content)).map(([type, content]) => [
    type.toLowerCase(),
    schemaOf(fieldsOf(fieldsOf(content).schema)),
  ]);
  return { required: body.required === true, schemas: Object.fromEntries(schemas) };
}

function swaggerBody(parameters: readonly Fields[], consumes: readonly unknown[]): Operation['body'] {
  const whole = parameters.find((each) => each.in === 'body');
  if (whole !== undefined) {
    const schema = schemaOf(fieldsOf(whole.schema));
    return {
      required: whole.required === true,
      schemas: Object.fromEntries(consumes.map((type) => [String(type).toLowerCase(), schema])),
    };
  }
  const fields = parameters.filter((each) => each.in === 'formData').map(parameterOf);
  if (fields.length === 0) return undefined;
  const required = fields.filter((each) => each.required).map(({ name }) => name);
  const properties = Object.fromEntries(fields.map(({ name, schema }) => [name, schema]));
  const schema = { type: 'object', required, properties, additionalProperties: false };
  return { required: required.length > 0, schemas: { [FORMS]: schema } };
}

/** References to schemas that others are composed of: fields beside theirs are right. */
function partsOfCompositions(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(partsOfCompositions);
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === 'allOf' || key === 'anyOf' || key === 'oneOf' ? refsIn(item) : partsOfCompositions(item),
  );
}

function schemasOf(schemas: unknown, prefix: string, open: ReadonlySet<string>): Fields {
  return Object.fromEntries(
    Object.entries(fieldsOf(schemas)).map(([name, schema]) => [
      name,
      schemaOf(fieldsOf(schema), open.has(`${prefix}${name}`)),
    ]),
  );
}

/**
 * A JSON schema for a schema of OpenAPI. An object takes only the fields that are described, unless it says otherwise or
 * describes none: a misspelt field would be lost without a word.
 */
function schemaOf(schema: Fields, open = false): Fields {
  const { nullable, ...rest } = schema;
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (PROSE.test(key) || (key === 'required' && !Array.isArray(value))) continue;
    if (key === 'properties') {
      result[key] = Object.fromEntries(
        Object.entries(fieldsOf(value)).map(([name, property]) => [name, schemaOf(fieldsOf(property))]),
      );
    } else if (Array.isArray(value) && /^(?:allOf|anyOf|oneOf)$/.test(key)) {
      result[key] = value.map((part) => schemaOf(fieldsOf(part), true));
    } else result[key] = isFields(value) ? schemaOf(value) : value;
  }
  const closed = isFields(rest.properties) && Object.keys(rest.properties).length > 0;
  if (closed && !open && rest.additionalProperties === undefined) result.unevaluatedProperties = false;
  if (nullable !== true && rest['x-nullable'] !== true) return result;
  return { anyOf: [{ type: 'null' }, result] };
}

/** The document with only these operations (`GET /path`, base path aside) and what they refer to. */
export function trimOpenApi(document: Fields, keep: readonly string[]): Fields {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [path, item] of Object.entries(fieldsOf(document.paths))) {
    for (const method of METHODS) {
      const operation = fieldsOf(item)[method];
      if (!isFields(operation) || !keep.includes(`${method.toUpperCase()} ${path}`)) continue;
      const { parameters, requestBody, consumes } = operation;
      const shared = fieldsOf(item).parameters;
      paths[path] = { ...paths[path], ...(shared === undefined ? {} : { parameters: shared }) };
      paths[path][method] = plain({ parameters, requestBody, consumes });
    }
  }
  const { openapi, swagger, basePath: base, servers, consumes } = document;
  const trimmed: Record<string, unknown> = { openapi, swagger, basePath: base, servers, consumes, paths: plain(paths) };
  const reached = new Set(refsIn(trimmed.paths));
  for (const pointer of reached) {
    const target = plain(resolve(document, pointer));
    for (const next of refsIn(target)) reached.add(next);
    const parts = pointer.replace(/^#\//, '').split('/');
    put(trimmed, parts, target);
  }
  return trimmed;
}

function put(into: Record<string, unknown>, parts: readonly string[], value: unknown): void {
  const [first = '', ...rest] = parts;
  if (rest.length === 0) into[first] = value;
  else {
    const inner: Record<string, unknown> = { ...fieldsOf(into[first]) };
    put(inner, rest, value);
    into[first] = inner;
  }
}

/** A copy without prose. Names of properties are no keywords, whatever they are called. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isFields(value)) return value;
  const kept = Object.entries(value).filter(
    ([key, item]) => !PROSE.test(key) || (key === 'x-nullable' && item === true),
  );
  return Object.fromEntries(
    kept.map(([key, item]) => [
      key,
      key === 'properties' && isFields(item)
        ? Object.fromEntries(Object.entries(item).map(([name, property]) => [name, plain(property)]))
        : plain(item),
    ]),
  );
}
