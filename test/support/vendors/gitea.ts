import { errorReply, jsonReply, type Received, type Reply } from '../registry-exchange.ts';
import type { Need } from '../registry-tokens.ts';

export interface GiteaOptions {
  readonly users: Readonly<Record<string, { readonly password: string; readonly may: 'read' | 'write' }>>;
  /** Users and organizations: the first part of a repository's name. */
  readonly owners: readonly string[];
  /** The server's own address: `https://git.example.com`. */
  readonly origin: () => string;
}

/**
 * Login and rights of Gitea's container registry. Its tokens are opaque and hold for everything; a missing right shows at the write.
 * The answers are compared with those of the real server in `test/unit/support/server-answers.test.ts`.
 */
export function giteaDouble({ users, owners, origin }: GiteaOptions) {
  const api = { 'docker-distribution-api-version': 'registry/2.0' };
  const challenge = () => ({
    ...api,
    'www-authenticate': `Bearer realm="${origin()}/v2/token",service="container_registry",scope="*", Basic realm="Gitea Container Registry"`,
  });
  const unauthorized = () => errorReply(401, 'UNAUTHORIZED', '', undefined, challenge());
  const basicOf = (name: string) => `Basic ${Buffer.from(`${name}:${users[name]?.password}`).toString('base64')}`;
  const tokenOf = (name: string) => Buffer.from(`token of ${name}`).toString('base64url');
  const userOf = (authorization: string) =>
    Object.entries(users).find(
      ([name]) => authorization === basicOf(name) || authorization === `Bearer ${tokenOf(name)}`,
    );

  const decides = (authorization: string, needs: readonly Need[], { url }: Received): Reply | undefined => {
    const user = userOf(authorization);
    if (user === undefined) return unauthorized();
    const [name, { may }] = user;
    if (url.pathname === '/v2/token') return jsonReply({ token: tokenOf(name) });
    if (needs.some(({ repository }) => !owners.includes(repository.split('/')[0] ?? '')))
      return { status: 404, headers: { 'content-type': 'text/plain;charset=utf-8' }, body: 'Not found.\n' };
    if (may === 'write' || needs.every(({ action }) => action === 'pull')) return undefined;
    const headers = {
      'content-type': 'text/plain; charset=utf-8',
      'www-authenticate': 'Basic realm="Gitea Package API"',
    };
    return { status: 401, headers, body: 'reqPackageAccess\n' };
  };
  return { auth: { decides } };
}
