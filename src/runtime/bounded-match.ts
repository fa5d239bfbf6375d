import { runInNewContext } from 'node:vm';
import { quoted } from '../domain/suggestion.ts';
import { RuleProblem } from '../domain/tags/sources.ts';

const MATCH_LIMIT_MS = 250;

/**
 * `text.match(pattern)` within a time limit: a pattern such as `^(a+)+$` takes exponential time on a text that it does
 * not match, and the text is a git tag that anyone may have named.
 * https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS
 * @returns the groups; undefined when it does not match
 * @throws RuleProblem when it takes too long
 */
export function matchBounded(text: string, pattern: RegExp): readonly (string | undefined)[] | undefined {
  let found: unknown;
  try {
    found = runInNewContext(
      'JSON.stringify(text.match(new RegExp(source, flags)))',
      { text, source: pattern.source, flags: pattern.flags },
      { timeout: MATCH_LIMIT_MS },
    );
  } catch {
    throw new RuleProblem(
      `the regular expression ${quoted(pattern.source)} takes too long on ${quoted(text)}. Repeat nothing that is repeated already, such as in \`(a+)+\``,
    );
  }
  const groups: unknown = JSON.parse(String(found));
  return Array.isArray(groups)
    ? groups.map((each: unknown) => (typeof each === 'string' ? each : undefined))
    : undefined;
}
