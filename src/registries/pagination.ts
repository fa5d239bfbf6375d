import { type ApiAnswer, unexpected } from '../http/api.ts';

/**
 * The next page of a list from its Link header (RFC 8288), relative to the current page.
 * @returns undefined on the last page
 * @throws ActionError ANSWER_INVALID when it leads to another origin or back to the same page: requests carry
 * credentials
 */
export function nextPage({ headers }: ApiAnswer, page: URL, what: string): URL | undefined {
  const { link } = headers;
  const text = typeof link === 'string' ? link : (link ?? []).join(', ');
  const target = /<([^<>]*)>\s*;[^<]*\brel="?next"?/i.exec(text)?.[1];
  if (target === undefined) return undefined;
  if (!URL.canParse(target, page.href)) throw unexpected(page.host, what);
  const next = new URL(target, page);
  if (next.origin !== page.origin || next.href === page.href) throw unexpected(page.host, what);
  return next;
}
