import { z } from 'zod';
import { COMMANDS } from '../src/app/command-list.ts';
import { table } from './documents.ts';

/** A node of a JSON Schema, as far as the tables show it. */
interface Node {
  readonly $ref?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly oneOf?: readonly Node[];
  readonly $defs?: Readonly<Record<string, Node>>;
}

/**
 * The JSON Schema of the output `json`: one form for each command, told apart by `command`. A command's form is in its folder, in
 * `json-schema.ts`.
 */
export async function jsonSchema(names: readonly string[] = COMMANDS.map(({ name }) => name)): Promise<Node> {
  const forms = await Promise.all(
    names.map(async (name) => {
      const { JSON_SCHEMA }: { readonly JSON_SCHEMA: z.ZodObject } = await import(
        `../src/commands/${name}/json-schema.ts`
      );
      return JSON_SCHEMA;
    }),
  );
  const [first, ...others] = forms;
  if (first === undefined) throw new Error('There is no command.');
  const { $schema, ...schema }: { readonly $schema?: string } & Node = JSON.parse(
    JSON.stringify(z.toJSONSchema(z.discriminatedUnion('command', [first, ...others]))),
  );
  return {
    ...($schema === undefined ? {} : { $schema }),
    ...{ title: 'The output `json` of registry-action' },
    ...schema,
  };
}

/** The schema as the file that is published. */
export async function renderJsonSchema(): Promise<string> {
  return `${JSON.stringify(await jsonSchema(), undefined, 2)}\n`;
}

/** The tables of `docs/json-output.md`: of each command, then of what they share. */
export async function renderJsonTables(): Promise<string> {
  const { oneOf = [], $defs = {} } = await jsonSchema();
  const commands = oneOf.map(({ $ref = '' }) => nameOf($ref));
  const shared = Object.keys($defs)
    .filter((name) => !commands.includes(name))
    .toSorted();
  return [
    ...commands.map((name) => section(`\`command: ${name.toLowerCase()}\``, $defs[name] ?? {})),
    ...shared.map((name) => section(name, $defs[name] ?? {})),
  ].join('\n\n');
}

function section(title: string, node: Node): string {
  const forms = node.oneOf ?? [node];
  const tables = forms.map((form) => table(['property', 'type', 'what it is'], rowsOf(form, '')));
  return [`## ${title}`, ...tables].join('\n\n');
}

function rowsOf(node: Node, prefix: string): readonly (readonly string[])[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, property]) => {
    const path = `${prefix}${name}`;
    const mark = node.required?.includes(name) === true ? '' : ' (optional)';
    const row = [`\`${path}\`${mark}`, typeOf(property), property.description ?? ''];
    return [
      row,
      ...(property.items === undefined ? rowsOf(property, `${path}.`) : rowsOf(property.items, `${path}[].`)),
    ];
  });
}

/** A type for readers: `string`, `"gate", "report"`, `list of Finding`. */
function typeOf({ $ref, type, const: only, enum: values, items, additionalProperties, oneOf }: Node): string {
  if ($ref !== undefined) return `[${nameOf($ref)}](#${nameOf($ref).toLowerCase()})`;
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (values !== undefined) return values.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (oneOf !== undefined) return oneOf.map(typeOf).join(' or ');
  if (items !== undefined) return `list of ${typeOf(items)}`;
  if (typeof additionalProperties === 'object') return `map of ${typeOf(additionalProperties)}`;
  return type ?? '';
}

const nameOf = (ref: string) => ref.split('/').at(-1) ?? '';
