import type { Fields } from '../../fields.ts';
import { type Converted, type ForeignMirror, splitReference, textsIn, wholeTag } from './converted.ts';

/** image-syncer: https://github.com/AliyunContainerService/image-syncer#configure-sync-images */
export function fromImageSyncer(file: Fields): Converted | undefined {
  const entries = Object.entries(file);
  const isReference = (text: string) => /^[\w.-]+(?::\d+)?(?:\/[\w.-]+)+(?::.+|@sha256:\w+)?$/.test(text);
  const isFile =
    entries.length > 0 &&
    entries.every(
      ([source, targets]) => isReference(source) && textsIn(targets).length > 0 && textsIn(targets).every(isReference),
    );
  if (!isFile) return undefined;
  const notes = new Set(['The credentials of `auth.yaml` belong into the input `registry-auth`.']);
  const mirrors = entries.flatMap(([source, targets]) => readEntry(source, textsIn(targets), notes));
  return { tool: 'image-syncer', mirrors, notes: [...notes] };
}

function readEntry(source: string, targets: readonly string[], notes: Set<string>): readonly ForeignMirror[] {
  const [, repository = source, expression] = /^(.+?):(\/.+\/)$/.exec(source) ?? [];
  const { name, tag, digest } = splitReference(repository);
  const tags = expression === undefined ? (tag?.split(',') ?? ['*']) : [wholeTag(expression.slice(1, -1))];
  const to = targets.map(splitReference);
  const isRenamed = to.some((target) => target.tag !== undefined && target.tag !== tag);
  if (digest !== undefined || isRenamed) {
    const why =
      digest === undefined ? 'a mirror keeps the name of a tag' : 'an image needs a tag, as in `tag@sha256:…`';
    notes.add(`Not converted: ${source}, because ${why}.`);
    return [];
  }
  return [{ from: name, to: to.map((target) => target.name), tags }];
}
