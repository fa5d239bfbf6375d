import { parsed, problems as refused } from '../domain/parsed.ts';
import { normalPlatform } from '../domain/platform.ts';
import { didYouMean, quoted } from '../domain/suggestion.ts';
import { list } from './lists.ts';
import type { Facts, Field } from './schema.ts';

const SYSTEMS = ['linux', 'windows', 'darwin', 'freebsd', 'netbsd', 'openbsd', 'wasi', 'wasip1', 'wasip2'];
const ARCHITECTURES = [
  '386',
  'amd64',
  'arm',
  'arm64',
  'loong64',
  'mips',
  'mips64',
  'mips64le',
  'mipsle',
  'ppc64le',
  'riscv64',
  's390x',
  'wasm',
];
const VARIANT = /^(?:v\d+(?:\.\d+)?|rva\d+u\d+|softfloat|hardfloat|power\d+)$/;

/**
 * `os/architecture[/variant]` on lines or separated by commas, normalised and without duplicates; `local` is the
 * builder's own.
 */
export function platforms(facts: Facts): Field<readonly string[]> {
  const items = list(facts, problem);
  return {
    ...items,
    read: (raw, mask) => {
      const read = items.read(raw, mask);
      if (!read.ok) return read;
      const names = read.value.map((item) => (item === 'local' ? item : normalPlatform(item)));
      const twice = new Set(names.filter((name, at) => names.indexOf(name) !== at));
      return twice.size > 0 ? refused(...[...twice].map((name) => `names ${name} more than once.`)) : parsed(names);
    },
  };
}

function problem(item: string): string | undefined {
  if (item === 'local') return undefined;
  const [os = '', architecture = '', variant, ...rest] = normalPlatform(item).split('/');
  const got = `got ${quoted(item)}`;
  if (!item.includes('/') || rest.length > 0) return `${got}, expected os/architecture such as linux/arm64.`;
  const system = /^([a-z0-9]+)(?:\([\w.]+\))?$/.exec(os)?.[1] ?? os;
  if (!SYSTEMS.includes(system))
    return `${got}, and ${quoted(os)} is no operating system.${didYouMean(system, SYSTEMS)}`;
  if (!ARCHITECTURES.includes(architecture)) {
    return `${got}, and ${quoted(architecture)} is no architecture.${didYouMean(architecture, ARCHITECTURES)}`;
  }
  return variant === undefined || VARIANT.test(variant) ? undefined : `${got}, and ${quoted(variant)} is no variant.`;
}
