import { ActionError } from '../../errors/action-error.ts';
import type { Session } from './session.ts';
import { LIST_LIMIT, MIN_PAGE_BYTES, nextPage } from './tags.ts';

const PAGE_LIMIT = 8 * 1024 * 1024;
const PAGE_SIZE = 1000;
const MAX_REPOSITORIES = 100_000;
/** How registries answer that have no list, or that give none to these credentials. */
const ABSENT = [404, 405, 501];

/**
 * All repositories of a registry that has the list of Docker's registry; the OCI specification has none.
 * https://distribution.github.io/distribution/spec/api/#listing-repositories
 * @throws ActionError CAPABILITY_MISSING when it has none; UNAUTHORIZED, DENIED; ANSWER_INVALID when the pages do not end
 */
export async function listCatalog(session: Session, host: string, origin: string): Promise<readonly string[]> {
  const facts = { registry: host, operation: 'read' } as const;
  const what = 'GET the list of repositories';
  const names = new Set<string>();
  const seen = new Set<string>();
  let read = 0;
  let next: URL | undefined = new URL(`/v2/_catalog?n=${PAGE_SIZE}`, origin);
  while (next !== undefined) {
    const url: URL = next;
    if (seen.has(url.href) || names.size > MAX_REPOSITORIES || read > LIST_LIMIT) {
      throw new ActionError('ANSWER_INVALID', `The list of repositories of ${host} does not come to an end.`, {
        facts,
      });
    }
    const isFirst = seen.size === 0;
    seen.add(url.href);
    // Registries may allow smaller pages only: `catalog: maxentries` of distribution 3.
    const expect = isFirst ? [200, 400, ...ABSENT] : [200];
    const answer = await session.read(
      { method: 'GET', url, operation: 'read', scopes: [], expect, what, facts },
      PAGE_LIMIT,
    );
    if (answer.status === 400) {
      next = new URL('/v2/_catalog', origin);
      continue;
    }
    if (ABSENT.includes(answer.status)) {
      throw new ActionError(
        'CAPABILITY_MISSING',
        `${host} answered ${answer.status} to the request for its repositories: it does not list them.`,
        { facts: { ...facts, status: answer.status } },
      );
    }
    read += Math.max(answer.body.length, MIN_PAGE_BYTES);
    for (const name of readPage(answer.body, host)) names.add(name);
    next = nextPage(String(answer.headers.link ?? ''), url, origin, `the list of repositories of ${host}`);
  }
  return [...names];
}

function readPage(body: Buffer, host: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new ActionError('ANSWER_INVALID', `The list of repositories of ${host} is not JSON.`);
  }
  const names: unknown =
    typeof value === 'object' && value !== null && 'repositories' in value ? value.repositories : undefined;
  // An empty registry may answer null.
  if (names === null) return [];
  if (!Array.isArray(names)) {
    throw new ActionError('ANSWER_INVALID', `The list of repositories of ${host} has no \`repositories\`.`);
  }
  return names.filter((name) => typeof name === 'string');
}
