import { type Fields, fieldsOf, isFields } from '../../../src/domain/fields.ts';
import type { Contract } from '../contract.ts';
import { contractOf, type Operation } from './operation.ts';

/** A contract out of a service description of botocore (`service-2.json`) with the protocol JSON 1.1. */
export function awsContract(document: Fields): Contract {
  const { targetPrefix, jsonVersion } = fieldsOf(document.metadata);
  const shapes = Object.entries(fieldsOf(document.shapes));
  const root = { $defs: Object.fromEntries(shapes.map(([name, shape]) => [name, schemaOf(fieldsOf(shape))])) };
  const contracts = new Map(
    Object.entries(fieldsOf(document.operations)).map(([name, operation]) => {
      const { http, input } = fieldsOf(operation);
      const shape = fieldsOf(input).shape;
      const schema = shape === undefined ? { type: 'object', maxProperties: 0 } : { $ref: `#/$defs/${String(shape)}` };
      const described: Operation = {
        method: String(fieldsOf(http).method),
        path: String(fieldsOf(http).requestUri),
        pathParameters: [],
        query: [],
        headers: [{ name: 'authorization', required: true, schema: { type: 'string', pattern: '^AWS4-HMAC-SHA256 ' } }],
        body: { required: true, schemas: { [`application/x-amz-json-${String(jsonVersion)}`]: schema } },
        root,
      };
      return [`${String(targetPrefix)}.${name}`, contractOf([described])];
    }),
  );
  return {
    check: (request) => {
      const target = String(request.headers['x-amz-target'] ?? '(none)');
      const contract = contracts.get(target);
      if (contract === undefined) return [`X-Amz-Target ${target} is not described`];
      return contract.check(request).map((problem) => `${target}: ${problem}`);
    },
  };
}

const TYPES: Readonly<Record<string, string>> = {
  structure: 'object',
  map: 'object',
  list: 'array',
  string: 'string',
  blob: 'string',
  boolean: 'boolean',
  integer: 'integer',
  long: 'integer',
  double: 'number',
  float: 'number',
  timestamp: 'number',
};

function schemaOf(shape: Fields): Fields {
  const type = TYPES[String(shape.type)];
  const { min, max, pattern, required, members, member, value } = shape;
  const to = (target: unknown) => ({ $ref: `#/$defs/${String(fieldsOf(target).shape)}` });
  const limits: Record<string, readonly [string, string]> = {
    string: ['minLength', 'maxLength'],
    array: ['minItems', 'maxItems'],
    integer: ['minimum', 'maximum'],
    number: ['minimum', 'maximum'],
  };
  const [low, high] = limits[type ?? ''] ?? [];
  return {
    ...(type === undefined ? {} : { type }),
    ...(shape.enum === undefined ? {} : { enum: shape.enum }),
    // The services match the whole value; the descriptions mostly leave the anchors out.
    ...(pattern === undefined ? {} : { pattern: `^(?:${String(pattern)})$` }),
    ...(low === undefined || min === undefined ? {} : { [low]: min }),
    ...(high === undefined || max === undefined ? {} : { [high]: max }),
    ...(member === undefined ? {} : { items: to(member) }),
    ...(value === undefined ? {} : { additionalProperties: to(value) }),
    ...(isFields(members)
      ? {
          properties: Object.fromEntries(Object.entries(members).map(([name, target]) => [name, to(target)])),
          required: required ?? [],
          additionalProperties: false,
        }
      : {}),
  };
}

/** The document with only the operations of these names and the shapes of their inputs. */
export function trimAws(document: Fields, keep: readonly string[]): Fields {
  const operations = Object.entries(fieldsOf(document.operations))
    .filter(([name]) => keep.includes(name))
    .map(([name, operation]) => [name, plain({ http: fieldsOf(operation).http, input: fieldsOf(operation).input })]);
  const shapes: Record<string, unknown> = {};
  const reached = new Set(shapesIn(operations));
  for (const name of reached) {
    shapes[name] = plain(fieldsOf(document.shapes)[name]);
    for (const next of shapesIn(shapes[name])) reached.add(next);
  }
  const { targetPrefix, jsonVersion, apiVersion } = fieldsOf(document.metadata);
  return {
    metadata: { apiVersion, jsonVersion, targetPrefix },
    operations: Object.fromEntries(operations),
    shapes,
  };
}

function shapesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(shapesIn);
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === 'shape' && typeof item === 'string' ? [item] : shapesIn(item),
  );
}

/** A copy without prose. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isFields(value)) return value;
  const kept = Object.entries(value).filter(([key, item]) => key !== 'documentation' || isFields(item));
  return Object.fromEntries(kept.map(([key, item]) => [key, plain(item)]));
}
