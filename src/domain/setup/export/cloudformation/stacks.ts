import type { Json } from '../../json.ts';
import { origin } from '../origin.ts';
import { logicalIds } from './logical-id.ts';
import { type MissingPart, type Resource, replacedByCloudFormation } from './resource.ts';
import { templateText } from './template-text.ts';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const MAX_RESOURCES = 500;
/** Of a template in a request; longer ones have to be in Amazon S3. */
const MAX_BODY_BYTES = 51_200;
/** Of a template in Amazon S3, with room for what YAML adds. */
const MAX_BYTES = 900_000;

export interface StackSource {
  readonly resources: readonly Resource[];
  /** `Amazon ECR 111122223333.dkr.ecr.eu-west-1.amazonaws.com, from setup.yml` */
  readonly description: string;
  /** First comment of every template. */
  readonly header: string;
  readonly configName: string;
}

export interface Stacks {
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly leftOut: readonly MissingPart[];
}

/**
 * Templates of one registry: what the file wants, and where something exists also what there is, with the list that an import takes.
 * An import may change nothing, so it has a template of its own.
 */
export function stackFiles(source: StackSource): Stacks {
  const leftOut: MissingPart[] = [];
  const resources = source.resources.filter((resource) => {
    const found = replacedByCloudFormation(resource.properties) ?? replacedByCloudFormation(resource.present);
    if (found === undefined) return true;
    const reason = `It has a text with ${found}, which CloudFormation would replace and which cannot be escaped.`;
    leftOut.push({ what: resource.name, reason, instead: 'Remove that text, or leave this to `command: setup`.' });
    return false;
  });
  const ids = logicalIds(
    resources.flatMap((each) => [
      each.name,
      ...Object.keys(each.parameters ?? {}).map((key) => parameterName(each, key)),
    ]),
  );
  const parts = split(resources);
  const files = parts.flatMap((part, index) => {
    const number = parts.length === 1 ? '' : `-${index + 1}`;
    const existing = part.filter(({ present }) => present !== undefined);
    const wanted = written(part, ids, source, ({ properties }) => properties);
    return [
      { path: `template${number}.yaml`, text: wanted },
      ...(existing.length === 0
        ? []
        : [
            { path: `import${number}.yaml`, text: written(existing, ids, source, ({ present }) => present ?? {}) },
            { path: `resources-to-import${number}.json`, text: toImport(existing, ids) },
          ]),
    ];
  });
  return { files, leftOut };
}

const parameterName = ({ name }: Resource, property: string) => `${name}:${property}`;

/** In the order of the file, so that what is added at its end does not move what is in a stack already. */
function split(resources: readonly Resource[]): readonly (readonly Resource[])[] {
  const parts: Resource[][] = [];
  let bytes = 0;
  for (const resource of resources) {
    // Indentation and comments make it longer.
    const size = 500 + 1.5 * Buffer.byteLength(JSON.stringify(resource.properties));
    const last = parts.at(-1);
    if (last === undefined || last.length >= MAX_RESOURCES || bytes + size > MAX_BYTES) {
      parts.push([resource]);
      bytes = size;
    } else {
      last.push(resource);
      bytes += size;
    }
  }
  return parts;
}

function written(
  resources: readonly Resource[],
  ids: ReadonlyMap<string, string>,
  { description, header, configName }: StackSource,
  propertiesOf: (resource: Resource) => Readonly<Record<string, Json>>,
): string {
  const parameters: Record<string, Json> = {};
  const body: Record<string, Json> = {};
  const comments = new Map<string, string>();
  for (const resource of resources) {
    const id = ids.get(resource.name) ?? '';
    const properties: Record<string, Json> = { ...propertiesOf(resource) };
    for (const [property, each] of Object.entries(resource.parameters ?? {})) {
      const name = ids.get(parameterName(resource, property)) ?? '';
      parameters[name] = { Type: 'String', Description: each.description, AllowedPattern: each.pattern };
      properties[property] = { Ref: name };
    }
    body[id] = {
      Type: resource.type,
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: properties,
    };
    comments.set(id, origin(configName, resource.line, resource.about));
  }
  const template = {
    body: {
      AWSTemplateFormatVersion: '2010-09-09',
      Description: description,
      ...(Object.keys(parameters).length === 0 ? {} : { Parameters: parameters }),
      Resources: body,
    },
    comments,
  };
  const text = templateText({ ...template, header: [header] });
  if (Buffer.byteLength(text) <= MAX_BODY_BYTES) return text;
  const note = `Longer than ${MAX_BODY_BYTES} bytes: upload it to Amazon S3, and pass --template-url instead of --template-body.`;
  return templateText({ ...template, header: [header, note] });
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceToImport.html */
function toImport(resources: readonly Resource[], ids: ReadonlyMap<string, string>): string {
  const list = resources.map(({ type, name, identifier }) => ({
    ResourceType: type,
    LogicalResourceId: ids.get(name),
    ResourceIdentifier: identifier,
  }));
  return `${JSON.stringify(list, null, 2)}\n`;
}
