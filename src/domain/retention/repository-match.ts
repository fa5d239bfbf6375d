import { RE2JS } from 're2js';
import type { CleanupPolicy, RepositoryPattern, RepositoryPolicy } from './policy.ts';

const COMPILED = new WeakMap<RepositoryPattern, RE2JS>();

/** The entries of a policy that are for a repository. More than one is a mistake that the plan reports. */
export function entriesFor(policy: CleanupPolicy, repository: string): readonly RepositoryPolicy[] {
  return policy.repositories.filter(
    ({ match }) =>
      match.some((pattern) => !pattern.negated && isNamedBy(pattern, repository)) &&
      !match.some((pattern) => pattern.negated && isNamedBy(pattern, repository)),
  );
}

/**
 * Whether a pattern names a repository, with or without its host; Docker Hub's `library/` may be left out, too. Whether it
 * takes out does not matter here.
 * @param repository in full, as `ImageName.name`
 */
export function isNamedBy(pattern: RepositoryPattern, repository: string): boolean {
  const regex = COMPILED.get(pattern) ?? RE2JS.compile(pattern.source);
  COMPILED.set(pattern, regex);
  const path = repository.slice(repository.indexOf('/') + 1);
  const official = repository.startsWith('docker.io/library/') ? [path.slice('library/'.length)] : [];
  return [repository, path, ...official].some((name) => regex.testExact(name));
}
