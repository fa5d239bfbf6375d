/** Kinds of registries that a hint is about; `*` stands for any other one. */
interface Hint {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly text: string;
}

/** What vendors do by themselves, as sentences. The first that fits is shown. */
const HINTS: readonly Hint[] = [
  {
    from: ['ecr'],
    to: ['ecr'],
    text: 'Amazon ECR replicates between regions and accounts by itself, with everything that refers to an image, as soon as it is pushed. A mirror is still needed for what was pushed before the rule existed, for other names, and for a selection of tags.',
  },
  {
    from: ['docker-hub', 'ghcr', 'ecr-public', 'acr', 'quay', 'registry.k8s.io'],
    to: ['ecr'],
    text: 'An Amazon ECR pull-through cache rule fetches images of this source at their first pull, without a schedule. A mirror keeps what the source deletes, copies signatures, and can refuse a version that changes.',
  },
  {
    from: ['*'],
    to: ['acr'],
    text: '`az acr import` copies inside Azure, without this runner in between. A mirror copies signatures and SBOMs too, and only what changed.',
  },
  {
    from: ['*'],
    to: ['harbor'],
    text: 'Harbor pulls from this source by itself with a replication rule or a proxy cache project. A mirror also refuses a version that changes, and reports its plan first.',
  },
  {
    from: ['harbor'],
    to: ['*'],
    text: 'Harbor pushes to this target by itself with a replication rule, as soon as an image is pushed.',
  },
  {
    from: ['docker-hub', '*'],
    to: ['artifact-registry'],
    text: 'An Artifact Registry remote repository caches this source at the first pull, without a schedule. A mirror keeps what the source deletes, and copies signatures.',
  },
  {
    from: ['*'],
    to: ['artifactory', 'nexus'],
    text: 'A remote (proxy) repository there caches this source at the first pull, without a schedule. A mirror keeps what the source deletes, and copies signatures.',
  },
];

/**
 * The vendor's own way to do what a mirror does, as a sentence; undefined when there is none.
 * @param source kind of registry and host
 * @param target kind of registry
 */
export function vendorHint(
  source: { readonly kind: string; readonly host: string },
  target: { readonly kind: string },
): string | undefined {
  const known = source.host === 'quay.io' ? 'quay' : source.host === 'registry.k8s.io' ? source.host : source.kind;
  const fits = (kinds: readonly string[], kind: string) => kinds.includes(kind) || kinds.includes('*');
  return HINTS.find(({ from, to }) => fits(from, known) && fits(to, target.kind))?.text;
}
