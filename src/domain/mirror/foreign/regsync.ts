import { type Fields, fieldsOf } from '../../fields.ts';
import { type Converted, type ForeignMirror, listIn, RANGES, rangeLine, splitReference, textsIn } from './converted.ts';

/** regsync: https://regclient.org/usage/regsync/ */
export function fromRegsync(file: Fields): Converted | undefined {
  if (!Array.isArray(file.sync)) return undefined;
  const defaults = fieldsOf(file.defaults);
  const notes = new Set<string>();
  if (file.creds !== undefined) notes.add('The credentials of `creds` belong into the input `registry-auth`.');
  if (defaults.interval !== undefined || defaults.schedule !== undefined)
    notes.add('`interval` and `schedule` become `on: schedule` of the workflow.');
  const mirrors = listIn(file.sync).flatMap((entry) => readEntry({ ...defaults, ...entry }, notes));
  const pulls = Number(fieldsOf(defaults.ratelimit).min);
  const hosts = new Set(
    mirrors.filter(({ from }) => /^(?:docker\.io\/|[^.:/]+(?:\/|$))/.test(from)).map(() => 'docker.io'),
  );
  return {
    tool: 'regsync',
    mirrors,
    keepPulls: new Map(pulls > 0 ? [...hosts].map((host) => [host, pulls]) : []),
    notes: [...notes],
  };
}

function readEntry(entry: Fields, notes: Set<string>): readonly ForeignMirror[] {
  const { type, tags, tagSets, targetTag, backup, hooks } = entry;
  const [source, target] = [String(entry.source ?? ''), String(entry.target ?? '')];
  if (type === 'registry' || source.includes('{{') || target.includes('{{')) {
    notes.add(`Not converted: ${type === 'registry' ? 'a whole registry' : 'a template'}, ${source} to ${target}.`);
    return [];
  }
  if (targetTag !== undefined) {
    notes.add(`Not converted: ${source} to ${target}, because of \`targetTag\`: a mirror keeps the name of a tag.`);
    return [];
  }
  if (entry.referrerSource !== undefined || entry.referrerTarget !== undefined)
    notes.add('`referrerSource` and `referrerTarget` have no counterpart: attachments stay with their image.');
  if (backup !== undefined)
    notes.add('`backup` has no counterpart: with `moved: keep` or `fail` nothing is overwritten.');
  if (hooks !== undefined) notes.add('`hooks` become steps of the workflow.');
  const [from, to] = [splitReference(source), splitReference(target)];
  const platforms = [...textsIn(entry.platform), ...textsIn(entry.platforms)];
  const own = platforms.length === 0 ? {} : { platforms };
  if (type !== 'image') {
    const sets = [...(tags === undefined ? [] : [fieldsOf(tags)]), ...listIn(tagSets)];
    const read = readSets(sets, source, notes);
    return read.length === 0 ? [] : [{ from: from.name, to: [to.name], tags: read, ...own }];
  }
  if (from.digest !== undefined || (to.tag ?? 'latest') !== (from.tag ?? 'latest')) {
    notes.add(`Not converted: ${source} to ${target}, because a mirror keeps the name of a tag.`);
    return [];
  }
  return [{ from: from.name, to: [to.name], tags: [from.tag ?? 'latest'], ...own }];
}

/** A tag is selected by any of the sets; within a set it has to match each of the criteria. */
function readSets(sets: readonly Fields[], source: string, notes: Set<string>): readonly string[] {
  if (sets.length === 0) return ['*'];
  return sets.flatMap((set) => {
    const why =
      set.allow !== undefined && set.semverRange !== undefined
        ? 'a tag has to match both `allow` and `semverRange`, and here one line is enough'
        : set.deny !== undefined && sets.length > 1
          ? '`deny` belongs to one of several sets, and here `!` is about all lines'
          : undefined;
    if (why === undefined) return readTags(set, notes);
    notes.add(`Not converted: a set of tags of ${source}, because ${why}.`);
    return [];
  });
}

/** Its expressions are of the whole tag, too. */
function readTags(tags: Fields, notes: Set<string>): readonly string[] {
  if (tags.semverRange !== undefined) notes.add(RANGES);
  const expression = (text: string) =>
    /^[\w.-]+$/.test(text) && !text.includes('.') ? text : `/${text.replace(/^\^/, '').replace(/(?<!\\)\$$/, '')}/`;
  const allow = [...textsIn(tags.allow).map(expression), ...textsIn(tags.semverRange).map(rangeLine)];
  const deny = textsIn(tags.deny).map((text) => `!${expression(text)}`);
  return [...(allow.length === 0 ? ['*'] : allow), ...deny];
}
