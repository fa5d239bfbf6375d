import type { RE2JS } from 're2js';
import { type Parsed, parsed, problems } from '../parsed.ts';
import type { CertificateClaims, ClaimName } from './claims.ts';

/** A text in full, or a pattern for all of it. */
export type TextRule =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'pattern'; readonly source: string; readonly pattern: RE2JS };

/** Who must have signed. What is left out is not compared, apart from identity and issuer, which always are. */
export interface WantedIdentity {
  readonly issuer: string;
  readonly identity: TextRule;
  /** `https://github.com/org/app`. A reusable workflow signs with one identity for every repository that calls it. */
  readonly repository?: string;
  readonly repositoryId?: string;
  readonly commit?: string;
  readonly ref?: TextRule;
  /** Events that may have started the run; all others are refused. */
  readonly triggers?: readonly string[];
  readonly runner?: 'github-hosted' | 'self-hosted';
  /** The GitHub environment of the job; `none`: the job had none. */
  readonly environment?: { readonly name: string } | 'none';
  /** Address of the workflow that the event started, with its ref. */
  readonly workflow?: TextRule;
}

/** What a pattern has, and addresses and mail addresses do not. */
const PATTERN_SIGNS = /[*|\\^$[\]]|\.\+/;
/** Two signers that have nothing in common: a pattern that accepts both accepts anybody. */
const ANYBODY = ['https://one.invalid/a/b@refs/heads/c', 'someone@two.invalid'];

type Re2 = Pick<typeof RE2JS, 'compile'>;

// Larger than all else that reads identities, and most of them are no patterns.
let re2: Re2 | undefined;

/** Loads the library for patterns if one of these texts contains one; call it before {@link readTextRule}. */
export async function loadIdentityPatterns(texts: readonly string[]): Promise<void> {
  if (texts.some((text) => text.includes('^'))) re2 ??= (await import('re2js')).RE2JS;
}

/**
 * Reads an identity, ref or workflow: in full, or a regular expression between `^` and `$`. Without both, `https://…/acme/app`
 * would also accept the workflows of `acme/app-evil`. The expression matches as a whole: `^a|b$` is `a` or `b` in full.
 */
export function readTextRule(text: string): Parsed<TextRule> {
  if (!text.startsWith('^') && !text.endsWith('$')) {
    return PATTERN_SIGNS.test(text)
      ? problems(`${quoted(text)} is a pattern without anchors; write it in full, or between \`^\` and \`$\``)
      : parsed({ kind: 'exact', text });
  }
  if (!text.startsWith('^') || !/(?<!\\)(?:\\\\)*\$$/.test(text)) {
    return problems(`${quoted(text)} is anchored on one side only; write a pattern between \`^\` and \`$\``);
  }
  if (re2 === undefined) throw new Error('A pattern is read before loadIdentityPatterns() has seen it.');
  const inner = text.slice(1, -1);
  try {
    // RE2, as cosign has it: the author of a branch chooses the text to match, so matching must take linear time.
    const pattern = re2.compile(inner);
    return ANYBODY.every((signer) => pattern.matches(signer))
      ? problems(`${quoted(text)} accepts everybody`)
      : parsed({ kind: 'pattern', source: text, pattern });
  } catch (error) {
    return problems(`${quoted(text)} is no regular expression: ${error instanceof Error ? error.message : 'invalid'}`);
  }
}

export function matchesRule(rule: TextRule, text: string): boolean {
  return rule.kind === 'exact' ? rule.text === text : rule.pattern.matches(text);
}

function ruleText(rule: TextRule): string {
  return rule.kind === 'exact' ? rule.text : rule.source;
}

/** Why a certificate is not that of the wanted signer, one sentence for each claim that differs; empty when it is. Pure. */
export function identityProblems(claims: CertificateClaims, wanted: WantedIdentity): readonly string[] {
  const differs = (what: string, found: string | undefined, expected: string) =>
    `its ${what} is ${found === undefined ? 'absent' : quoted(found)}, expected ${expected}`;
  const exact = (what: string, name: ClaimName, expected: string | undefined) =>
    expected === undefined || claims[name] === expected ? [] : [differs(what, claims[name], expected)];
  const rule = (what: string, found: string | undefined, expected: TextRule | undefined) =>
    expected === undefined || (found !== undefined && matchesRule(expected, found))
      ? []
      : [differs(what, found, ruleText(expected))];
  const { triggers, environment } = wanted;
  return [
    ...rule('identity', claims.identity, wanted.identity),
    ...exact('issuer', 'issuer', wanted.issuer),
    ...exact('repository', 'repository', wanted.repository),
    ...exact('repository id', 'repositoryId', wanted.repositoryId),
    ...exact('commit', 'commit', wanted.commit),
    ...rule('ref', claims.ref, wanted.ref),
    ...rule('workflow', claims.workflow, wanted.workflow),
    ...exact('runner', 'runner', wanted.runner),
    // A list of what is allowed: pull_request_target and workflow_run carry the default branch's ref, too.
    ...(triggers === undefined || triggers.includes(claims.trigger ?? '')
      ? []
      : [differs('trigger', claims.trigger, triggers.join(' or '))]),
    ...(environment === 'none' && claims.environment !== undefined
      ? [`it was made in the environment ${quoted(claims.environment)}, expected none`]
      : []),
    ...(typeof environment === 'object' ? exact('environment', 'environment', environment.name) : []),
  ];
}

/** Whole: the ref at the end of an identity is often what differs. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 299)}…` : text);
}
