import { type Fields, fieldsOf } from '../../fields.ts';
import { type Converted, type ForeignMirror, listIn, splitReference, textsIn } from './converted.ts';

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
  const { type, tags, backup, hooks } = entry;
  const [source, target] = [String(entry.source ?? ''), String(entry.target ?? '')];
  if (type === 'registry' || source.includes('{{') || target.includes('{{')) {
    notes.add(`Not converted: ${type === 'registry' ? 'a whole registry' : 'a template'}, ${source} to ${target}.`);
    return [];
  }
  if (backup !== undefined)
    notes.add('`backup` has no counterpart: with `moved: keep` or `fail` nothing is overwritten.');
  if (hooks !== undefined) notes.add('`hooks` become steps of the workflow.');
  const [from, to] = [splitReference(source), splitReference(target)];
  const platforms = [...textsIn(entry.platform), ...textsIn(entry.platforms)];
  const own = platforms.length === 0 ? {} : { platforms };
  if (type !== 'image') return [{ from: from.name, to: [to.name], tags: readTags(fieldsOf(tags), notes), ...own }];
  if (from.digest !== undefined || (to.tag ?? 'latest') !== (from.tag ?? 'latest')) {
    notes.add(`Not converted: ${source} to ${target}, because a mirror keeps the name of a tag.`);
    return [];
  }
  return [{ from: from.name, to: [to.name], tags: [from.tag ?? 'latest'], ...own }];
}

/** Its expressions are of the whole tag, too. */
function readTags(tags: Fields, notes: Set<string>): readonly string[] {
  if (tags.sets !== undefined) notes.add('`tags.sets` were not converted: write one mirror for each.');
  const expression = (text: string) =>
    /^[\w.-]+$/.test(text) && !text.includes('.') ? text : `/${text.replace(/^\^/, '').replace(/(?<!\\)\$$/, '')}/`;
  const allow = [
    ...textsIn(tags.allow).map(expression),
    ...textsIn(tags.semverRange).map((range) => `semver:${range}`),
  ];
  const deny = textsIn(tags.deny).map((text) => `!${expression(text)}`);
  return [...(allow.length === 0 ? ['*'] : allow), ...deny];
}
