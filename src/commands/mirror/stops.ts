import type { ActionError } from '../../errors/action-error.ts';
import type { ErrorCode } from '../../errors/catalogue.ts';

/** Errors about one image or tag: others of the same repository may be fine. */
const IMAGE_CODES: readonly ErrorCode[] = [
  'MANIFEST_UNKNOWN',
  'MIRROR_TAG_MISSING',
  'ANSWER_INVALID',
  'DIGEST_MISMATCH',
  'UNSUPPORTED',
  'TOO_LARGE',
  'PULL_BLOCKED',
  'MANIFEST_INVALID',
  'BLOB_UNKNOWN',
  'TAG_IMMUTABLE',
  'TAG_NOT_MOVED',
  'MIRROR_TAG_MOVED',
  'PLATFORM_MISSING',
  'INTERNAL',
];

/** Images that a server may fail to deliver before its repository is left alone. */
const MAX_SERVER_ERRORS = 3;

/** A source or a target, with the number of errors of its server. */
export interface Troubled {
  serverErrors: number;
}

/**
 * Whether nothing else of a repository can succeed either after this error. A server that answers 500 may do so for one
 * broken image only, so it takes several of them.
 */
export function stopsRepository({ code, facts }: ActionError, repository: Troubled): boolean {
  if (IMAGE_CODES.includes(code)) return false;
  if (code !== 'REGISTRY_UNAVAILABLE' || facts.status === undefined) return true;
  repository.serverErrors++;
  return repository.serverErrors >= MAX_SERVER_ERRORS;
}
