import { fieldsOf, isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';

/** What a trust policy of notation asks for at one repository. */
export interface NotationScope {
  /** Identities that may sign: `x509.subject: C=DE, O=acme, CN=release`. */
  readonly identities: readonly string[];
  /** `ca:acme` */
  readonly stores: readonly string[];
}

/**
 * Finds what a trust policy asks for at a repository. notation itself also passes what a policy does not check at all: only the
 * level `strict` without exceptions, certificates and named identities count here.
 * https://github.com/notaryproject/specifications/blob/main/specs/trust-store-trust-policy.md
 * @param policy parsed JSON of `trustpolicy.json`
 * @param repository `ghcr.io/org/app`
 */
export function notationScope(policy: unknown, repository: string): Parsed<NotationScope> {
  const { version, trustPolicies } = fieldsOf(policy);
  if (version !== '1.0' || !Array.isArray(trustPolicies)) return problems('it is no trust policy of version 1.0');
  const entries = trustPolicies.filter(isFields);
  const scoped = (scope: string) => entries.find((entry) => textsOf(entry.registryScopes).includes(scope));
  const entry = scoped(repository) ?? scoped('*');
  if (entry === undefined) {
    return problems(`it has no entry for ${repository}: scopes are exact, and a promotion target needs one of its own`);
  }
  const { level, override } = fieldsOf(entry.signatureVerification);
  if (level !== 'strict')
    return problems(`its level for ${repository} is ${String(level)}, which passes too much; use strict`);
  if (override !== undefined) return problems(`its entry for ${repository} weakens strict with \`override\``);
  const identities = textsOf(entry.trustedIdentities);
  const stores = textsOf(entry.trustStores);
  if (identities.length === 0 || identities.includes('*')) {
    return problems(`its entry for ${repository} trusts every identity; name those that may sign`);
  }
  if (stores.length === 0) return problems(`its entry for ${repository} names no trust store`);
  return parsed({ identities, stores });
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
