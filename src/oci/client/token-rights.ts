import { fieldsOf } from '../../domain/fields.ts';

/**
 * The actions that a registry token grants on a repository, when it is a JWT of the token specification
 * (docker-registry, Docker Hub, Harbor, GitLab, Quay, ACR). The signature is not verified: the registry decides, this
 * only avoids a pointless build. https://distribution.github.io/distribution/spec/auth/jwt/
 * @returns undefined without a token, or when it does not say. One that names only other repositories comes from a
 * proxy with different repository names
 */
export function grantedActions(header: string | undefined, repository: string): readonly string[] | undefined {
  const payload = /^Bearer [\w-]+\.([\w-]+)\.[\w-]*$/.exec(header ?? '')?.[1];
  if (payload === undefined) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  const { access } = fieldsOf(claims);
  if (!Array.isArray(access)) return undefined;
  const repositories = access.map(fieldsOf).filter(({ type }) => type === 'repository');
  const own = repositories.filter(({ name }) => name === repository);
  if (own.length === 0 && repositories.length > 0) return undefined;
  return own
    .flatMap(({ actions }) => (Array.isArray(actions) ? actions : []))
    .flatMap((action: unknown) => (typeof action === 'string' ? (action === '*' ? ['pull', 'push'] : [action]) : []));
}
