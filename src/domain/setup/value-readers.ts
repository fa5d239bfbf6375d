import { parsed, problems } from '../parsed.ts';
import { either, mapped, oneOf, parsedText, type Reader, text } from '../yaml-file/readers.ts';
import { isLocatedList, isLocatedMap, type Located } from '../yaml-file/tree.ts';
import type { Given } from './desired-state.ts';
import type { Json } from './json.ts';

/** A value together with its line. */
export const given = <T>(reader: Reader<T>): Reader<Given<T>> => mapped(reader, (value, { line }) => ({ value, line }));

/** `none` removes. */
export const orNone = <T>(reader: Reader<T>): Reader<T | null> =>
  either<null, T>(
    ({ value }) => value === 'none',
    mapped(oneOf('none'), () => null),
    reader,
  );

/** Any YAML as JSON. */
export const anyJson: Reader<Json> = { read: (at) => jsonOf(at), schema: {}, expected: 'a value' };

function jsonOf({ value }: Located): Json {
  if (isLocatedList(value)) return value.map(jsonOf);
  if (isLocatedMap(value)) return Object.fromEntries([...value].map(([key, entry]) => [key, jsonOf(entry.value)]));
  return value;
}

const UNITS: Readonly<Record<string, number>> = { KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** Bytes of `50GB`, counted in powers of 1024 as registries do. */
export const size = parsedText(
  'a size such as `50GB`',
  (value) => {
    const [, digits = '', unit = ''] = /^([1-9]\d{0,5})\s?(KB|MB|GB|TB)$/i.exec(value) ?? [];
    const factor = UNITS[unit.toUpperCase()];
    return factor === undefined ? problems('expected a size such as `50GB`') : parsed(Number(digits) * factor);
  },
  { pattern: '^[1-9][0-9]{0,5} ?([KkMmGgTt][Bb])$' },
);

const PATH = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;

/** A repository as the file names it, without its host. */
export const repositoryName = parsedText(
  'a repository such as `acme/api`',
  (value) => {
    const [, arn] = /^arn:[^:]*:ecr[a-z-]*:[^:]*:[^:]*:repository\/(.+)$/.exec(value) ?? [];
    if (arn !== undefined) return problems(`write \`${arn}\`, not the ARN`);
    const [host = '', ...rest] = value.split('/');
    if (rest.length > 0 && /[.:]/.test(host) && rest.length > 0 && /\.[a-z]{2,}$|:\d+$/.test(host)) {
      return problems(`write \`${rest.join('/')}\` without the host, which \`registries\` names`);
    }
    if (/[:@]/.test(value)) return problems('expected a repository without a tag or digest');
    if (!PATH.test(value) || value.length > 255) {
      return problems(
        'a repository has lower-case letters, digits and single `.` `_` `-` between them, in parts with `/`',
      );
    }
    return parsed(value);
  },
  { maxLength: 255 },
);

/** Where a registry is: its host, with the part of the path that it sets apart. */
export const registryAddress = parsedText('a registry such as `docker.io/acme`', (value) => {
  if (/^[a-z]+:\/\//.test(value)) return problems('write the registry without `https://`');
  if (
    !/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:\/[a-z0-9][a-z0-9._/-]*[a-z0-9])?$/.test(value) ||
    value.includes('//')
  )
    return problems('expected a host such as `ghcr.io`, with a path where the registry has one');
  return parsed(value);
});

export const httpsUrl = parsedText('an address such as `https://example.com/hook`', (value) =>
  URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) && new URL(value).username === ''
    ? parsed(value)
    : problems('expected an address that begins with `https://`, without user and password'),
);

export const word = (expected: string) => text(expected, 300);
