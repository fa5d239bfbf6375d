import { errorReply, type Reply } from './registry-exchange.ts';

export interface ImmutableTags {
  /** A regular expression, or what answers like one. */
  readonly tags: Pick<RegExp, 'test'>;
  readonly style: 'ecr' | 'harbor' | 'quay' | 'acr' | 'artifactory';
}

/** How registries refuse to move an immutable tag, in their own words. ECR and Harbor refuse the same digest, too. */
export function immutableReply(
  { tags, style }: ImmutableTags,
  name: string,
  tag: string,
  held: string | undefined,
  digest: string,
): Reply | undefined {
  if (held === undefined || tag.includes(':') || !tags.test(tag)) return undefined;
  if (held === digest && style !== 'ecr' && style !== 'harbor') return undefined;
  switch (style) {
    case 'ecr': {
      const place = `The image tag '${tag}' already exists in the '${name}' repository`;
      return errorReply(400, 'TAG_INVALID', `${place} and cannot be overwritten because the repository is immutable.`);
    }
    case 'harbor': {
      const what = `Failed to process request due to '${name}:${tag}' configured as immutable.`;
      return errorReply(412, 'PRECONDITION', what);
    }
    case 'quay':
      return errorReply(409, 'TAG_IMMUTABLE', 'tag is immutable and cannot be overwritten', { tag });
    case 'acr': {
      const why = 'The operation is disallowed on this registry, repository or image. View troubleshooting steps.';
      return errorReply(405, 'REGISTRY_DISALLOWED_OPERATION', why);
    }
    case 'artifactory':
      return errorReply(403, 'MANIFEST_INVALID', 'manifest invalid', { description: 'HTTP 403 Forbidden' });
  }
}
