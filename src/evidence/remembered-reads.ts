import { isDigest } from '../domain/digest.ts';
import type { Repository } from '../oci/client/repository.ts';

/** A repository whose manifests, by digest, and lists of referrers are requested once. */
export type RememberReads = (repository: Repository) => Repository;

/** Maximum number of answers that are kept. */
const MAX_ANSWERS = 500;

/**
 * Reads that several parts of a plan share: the history and the signatures of an image are in the same list. Tags are requested each
 * time, because they move, and a read that failed is tried again. Not for what is read after a write.
 */
export function rememberReads(): RememberReads {
  const manifests = new Map<string, ReturnType<Repository['get']>>();
  const lists = new Map<string, ReturnType<Repository['referrers']>>();
  return (repository) => {
    const keyOf = (reference: string) => `${repository.host}/${repository.name}@${reference}`;
    return {
      ...repository,
      get: (reference) =>
        isDigest(reference)
          ? remembered(manifests, keyOf(reference), () => repository.get(reference))
          : repository.get(reference),
      referrers: (digest, known) =>
        known === undefined
          ? remembered(lists, keyOf(digest), () => repository.referrers(digest))
          : repository.referrers(digest, known),
    };
  };
}

function remembered<T>(answers: Map<string, Promise<T>>, key: string, request: () => Promise<T>): Promise<T> {
  const known = answers.get(key);
  if (known !== undefined) return known;
  const answer = request();
  if (answers.size < MAX_ANSWERS) answers.set(key, answer);
  answer.catch(() => answers.delete(key));
  return answer;
}
