import type { Json } from '../../json.ts';

export type Properties = Readonly<Record<string, Json>>;

/** One resource of a template. */
export interface Resource {
  /** `AWS::ECR::Repository` */
  readonly type: string;
  /** What its logical id is made of: the name of a repository, or a text with `:`, which no repository has in its name. */
  readonly name: string;
  /** For the comment: `acme/api on ecr`. */
  readonly about: string;
  readonly line: number;
  /** As the file wants it. */
  readonly properties: Properties;
  /** As it is; undefined: it is to be made. */
  readonly present: Properties | undefined;
  /** What CloudFormation finds it by. */
  readonly identifier: Readonly<Record<string, string>>;
  /** Properties whose values the person who creates the stack gives. */
  readonly parameters?: Readonly<Record<string, Parameter>>;
}

export interface Parameter {
  readonly description: string;
  readonly pattern: string;
}

/** What the file asks for that no resource has. */
export interface MissingPart {
  readonly what: string;
  /** A sentence. */
  readonly reason: string;
  /** What to do instead, a sentence. */
  readonly instead: string;
}

export interface Resources {
  readonly resources: readonly Resource[];
  readonly leftOut: readonly MissingPart[];
}

const DYNAMIC_REFERENCE = /\{\{resolve:/;

/**
 * Why a value cannot be in a template; undefined when it can. CloudFormation replaces `{{resolve:…}}` wherever it finds it, and reads
 * an object with a key such as `Ref` as a function; neither can be escaped.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
 */
export function replacedByCloudFormation(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return DYNAMIC_REFERENCE.test(value) ? '`{{resolve:`' : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (isList(value)) return value.map(replacedByCloudFormation).find((found) => found !== undefined);
  for (const [key, each] of Object.entries(value)) {
    if (key === 'Ref' || key.startsWith('Fn::')) return `the key \`${key}\``;
    const found = replacedByCloudFormation(key) ?? replacedByCloudFormation(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
