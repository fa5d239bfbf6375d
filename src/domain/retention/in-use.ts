import type { Digest } from '../digest.ts';

/** Where it is written that an image is in use. */
export type InUseSourceKind =
  | 'promotions'
  | 'github-deployments'
  | 'kubernetes'
  | 'compose'
  | 'helm-values'
  | 'terraform'
  | 'list'
  | 'other';

export interface InUseSource {
  readonly kind: InUseSourceKind;
  /** For people: `environment production`, `deploy/app.yaml:14`. */
  readonly where: string;
}

/**
 * One image that something refers to. With a digest, the digest and its tags are kept; with a tag alone, what the tag points to
 * now. With both (`app:1.2@sha256:…`) both are kept. With neither, `latest` is meant, as docker does.
 */
export interface InUseImage {
  /** In full, as `ImageName.name`: `docker.io/library/alpine`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
  readonly source: InUseSource;
}

/** All that is known of use. A source that could not be read stops every repository: unknown is not unused. */
export interface InUse {
  readonly images: readonly InUseImage[];
  readonly unreadable: readonly { readonly source: InUseSource; readonly reason: string }[];
}
