import { type Fields, isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { normalPlatform } from '../platform.ts';
import { didYouMean, quoted, sentence } from '../suggestion.ts';
import { type Attribute, problemAt, readAttributes, readLines } from '../tags/rule-lines.ts';
import { readPredicateTypes } from '../trust/verification-subject.ts';
import type { PartName, PartPath } from './policy-part.ts';
import { signerTermProblems, splitProof } from './proof-terms.ts';
import { type ProvenanceTerms, type Requirement, UNITS } from './requirement.ts';

type Name = Requirement['name'];
type Reader = (attributes: readonly Attribute[]) => Parsed<Requirement>;

/** A line starts with its name: `provenance,builder=…` or `provenance=builder=…`. */
const READERS: Readonly<Record<Name, Reader>> = {
  platforms: readPlatforms,
  sbom: readSbom,
  provenance: readProvenance,
  signature: readSignature,
  scan: readScan,
  deployed: single('an environment, as in `deployed=staging`', (environment) => ({ name: 'deployed', environment })),
  branch: single('a branch, as in `branch=main`', (branch) => ({
    name: 'branch',
    branch: branch.replace(/^refs\/heads\//, ''),
  })),
  'not-older': bare({ name: 'not-older' }),
};
const NAMES: readonly string[] = Object.keys(READERS);

/** Reads the `require` input: one requirement per line, values after `=` and attributes after commas. */
export function readRequirements(lines: readonly string[]): Parsed<readonly Requirement[]> {
  return all(
    readLines(lines).map((line) => {
      const read = readLine(line.text);
      return read.ok ? read : problems(...read.problems.map((problem) => problemAt('require', line, problem)));
    }),
  );
}

/**
 * Reads a list from a policy file: lines as in the input, or maps with one key such as `platforms: [linux/amd64]`,
 * `provenance: { builder: … }`, `sbom: true`. A disabled switch is a problem: a policy lists what is required.
 * @param value parsed YAML
 * @param path of the list in the file
 * @param nameOf the file and a part of it, for messages
 */
export function readPolicy(value: unknown, path: PartPath, nameOf: PartName): Parsed<readonly Requirement[]> {
  if (!Array.isArray(value)) return problems(`${nameOf(path)}: expected a list of requirements, such as \`- sbom\`.`);
  return all(
    value.map((entry: unknown, at) => {
      const read = typeof entry === 'string' ? readLine(entry) : readEntry(entry);
      return read.ok
        ? read
        : problems(...read.problems.map((problem) => `${nameOf([...path, at])}: ${sentence(problem)}`));
    }),
  );
}

function readLine(text: string): Parsed<Requirement> {
  const read = readAttributes(text);
  if (!read.ok) return read;
  const [head, ...rest] = read.value;
  if (head === undefined) return problems('it is empty');
  if (head.key === undefined) return readNamed(head.value.toLowerCase(), rest);
  return readNamed(head.key, [toAttribute(head.value), ...rest]);
}

function readEntry(entry: unknown): Parsed<Requirement> {
  const [pair, ...more] = isFields(entry) ? Object.entries(entry) : [];
  if (pair === undefined || more.length > 0) {
    return problems('expected the name of a requirement, or a map with one as its only key');
  }
  const [name, value] = pair;
  const key = name.toLowerCase();
  if (value === true || value === null) return readNamed(key, []);
  if (Array.isArray(value)) {
    const values = value.map(scalar);
    return values.every((each) => each !== undefined)
      ? readNamed(
          key,
          values.map((each) => ({ value: each })),
        )
      : problems(`\`${key}\` contains something that is not a string`);
  }
  if (isFields(value)) return readFields(key, value);
  const text = scalar(value);
  return text === undefined
    ? problems(`\`${key}\` is ${quoted(String(value))}; leave it out when it is not required`)
    : readNamed(key, [toAttribute(text)]);
}

function readFields(name: string, fields: Fields): Parsed<Requirement> {
  const attributes = Object.entries(fields).map(([key, value]) => ({
    key: key.toLowerCase(),
    value: key.toLowerCase() === 'signed' && typeof value === 'boolean' ? String(value) : scalar(value),
  }));
  const wrong = attributes.find(({ value }) => value === undefined);
  if (wrong !== undefined) return problems(`\`${wrong.key}\` of \`${name}\` is not a text`);
  return readNamed(
    name,
    attributes.map(({ key, value = '' }) => ({ key, value })),
  );
}

function readNamed(name: string, attributes: readonly Attribute[]): Parsed<Requirement> {
  return isName(name)
    ? READERS[name](attributes)
    : problems(`unknown requirement ${quoted(name)}, expected ${NAMES.join(', ')}.${didYouMean(name, NAMES)}`);
}

function readPlatforms(attributes: readonly Attribute[]): Parsed<Requirement> {
  const platforms = attributes.map(({ key, value }) => (key === undefined ? value : `${key}=${value}`));
  const wrong = platforms.filter((each) => !/^[a-z0-9_-]+(?:\/[a-z0-9_.-]+){1,2}$/i.test(each));
  if (platforms.length === 0) return problems('it names no platform, expected `platforms=linux/amd64,linux/arm64`');
  return wrong.length > 0
    ? problems(...wrong.map((each) => `${quoted(each)} is not a platform such as linux/arm64`))
    : parsed({ name: 'platforms', platforms: [...new Set(platforms.map(normalPlatform))] });
}

function readSbom(attributes: readonly Attribute[]): Parsed<Requirement> {
  const split = splitProof('sbom', attributes);
  if (!split.ok) return split;
  const { others, ...proof } = split.value;
  return others.length === 0 ? parsed({ name: 'sbom', ...proof }) : problems('`sbom` takes no value but `signed`');
}

function readProvenance(given: readonly Attribute[]): Parsed<Requirement> {
  const split = splitProof('provenance', given);
  if (!split.ok) return split;
  const { others: attributes, ...proof } = split.value;
  const checks: Readonly<Record<keyof ProvenanceTerms, readonly [RegExp, string]>> = {
    builder: [/^[^*\s]+\*?$/, 'an address in full, or its beginning followed by `*`'],
    repository: [/^(?:[\w.-]+\/[\w.-]+|https?:\/\/\S+)$/, '`org/app` or an https address'],
    commit: [/^(?:[a-f0-9]{40}|[a-f0-9]{64})$/i, 'a full commit id'],
  };
  const isTerm = (key: string): key is keyof ProvenanceTerms => Object.hasOwn(checks, key);
  const found: string[] = [];
  const terms = new Map<keyof ProvenanceTerms, string>();
  for (const { key, value } of attributes) {
    const word = key ?? value;
    if (key === undefined || !isTerm(key)) {
      found.push(
        `\`provenance\` accepts builder=, repository=, commit= and signed, not ${quoted(word)}.${didYouMean(word, [...Object.keys(checks), 'signed'])}`,
      );
      continue;
    }
    const [grammar, expected] = checks[key];
    if (terms.has(key)) found.push(`\`${key}\` occurs twice`);
    // An empty expression must not disable a check.
    if (!grammar.test(value)) found.push(`\`${key}\` is ${quoted(value)}, expected ${expected}`);
    terms.set(key, key === 'commit' ? value.toLowerCase() : value);
  }
  return found.length > 0 ? problems(...found) : parsed({ name: 'provenance', ...Object.fromEntries(terms), ...proof });
}

function readSignature(attributes: readonly Attribute[]): Parsed<Requirement> {
  const found: string[] = [];
  const statements: string[] = [];
  const terms = new Map<string, string>();
  for (const { key, value } of attributes) {
    if (key === 'statement') {
      const types = readPredicateTypes([value]);
      if (types.ok) statements.push(...types.value);
      else found.push(...types.problems);
      if (value === '') found.push('`statement` of `signature` is empty');
    } else if (key !== 'identity' && key !== 'issuer') {
      const known = ['identity', 'issuer', 'statement'];
      found.push(
        `\`signature\` accepts identity=, issuer= and statement=, not ${quoted(key ?? value)}.${didYouMean(key ?? value, known)}`,
      );
    } else {
      if (terms.has(key)) found.push(`\`${key}\` is set twice`);
      // An empty expression must not disable a check.
      if (value === '') found.push(`\`${key}\` of \`signature\` is empty`);
      terms.set(key, value);
    }
  }
  found.push(...signerTermProblems('signature', terms));
  return found.length > 0
    ? problems(...found)
    : parsed({ name: 'signature', ...Object.fromEntries(terms), statements: [...new Set(statements)] });
}

function readScan(attributes: readonly Attribute[]): Parsed<Requirement> {
  const split = splitProof('scan', attributes);
  if (!split.ok) return split;
  const { others, ...proof } = split.value;
  const [first, ...more] = others;
  if (more.length > 0) return problems('`scan` takes one of `now` and `max-age=7d`');
  if (first === undefined || (first.key === undefined && first.value === 'now')) {
    return proof.proof === undefined
      ? parsed({ name: 'scan', maxAge: 'now' })
      : problems('`signed` of `scan` is for an earlier scan: write `scan,max-age=7d,signed`');
  }
  const [, digits, unit = ''] = /^([1-9]\d{0,4})([mhd])$/.exec(first.value) ?? [];
  const size = UNITS[unit];
  return first.key !== 'max-age' || digits === undefined || size === undefined
    ? problems(
        `\`scan\` has ${quoted([first.key, first.value].filter((each) => each !== undefined).join('='))}, expected \`now\` or \`max-age=\` and a length of time such as 7d or 12h`,
      )
    : parsed({ name: 'scan', maxAge: Number(digits) * size, ...proof });
}

function bare(requirement: Requirement): Reader {
  return (attributes) =>
    attributes.length === 0 ? parsed(requirement) : problems(`\`${requirement.name}\` takes no value`);
}

function single(expected: string, make: (value: string) => Requirement): Reader {
  return ([first, ...more]) =>
    first === undefined || first.value === '' || first.key !== undefined || more.length > 0
      ? problems(`expected ${expected}; write one line for each`)
      : parsed(make(first.value));
}

function all(read: readonly Parsed<Requirement>[]): Parsed<readonly Requirement[]> {
  const found = read.flatMap((each) => (each.ok ? [] : each.problems));
  return found.length > 0 ? problems(...found) : parsed(read.flatMap((each) => (each.ok ? [each.value] : [])));
}

function toAttribute(text: string): Attribute {
  const at = text.indexOf('=');
  return at < 1
    ? { value: text.trim() }
    : { key: text.slice(0, at).trim().toLowerCase(), value: text.slice(at + 1).trim() };
}

function scalar(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function isName(name: string): name is Name {
  return Object.hasOwn(READERS, name);
}
