import { type Parsed, parsed, problems } from '../parsed.ts';
import { didYouMean, quoted } from '../suggestion.ts';
import { readTextRule, type TextRule, type WantedIdentity } from './identity.ts';
import { all, meaningful } from './verification-subject.ts';

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
    // An expression that evaluates to nothing must not disable a check.
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
