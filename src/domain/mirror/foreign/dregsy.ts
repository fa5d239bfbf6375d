import { type Fields, fieldsOf } from '../../fields.ts';
import { type Converted, type ForeignMirror, listIn, rangeLine, textsIn, wholeTag } from './converted.ts';

/** dregsy: https://github.com/xelalexv/dregsy#image-matching */
export function fromDregsy(file: Fields): Converted | undefined {
  if (!Array.isArray(file.tasks)) return undefined;
  const notes = new Set<string>();
  const mirrors = listIn(file.tasks).flatMap((task) => {
    const [source, target] = [fieldsOf(task.source), fieldsOf(task.target)];
    if (source.auth !== undefined || target.auth !== undefined)
      notes.add('The credentials of `auth` belong into the input `registry-auth`.');
    if (task.interval !== undefined) notes.add('`interval` becomes `on: schedule` of the workflow.');
    if (task.mappings_file !== undefined) notes.add('`mappings_file` was not read: convert it together with its task.');
    return listIn(task.mappings).flatMap((mapping) => {
      const at = (host: unknown, path: string) => `${hostOf(String(host))}/${path.replace(/^\//, '')}`;
      const from = String(mapping.from ?? '');
      const to = String(mapping.to ?? from);
      if (from.startsWith('regex:') || to.startsWith('regex:')) {
        notes.add(`Not converted: ${from}, because a mirror names each repository.`);
        return [];
      }
      return [readMapping(at(source.registry, from), at(target.registry, to), mapping, notes)];
    });
  });
  return { tool: 'dregsy', mirrors, notes: [...notes] };
}

/** Docker Hub has several names, and one that images have. */
function hostOf(host: string): string {
  return ['registry.hub.docker.com', 'registry-1.docker.io', 'index.docker.io'].includes(host) ? 'docker.io' : host;
}

function readMapping(from: string, to: string, mapping: Fields, notes: Set<string>): ForeignMirror {
  const platform = mapping.platform === undefined || mapping.platform === 'all' ? [] : textsIn(mapping.platform);
  const tags: string[] = [];
  let newest: number | undefined;
  for (const line of textsIn(mapping.tags)) {
    const [, kind = '', text = line] = /^(semver|regex|keep):\s*(.*)$/.exec(line) ?? [];
    const latest = /^latest\s+(\d+)$/.exec(text)?.[1];
    if (kind === 'keep' && latest !== undefined) newest = Number(latest);
    else if (kind === 'keep') notes.add(`Not converted: \`${line}\` of ${from}; take out what is not kept with \`!\`.`);
    else if (kind === 'semver') tags.push(rangeLine(text));
    else if (kind === 'regex') tags.push(text.startsWith('!') ? `!${wholeTag(text.slice(1).trim())}` : wholeTag(text));
    else tags.push(text);
  }
  return {
    from,
    to: [to],
    tags: tags.some((tag) => !tag.startsWith('!')) ? tags : ['*', ...tags],
    ...(newest === undefined ? {} : { newest }),
    ...(platform.length === 0 ? {} : { platforms: platform }),
  };
}
