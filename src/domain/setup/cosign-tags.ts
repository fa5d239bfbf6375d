import type { DesiredRepository, Immutability } from './desired-state.ts';
import { selects } from './resolve.ts';
import type { Mistake } from './setting.ts';

/** https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#tag-based-discovery */
const SIGNATURE_TAG = `sha256-${'0'.repeat(64)}.sig`;

/**
 * Warnings where tags that cosign writes once for each signature could not be moved.
 * @param instead what to do about it at this vendor
 */
export function cosignWarnings(
  repositories: readonly Pick<DesiredRepository, 'settings'>[],
  instead: string,
): readonly Mistake[] {
  return repositories.flatMap(({ settings: { immutable } }): readonly Mistake[] => {
    if (immutable === undefined || !isFixed(immutable.value)) return [];
    const message = `cosign could not add a second signature under its tag \`sha256-….sig\`: if you sign with cosign, ${instead}`;
    return [{ severity: 'warning', line: immutable.line, message }];
  });
}

function isFixed(immutable: Immutability): boolean {
  if (!('tags' in immutable)) return immutable.mode === 'all';
  const isNamed = immutable.tags.some((pattern) => selects(pattern, SIGNATURE_TAG));
  return immutable.mode === 'only' ? isNamed : !isNamed;
}

/** For vendors that take patterns of exceptions. */
export const EXCEPT_SIGNATURES = 'write `immutable: {except: ["sha256-*"]}`, with the other exceptions';

/** For vendors that take no such exceptions. */
export const SIGNATURES_ELSEWHERE =
  "let it write signatures to another repository with `COSIGN_REPOSITORY`, or to the registry's list of referrers";
