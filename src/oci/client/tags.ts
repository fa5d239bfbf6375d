import { ActionError } from '../../errors/action-error.ts';
import type { RepositoryContext } from './context.ts';

const PAGE_LIMIT = 8 * 1024 * 1024;
const PAGE_SIZE = 1000;
const MAX_TAGS = 100_000;
/**
 * Size limit for all pages of a list, in bytes. Empty pages count a little too, so that an endless series of them ends.
 */
export const LIST_LIMIT = 64 * 1024 * 1024;
export const MIN_PAGE_BYTES = 32 * 1024;

/**
 * All tags of a repository, page by page; empty when the repository does not exist yet. ECR rejects page sizes above
 * 1000. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
 * @throws ActionError ANSWER_INVALID when the pages form a loop, lead elsewhere, or exceed the limit
 */
export async function listTags(context: RepositoryContext): Promise<readonly string[]> {
  const { session, host, name, scopes } = context;
  const facts = { registry: host, repository: name };
  const tags = new Set<string>();
  const seen = new Set<string>();
  let read = 0;
  let next: URL | undefined = new URL(`/v2/${name}/tags/list?n=${PAGE_SIZE}`, context.origin);
  while (next !== undefined) {
    const url: URL = next;
    if (seen.has(url.href) || tags.size > MAX_TAGS || read > LIST_LIMIT) {
      throw new ActionError(
        'ANSWER_INVALID',
        `The pages of tags of ${host}/${name} do not come to an end (${url.origin}${url.pathname}).`,
        { facts },
      );
    }
    // A 404 for a later page is an error, not the end of the list.
    const expect = seen.size === 0 ? [200, 404] : [200];
    seen.add(url.href);
    const what = `GET tags of ${name}`;
    const response = await session.read(
      { method: 'GET', url, operation: 'read', scopes: scopes.pull, expect, what, facts },
      PAGE_LIMIT,
    );
    if (response.status === 404) return [];
    read += Math.max(response.body.length, MIN_PAGE_BYTES);
    for (const tag of readPage(response.body, `${host}/${name}`)) tags.add(tag);
    next = nextPage(String(response.headers.link ?? ''), url, context.origin, `${host}/${name}`);
  }
  return [...tags];
}

function readPage(body: Buffer, where: string): readonly string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    throw new ActionError('ANSWER_INVALID', `The tag list of ${where} is not JSON.`);
  }
  const tags: unknown = typeof parsed === 'object' && parsed !== null && 'tags' in parsed ? parsed.tags : undefined;
  // `tags` is null after the last tag was deleted.
  if (tags === null) return [];
  if (!Array.isArray(tags)) throw new ActionError('ANSWER_INVALID', `The tag list of ${where} has no \`tags\`.`);
  return tags.filter((tag) => typeof tag === 'string');
}

/**
 * The next page of a list: https://www.rfc-editor.org/rfc/rfc8288, `</v2/app/tags/list?last=b&n=2>; rel="next"`,
 * absolute or relative. Behind a proxy that terminates TLS or uses another name, registries return URLs with their
 * internal origin and the same path: those are read from the registry's public origin, and no other server is
 * contacted.
 * @throws ActionError ANSWER_INVALID, REDIRECT_REFUSED
 */
export function nextPage(link: string, page: URL, origin: string, where: string): URL | undefined {
  const target = /<([^>]{1,4096})>\s*;[^,]*\brel="?next\b/i.exec(link)?.[1];
  if (target === undefined) return undefined;
  const next = URL.parse(target, page.href);
  if (next === null) {
    throw new ActionError(
      'ANSWER_INVALID',
      `The next page of ${where} is at "${target.slice(0, 200)}", which is not a valid address.`,
    );
  }
  if (next.origin === origin) return next;
  if (next.pathname === page.pathname) return new URL(`${next.pathname}${next.search}`, origin);
  throw new ActionError(
    'REDIRECT_REFUSED',
    `The next page of ${where} is on another server, ${next.origin}, and is not requested.`,
    { facts: { registry: new URL(origin).host } },
  );
}
