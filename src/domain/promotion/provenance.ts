import { quoted } from '../suggestion.ts';
import type { ProvenanceTerms } from './requirement.ts';
import type { RequirementCheck } from './requirement-check.ts';

/** The facts in a SLSA provenance. https://slsa.dev/spec/v1.0/provenance */
export interface ProvenanceFacts {
  readonly builder?: string;
  /** Source URL: `https://github.com/org/app`. */
  readonly repository?: string;
  /** Full commit id. */
  readonly commit?: string;
}

/** Whether the provenance of one platform matches the requirement. At least one must exist, and all must match. */
export function judgeProvenance(terms: ProvenanceTerms, provenances: readonly ProvenanceFacts[]): RequirementCheck {
  if (provenances.length === 0) return { met: false, reason: 'there is no provenance' };
  const wrong = provenances.flatMap((facts) => {
    const { builder, repository, commit } = facts;
    return [
      ...term('builder', terms.builder, builder, isBuilder),
      ...term('repository', terms.repository, repository, (want, got) => repositoryKey(want) === repositoryKey(got)),
      ...term('commit', terms.commit, commit, (want, got) => want.toLowerCase() === got.toLowerCase()),
    ];
  });
  if (wrong.length > 0) return { met: false, reason: `its provenance ${[...new Set(wrong)].join(', and ')}` };
  const said = [terms.builder && 'builder', terms.repository && 'repository', terms.commit && 'commit'].filter(Boolean);
  return { met: true, detail: said.length > 0 ? `a provenance with the required ${said.join(', ')}` : 'a provenance' };
}

function term(
  name: keyof ProvenanceTerms,
  want: string | undefined,
  got: string | undefined,
  agrees: (want: string, got: string) => boolean,
): readonly string[] {
  if (want === undefined) return [];
  if (got === undefined || got === '') return [`names no ${name}`];
  return agrees(want, got) ? [] : [`has the ${name} ${quoted(got)}, not ${quoted(want)}`];
}

function isBuilder(want: string, got: string): boolean {
  return want.endsWith('*') ? got.startsWith(want.slice(0, -1)) : got === want;
}

/**
 * Normalises repository URLs: BuildKit writes `https://github.com/org/app.git#refs/heads/main`, others
 * `git+https://github.com/org/app@refs/heads/main`, and a checkout may have the remote `git@github.com:org/app.git`.
 * `org/app` is on github.com. https://git-scm.com/docs/git-clone#_git_urls
 */
export function repositoryKey(text: string): string {
  const address = /^[\w.-]+\/[\w.-]+$/.test(text) ? `https://github.com/${text}` : text;
  return address
    .replace(/^git\+/, '')
    .replace(/^ssh:\/\/(?:[^/@]*@)?([^/@:]+)(?::22)?\//i, 'https://$1/')
    .replace(/^[\w.-]+@([\w.-]+):\/?(?!\/)/, 'https://$1/')
    .replace(/[?#].*$/s, '')
    .replace(/@refs\/.*$/s, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .toLowerCase();
}
