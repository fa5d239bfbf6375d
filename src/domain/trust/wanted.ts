import { type Digest, isDigest } from '../digest.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { type ImageName, parseImageName } from '../reference.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import { isTag } from '../tags/grammar.ts';
import { readTextRule, type TextRule, type WantedIdentity } from './identity.ts';
import { PREDICATES, type PredicateName } from './predicates.ts';

/** What the certificate must say besides identity and issuer. */
export type WantedClaims = Omit<WantedIdentity, 'issuer' | 'identity'>;

type ClaimKey = keyof typeof CLAIM_READERS;

/** How each claim is written, `name=value`. */
const CLAIM_READERS = {
  repository: exact(
    'repository',
    /^https:\/\/[\w.-]+\/[\w.-]+\/[\w.-]+$/,
    'an address such as https://github.com/org/app',
  ),
  'repository-id': exact('repositoryId', /^\d{1,20}$/, 'the number of the repository'),
  commit: exact('commit', /^(?:[a-f0-9]{40}|[a-f0-9]{64})$/, 'a full commit id in lower case'),
  ref: rule('ref'),
  workflow: rule('workflow'),
  trigger: (value: string): Parsed<WantedClaims> => {
    const triggers = value.split(',').map((word) => word.trim());
    return triggers.every((word) => /^[a-z_]+$/.test(word))
      ? parsed({ triggers })
      : problems(`\`trigger\` is ${quoted(value)}, expected events such as push,workflow_dispatch`);
  },
  runner: (value: string): Parsed<WantedClaims> =>
    value === 'github-hosted' || value === 'self-hosted'
      ? parsed({ runner: value })
      : problems(`\`runner\` is ${quoted(value)}, expected github-hosted or self-hosted`),
  environment: (value: string): Parsed<WantedClaims> =>
    value === ''
      ? problems('`environment` is empty; write `environment=none` for jobs without one')
      : parsed({ environment: value === 'none' ? 'none' : { name: value } }),
} as const;

function exact(key: 'repository' | 'repositoryId' | 'commit', form: RegExp, expected: string) {
  return (value: string): Parsed<WantedClaims> =>
    // An expression that came to nothing must not turn a check off.
    form.test(value) ? parsed({ [key]: value }) : problems(`\`${key}\` is ${quoted(value)}, expected ${expected}`);
}

function rule(key: 'ref' | 'workflow') {
  return (value: string): Parsed<WantedClaims> => {
    if (value === '') return problems(`\`${key}\` is empty`);
    const read = readTextRule(value);
    return read.ok ? parsed({ [key]: read.value }) : read;
  };
}

/** Reads claims, one `name=value` a line; each once. */
export function readWantedClaims(lines: readonly string[]): Parsed<WantedClaims> {
  const found: string[] = [];
  const names = new Set<string>();
  let claims: WantedClaims = {};
  for (const line of meaningful(lines)) {
    const at = line.indexOf('=');
    const name = (at < 0 ? line : line.slice(0, at)).trim();
    if (!isClaim(name)) {
      const known = Object.keys(CLAIM_READERS);
      found.push(`unknown claim ${quoted(name)}, expected ${known.join(', ')}.${didYouMean(name, known)}`);
      continue;
    }
    if (names.has(name)) found.push(`\`${name}\` is set twice`);
    names.add(name);
    const read = CLAIM_READERS[name](at < 0 ? '' : line.slice(at + 1).trim());
    if (read.ok) claims = { ...claims, ...read.value };
    else found.push(...read.problems);
  }
  return found.length > 0 ? problems(...found) : parsed(claims);
}

function isClaim(name: string): name is ClaimKey {
  return Object.hasOwn(CLAIM_READERS, name);
}

/** Reads identities, one a line: in full, or a pattern between `^` and `$`. */
export function readIdentities(lines: readonly string[]): Parsed<readonly TextRule[]> {
  return all(meaningful(lines).map(readTextRule));
}

/** What each required statement is called in inputs. */
const NAMES: Readonly<Record<string, PredicateName>> = {
  signature: 'signature',
  provenance: 'provenance',
  sbom: 'sbom',
  vulnerabilities: 'vulnerabilities',
  'gate-result': 'gateResult',
};

/** Reads what must be signed, one a line or separated by commas: a name such as `gate-result`, or a predicate type. */
export function readPredicateTypes(lines: readonly string[]): Parsed<readonly string[]> {
  const words = meaningful(lines).flatMap((line) => line.split(',').map((word) => word.trim()));
  const types = all(
    words.map((word) => {
      const name = NAMES[word];
      if (name !== undefined) return parsed(PREDICATES[name]);
      if (/^https?:\/\/\S+$/.test(word)) return parsed(word);
      const known = Object.keys(NAMES);
      return problems(
        `${quoted(word)} is neither ${known.join(', ')} nor the address of a predicate type.${didYouMean(word, known)}`,
      );
    }),
  );
  return types.ok ? parsed([...new Set(types.value)]) : types;
}

/** An image to verify. */
export interface NamedImage {
  readonly reference: ImageName;
  /** Tag or digest. */
  readonly version: string;
  readonly digest?: Digest;
}

/** Reads full names, one a line: `ghcr.io/org/app:1.2.3`, `ghcr.io/org/app@sha256:…`, or both, where the digest counts. */
export function readNamedImages(lines: readonly string[]): Parsed<readonly NamedImage[]> {
  return all(meaningful(lines).map(readNamedImage));
}

function readNamedImage(line: string): Parsed<NamedImage> {
  const [before = '', digest, ...more] = line.split('@');
  const tagAt = before.lastIndexOf(':') > before.lastIndexOf('/') ? before.lastIndexOf(':') : -1;
  const tag = tagAt < 0 ? undefined : before.slice(tagAt + 1);
  const reference = parseImageName(tagAt < 0 ? before : before.slice(0, tagAt));
  if (!reference.ok) return reference;
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) {
    return problems(`${quoted(line)}: ${quoted(digest ?? '')} is no digest such as sha256:…`);
  }
  if (digest !== undefined && isDigest(digest)) return parsed({ reference: reference.value, version: digest, digest });
  if (tag === undefined || !isTag(tag)) return problems(`${quoted(line)} has neither a tag nor a digest`);
  return parsed({ reference: reference.value, version: tag });
}

function meaningful(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}

function all<T>(read: readonly Parsed<T>[]): Parsed<readonly T[]> {
  const found = read.flatMap((each) => (each.ok ? [] : each.problems));
  return found.length > 0 ? problems(...found) : parsed(read.flatMap((each) => (each.ok ? [each.value] : [])));
}
