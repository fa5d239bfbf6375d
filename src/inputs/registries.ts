import { type Parsed, parsed, problems as refused } from '../domain/parsed.ts';
import { didYouMean, quoted } from '../domain/suggestion.ts';
import { readHost } from './logins.ts';
import { type Facts, type Field, field, oneOf } from './schema.ts';
import { VENDOR_IDS, type VendorId } from './vendors.ts';

/** The kinds of registries by host; `*` stands for all hosts without a matching pattern. */
export type RegistryTypes = readonly (readonly [host: string, kind: VendorId])[];

/** `harbor`, or a list of `host=kind`. */
export function registryType(facts: Facts): Field<RegistryTypes> {
  return field('kind, or list of host=kind', facts, (raw) =>
    collect(raw, (item) => {
      const [, host = '*', kind = ''] = /^(?:([^=]+)=)?([^=]+)$/.exec(item) ?? [];
      const known = VENDOR_IDS.find((id) => id === kind.trim());
      if (known === undefined) {
        return refused(
          `got ${quoted(item)}, expected a kind or host=kind; the kinds are ${oneOf(VENDOR_IDS)}.${didYouMean(kind, VENDOR_IDS)}`,
        );
      }
      const name = host === '*' ? parsed('*') : readHost(host);
      return name.ok ? parsed([name.value, known] as const) : name;
    }),
  );
}

/** A list of `host=URL`. */
export function registryApi(facts: Facts): Field<readonly (readonly [host: string, base: URL])[]> {
  return field('list of host=URL', facts, (raw) =>
    collect(raw, (item) => {
      const [, host = '', address = ''] = /^([^=\s]+)=(\S+)$/.exec(item) ?? [];
      if (address === '') {
        return refused(`got ${quoted(item)}, expected host=URL such as registry.example.com=https://api.example.com.`);
      }
      const url = readApi(address);
      if (!url.ok) return url;
      const name = readHost(host);
      return name.ok ? parsed([name.value, url.value] as const) : name;
    }),
  );
}

/** The base URL of a management API. */
function readApi(raw: string): Parsed<URL> {
  const url = URL.canParse(raw) ? new URL(raw) : undefined;
  if (url !== undefined && (url.username !== '' || url.password !== '')) {
    // Not quoted: it is a secret.
    return refused('contains a user name or a password. Set them in `username` and `password`.');
  }
  return url !== undefined && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === ''
    ? parsed(url)
    : refused(`got ${quoted(raw)}, expected host=URL such as registry.example.com=https://api.example.com.`);
}

function collect<T>(
  raw: string,
  read: (item: string) => Parsed<readonly [string, T]>,
): Parsed<readonly (readonly [string, T])[]> {
  const items = raw.split(/[,\n]/).flatMap((item) => item.trim() || []);
  const all = items.map(read);
  const problems = all.flatMap((each) => (each.ok ? [] : each.problems));
  const found = all.flatMap((each) => (each.ok ? [each.value] : []));
  const names = found.map(([host]) => host);
  const twice = names.find((host, at) => names.indexOf(host) !== at);
  if (twice !== undefined) problems.push(`${twice} is given more than once.`);
  return problems.length > 0 ? refused(...problems) : parsed(found);
}
