import { type Fields, fieldsOf, isFields } from '../../fields.ts';
import { type Converted, type ForeignMirror, RANGES, rangeLine, textsIn, wholeTag } from './converted.ts';

const KEYS = ['images', 'images-by-tag-regex', 'images-by-semver'] as const;
/** Their file does not name the destination. */
const TARGET = 'target.example.com';

/** skopeo sync: https://github.com/containers/skopeo/blob/main/docs/skopeo-sync.1.md#yaml-file-content-used-source-for---src-yaml */
export function fromSkopeo(file: Fields): Converted | undefined {
  const registries = Object.entries(file);
  const isFile =
    registries.length > 0 && registries.every(([, value]) => KEYS.some((key) => isFields(fieldsOf(value)[key])));
  if (!isFile) return undefined;
  const notes = new Set([
    `The target is an argument of skopeo: replace ${TARGET}.`,
    'By default skopeo copies one platform; a mirror copies whole images.',
  ]);
  const mirrors = registries.flatMap(([host, value]) => readRegistry(host, fieldsOf(value), notes));
  return { tool: 'skopeo sync', mirrors, notes: [...notes] };
}

function readRegistry(host: string, registry: Fields, notes: Set<string>): readonly ForeignMirror[] {
  if (registry.credentials !== undefined) notes.add('`credentials` belong into the input `registry-auth`.');
  if (registry['tls-verify'] === false)
    notes.add(`\`tls-verify: false\`: set \`insecure-registries: ${host}\` or \`registry-ca\`.`);
  if (registry['cert-dir'] !== undefined) notes.add('`cert-dir`: the certificates belong into `registry-ca`.');
  const byName = new Map<string, string[]>();
  const add = (name: string, tags: readonly string[]) => {
    byName.set(name, [...(byName.get(name) ?? []), ...tags]);
  };
  for (const [name, tags] of Object.entries(fieldsOf(registry.images))) {
    const written = textsIn(tags);
    const named = written.filter((tag) => !tag.includes('sha256:'));
    if (named.length < written.length) notes.add(`Not converted: digests of ${name}; write them as \`tag@sha256:…\`.`);
    if (named.length > 0 || written.length === 0) add(name, named.length > 0 ? named : ['*']);
  }
  for (const [name, expression] of Object.entries(fieldsOf(registry['images-by-tag-regex']))) {
    add(name, textsIn(expression).map(wholeTag));
  }
  for (const [name, range] of Object.entries(fieldsOf(registry['images-by-semver']))) {
    notes.add(RANGES);
    add(name, textsIn(range).map(rangeLine));
  }
  return [...byName].map(([name, tags]) => ({ from: `${host}/${name}`, to: [`${TARGET}/${name}`], tags }));
}
