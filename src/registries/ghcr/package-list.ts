import { fieldsOf } from '../../domain/fields.ts';
import { unexpected } from '../../http/api.ts';
import { nextPage } from '../pagination.ts';
import type { SetupContext } from '../setup-port.ts';
import { access } from './api.ts';

const MAX_PAGES = 1000;

/**
 * The container packages of an organization or user that the token may see.
 * https://docs.github.com/rest/packages/packages#list-packages-for-an-organization
 * @throws ActionError UNAUTHORIZED, DENIED, TOO_MANY_REQUESTS
 */
export async function listPackages(context: SetupContext, owner: string): Promise<readonly string[]> {
  const { token, origin } = await access(context);
  context.api.secret(token);
  const what = `the list of packages of ${owner}`;
  const ask = (url: URL, expect: readonly number[]) =>
    context.api.request({
      method: 'GET',
      url,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'x-github-api-version': '2022-11-28',
      },
      expect,
      operation: 'read',
      what,
      facts: { registry: context.host },
    });
  for (const kind of ['orgs', 'users']) {
    const names: string[] = [];
    let page: URL | undefined = new URL(
      `${origin}/${kind}/${encodeURIComponent(owner)}/packages?package_type=container&per_page=100`,
    );
    for (let count = 0; page !== undefined && count < MAX_PAGES; count += 1) {
      const answer = await ask(page, count === 0 ? [200, 404] : [200]);
      if (answer.status === 404) break;
      if (!Array.isArray(answer.json)) throw unexpected(context.host, what);
      names.push(...answer.json.map((each: unknown) => `${owner}/${String(fieldsOf(each).name).toLowerCase()}`));
      page = nextPage(answer, page, what);
      if (page === undefined) return names;
    }
    if (names.length > 0) return names;
  }
  return [];
}
