import { COMMIT } from './commit.ts';
import { type Fields, fieldsOf, isPlainText } from './fields.ts';
import { type ProvenanceFacts, repositoryKey } from './promotion/provenance.ts';

/** A provenance field that names the source, unparsed. */
interface Claim {
  readonly repository: unknown;
  readonly commit: unknown;
}

/**
 * The source in a SLSA provenance, v1 or v0.2, in any field that builders use. Contradictory values and invalid commits
 * (buildx writes `…-dirty` for a changed checkout) are left out: doubtful values must not satisfy a requirement.
 * https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md
 * https://slsa.dev/spec/v1.0/provenance, https://actions.github.io/buildtypes/workflow/v1
 */
export function sourceOf(predicate: Fields): Pick<ProvenanceFacts, 'repository' | 'commit'> {
  const claims = [...claimsOfV1(predicate), ...claimsOfV02(predicate)];
  const repository = agreed(claims, (each) => each.repository, repositoryKey);
  const commit = agreed(
    claims,
    (each) => each.commit,
    (text) => text.toLowerCase(),
  )?.toLowerCase();
  return {
    ...(repository === undefined ? {} : { repository: withoutUser(repository) }),
    ...(commit === undefined || !COMMIT.test(commit) ? {} : { commit }),
  };
}

/** Untrusted text: at most 2048 characters, on one line; undefined otherwise. */
export function plainText(value: unknown): string | undefined {
  return isPlainText(value) ? value : undefined;
}

function claimsOfV1(predicate: Fields): readonly Claim[] {
  const { externalParameters, resolvedDependencies } = fieldsOf(predicate.buildDefinition);
  const { configSource, workflow } = fieldsOf(externalParameters);
  const { metadata } = fieldsOf(predicate.runDetails);
  return [
    gitClaim(configSource),
    { repository: fieldsOf(workflow).repository, commit: undefined },
    dependencyClaim(Array.isArray(resolvedDependencies) ? resolvedDependencies[0] : undefined),
    vcsClaim(fieldsOf(metadata).buildkit_metadata),
  ];
}

function claimsOfV02(predicate: Fields): readonly Claim[] {
  const metadata = fieldsOf(predicate.metadata);
  return [
    gitClaim(fieldsOf(predicate.invocation).configSource),
    vcsClaim(metadata['https://mobyproject.org/buildkit@v1#metadata']),
  ];
}

/** The source of a remote build context; for a local one this field only has the name of the Dockerfile. */
function gitClaim(configSource: unknown): Claim {
  const { uri, digest } = fieldsOf(configSource);
  return { repository: uri, commit: fieldsOf(digest).sha1 };
}

/** For GitHub's builder the first dependency is the source; for BuildKit it is any image. */
function dependencyClaim(dependency: unknown): Claim {
  const { uri, digest } = fieldsOf(dependency);
  const { gitCommit } = fieldsOf(digest);
  const isSource = typeof uri === 'string' && uri.startsWith('git+') && gitCommit !== undefined;
  return isSource ? { repository: uri, commit: gitCommit } : { repository: undefined, commit: undefined };
}

/** Buildx's description of the checkout. */
function vcsClaim(metadata: unknown): Claim {
  const { source, revision } = fieldsOf(fieldsOf(metadata).vcs);
  return { repository: source, commit: revision };
}

function agreed(
  claims: readonly Claim[],
  pick: (claim: Claim) => unknown,
  key: (text: string) => string,
): string | undefined {
  const said = claims.map(pick).filter((each) => each !== undefined && each !== '');
  const texts = said.map(plainText).filter((each) => each !== undefined);
  // An unreadable value also contradicts the others.
  if (texts.length < said.length) return undefined;
  return new Set(texts.map(key)).size === 1 ? texts[0] : undefined;
}

/** A URL without possible passwords. */
function withoutUser(address: string): string {
  return address.replace(/^((?:git\+)?https?:\/\/)[^/?#]*@/i, '$1');
}
