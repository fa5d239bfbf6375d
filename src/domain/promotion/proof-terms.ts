import { type Parsed, parsed, problems } from '../parsed.ts';
import { quoted } from '../suggestion.ts';
import type { Attribute } from '../tags/rule-lines.ts';

/** A requirement that only a signed statement meets. */
export interface ProofTerms {
  /** Who must have signed, in full or as a pattern between `^` and `$`; undefined: as configured by the inputs. */
  readonly identity?: string;
  readonly issuer?: string;
}

const KEYS: readonly string[] = ['signed', 'identity', 'issuer'];

/**
 * Takes `signed`, `identity=` and `issuer=` out of the attributes of a requirement.
 * @param name of the requirement, for messages
 */
export function splitProof(
  name: string,
  attributes: readonly Attribute[],
): Parsed<{ readonly proof?: ProofTerms; readonly others: readonly Attribute[] }> {
  const isProof = ({ key, value }: Attribute) => (key === undefined ? value === 'signed' : KEYS.includes(key));
  const own = attributes.filter(isProof);
  const others = attributes.filter((attribute) => !isProof(attribute));
  if (own.length === 0) return parsed({ others });
  const found: string[] = [];
  const terms = new Map<string, string>();
  for (const { key, value } of own) {
    if (key === undefined) continue;
    if (terms.has(key)) found.push(`\`${key}\` is set twice`);
    // An empty expression must not disable a check.
    if (value === '') found.push(`\`${key}\` of \`${name}\` is empty`);
    if (key === 'signed' && value !== 'true' && value !== '') {
      found.push(`\`signed\` of \`${name}\` is ${quoted(value)}; leave it out when no signature is required`);
    }
    terms.set(key, value);
  }
  terms.delete('signed');
  found.push(...signerTermProblems(name, terms));
  return found.length > 0 ? problems(...found) : parsed({ proof: Object.fromEntries(terms), others });
}

/** Problems with `identity` and `issuer` of a requirement. */
export function signerTermProblems(name: string, terms: ReadonlyMap<string, string>): readonly string[] {
  const identity = terms.get('identity');
  const isUnanchored = identity !== undefined && /^\^|[*\\]|\$$/.test(identity) && !/^\^.*\$$/.test(identity);
  return [
    ...(terms.has('issuer') && identity === undefined ? [`\`issuer\` of \`${name}\` needs \`identity\` as well`] : []),
    ...(isUnanchored
      ? [`\`identity\` is a pattern without anchors; write it in full, or between \`^\` and \`$\``]
      : []),
  ];
}

/** The terms as attributes of a line; empty without a demand for proof. */
export function proofText(proof: ProofTerms | undefined): readonly string[] {
  if (proof === undefined) return [];
  const { identity, issuer } = proof;
  return [
    'signed',
    ...(identity === undefined ? [] : [`identity=${identity}`]),
    ...(issuer === undefined ? [] : [`issuer=${issuer}`]),
  ];
}
