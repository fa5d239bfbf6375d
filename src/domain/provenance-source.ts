import { COMMIT } from './commit.ts';
import { type Fields, fieldsOf, isPlainText } from './fields.ts';
import { type ProvenanceFacts, repositoryKey } from './promotion/provenance.ts';

/** A place of a provenance that names the source, as it stands there. */
interface Claim {
  readonly repository: unknown;
  readonly commit: unknown;
}

/**
 * The source that a SLSA provenance names, v1 or v0.2, in whatever place its builder has for it. What two places say
 * differently, and a commit that is none (buildx writes `…-dirty` for a changed checkout), is left out: nothing can be
 * met by what is doubtful.
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

/** Text that somebody else wrote: at most 2048 characters, on one line; undefined when it is anything else. */
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

/** Where a build from a remote context took it from; a local one has only the name of the Dockerfile there. */
function gitClaim(configSource: unknown): Claim {
  const { uri, digest } = fieldsOf(configSource);
  return { repository: uri, commit: fieldsOf(digest).sha1 };
}

/** The first dependency is the source itself where the builder is GitHub; for BuildKit it is any image. */
function dependencyClaim(dependency: unknown): Claim {
  const { uri, digest } = fieldsOf(dependency);
  const { gitCommit } = fieldsOf(digest);
  const isSource = typeof uri === 'string' && uri.startsWith('git+') && gitCommit !== undefined;
  return isSource ? { repository: uri, commit: gitCommit } : { repository: undefined, commit: undefined };
}

/** What buildx found out about the checkout that it built from. */
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
  // What cannot be read is a word against the others too.
  if (texts.length < said.length) return undefined;
  return new Set(texts.map(key)).size === 1 ? texts[0] : undefined;
}

/** An address without what may be a password in it. */
function withoutUser(address: string): string {
  return address.replace(/^((?:git\+)?https?:\/\/)[^/?#]*@/i, '$1');
}
