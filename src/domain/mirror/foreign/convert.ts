import { isFields } from '../../fields.ts';
import { type Converted, renderConverted } from './converted.ts';
import { fromDregsy } from './dregsy.ts';
import { fromImageSyncer } from './image-syncer.ts';
import { fromRegsync } from './regsync.ts';
import { fromSkopeo } from './skopeo.ts';

/** A file of another tool, as a mirror configuration. */
export interface Conversion {
  readonly tool: string;
  /** YAML, with what has no counterpart as comments. */
  readonly yaml: string;
}

const TOOLS = [fromRegsync, fromDregsy, fromSkopeo, fromImageSyncer];

/**
 * Converts a file of regsync, skopeo sync, image-syncer or dregsy. Repositories that occur several times become one mirror
 * when they have the same targets.
 * @param file parsed YAML
 * @returns undefined for any other file
 */
export function convertForeign(file: unknown): Conversion | undefined {
  if (!isFields(file) || file.mirrors !== undefined) return undefined;
  for (const convert of TOOLS) {
    const converted = convert(file);
    if (converted !== undefined) return { tool: converted.tool, yaml: renderConverted(merged(converted)) };
  }
  return undefined;
}

function merged(converted: Converted): Converted {
  const groups = Map.groupBy(converted.mirrors, ({ tags: _tags, ...mirror }) => JSON.stringify(mirror));
  const mirrors = [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, tags: [...new Set(group.flatMap(({ tags }) => tags))] }];
  });
  return { ...converted, mirrors };
}
