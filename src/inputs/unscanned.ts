import { type AcceptedSpot, BLIND_SPOTS, isBlindSpotKind } from '../domain/gate/blind-spot-kinds.ts';
import { isGlob } from '../domain/gate/glob.ts';
import { parsed, problems as refused } from '../domain/parsed.ts';
import { didYouMean, quoted } from '../domain/suggestion.ts';
import { type Facts, type Field, field } from './schema.ts';

/** Lines of `kind=glob`: accepted blind spots of a scan. */
export function acceptedSpots(facts: Facts): Field<readonly AcceptedSpot[]> {
  return field('lines', facts, (raw) => {
    const lines = raw.split(/\r?\n/).map((line) => line.trim());
    const found = lines.filter((line) => line !== '' && !line.startsWith('#')).map(readSpot);
    const problems = found.flatMap((each) => (each.ok ? [] : each.problems));
    return problems.length > 0 ? refused(...problems) : parsed(found.flatMap((each) => (each.ok ? [each.value] : [])));
  });
}

function readSpot(line: string) {
  const [, kind = '', glob = ''] = /^([^=]*)=(.*)$/.exec(line) ?? [];
  const [name, path] = [kind.trim(), glob.trim().replace(/^\/+/, '')];
  const kinds = Object.keys(BLIND_SPOTS);
  if (!line.includes('='))
    return refused(`got ${quoted(line)}, expected \`kind=path\`, such as \`lock-file=app/yarn.lock\`.`);
  if (!isBlindSpotKind(name)) {
    return refused(`${quoted(name)} is not a kind: one of ${kinds.join(', ')}.${didYouMean(name, kinds)}`);
  }
  if (!isGlob(path)) return refused(`\`${name}\` needs the path of a file in the image, or a glob such as \`app/**\`.`);
  return parsed({ kind: name, glob: path });
}
