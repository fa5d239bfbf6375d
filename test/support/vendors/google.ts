import { fieldsOf } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';

export interface GoogleOptions {
  readonly provider: string;
  readonly subject: string;
  readonly now: () => Date;
  readonly account?: string;
  readonly permissions?: readonly string[];
}
export interface GoogleImage {
  readonly uri: string;
  readonly digest: string;
  readonly package: string;
  tags: string[];
}

/** Google's token services and Artifact Registry, with pages of two. */
export function googleDouble({ provider, subject, now, account, permissions = [] }: GoogleOptions) {
  const state = { repositories: new Set<string>(), images: [] as GoogleImage[], tokens: new Set<string>(), polls: 0 };
  const fail = (code: number, status: string, message: string): CloudReply => ({
    status: code,
    body: { error: { code, message, status } },
  });
  const bodyOf = (request: CloudRequest) => {
    const parsed: unknown = JSON.parse(request.body === '' ? '{}' : request.body);
    return fieldsOf(parsed);
  };
  const sts: Service = (request) => {
    const body = bodyOf(request);
    const refuse = (error: string, words: string) => ({ status: 400, body: { error, error_description: words } });
    if (body.audience !== `//iam.googleapis.com/${provider}`) return refuse('invalid_target', 'The target is invalid.');
    const parsed: unknown = JSON.parse(
      Buffer.from(String(body.subjectToken).split('.')[1] ?? '', 'base64url').toString('utf8'),
    );
    const { sub, aud, exp } = fieldsOf(parsed);
    if (aud !== `https://iam.googleapis.com/${provider}`)
      return refuse('invalid_grant', `The audience in ID Token [${aud}] does not match the expected audience.`);
    if (Number(exp) * 1000 <= now().getTime()) return refuse('invalid_grant', 'The ID Token is expired.');
    if (sub !== subject)
      return refuse('unauthorized_client', 'The given credential is rejected by the attribute condition.');
    state.tokens.add('federated');
    return { status: 200, body: { access_token: 'federated', expires_in: 600, token_type: 'Bearer' } };
  };
  const iam: Service = (request) => {
    if (request.headers.authorization !== 'Bearer federated') return fail(401, 'UNAUTHENTICATED', 'Who are you?');
    const name = `/v1/projects/-/serviceAccounts/${encodeURIComponent(account ?? '')}:generateAccessToken`;
    if (request.url.pathname !== name)
      return fail(403, 'PERMISSION_DENIED', "Permission 'iam.serviceAccounts.getAccessToken' denied.");
    if (bodyOf(request).lifetime !== '3300s') return fail(400, 'INVALID_ARGUMENT', 'lifetime');
    state.tokens.add('impersonated');
    const expireTime = new Date(now().getTime() + 3_300_000).toISOString();
    return { status: 200, body: { accessToken: 'impersonated', expireTime } };
  };
  const registry: Service = (request) => {
    const { method, url } = request;
    if (!state.tokens.has((request.headers.authorization ?? '').replace('Bearer ', '')))
      return fail(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
    const path = url.pathname.slice('/v1/'.length);
    if (path.includes('/operations/')) {
      state.polls += 1;
      return { status: 200, body: { name: path, done: state.polls % 2 === 0 } };
    }
    const operation = { status: 200, body: { name: `${path.split('/').slice(0, 4).join('/')}/operations/1` } };
    if (method === 'POST' && path.endsWith('/repositories')) {
      const name = `${path}/${url.searchParams.get('repositoryId')}`;
      if (state.repositories.has(name)) return fail(409, 'ALREADY_EXISTS', 'the repository already exists');
      state.repositories.add(name);
      return operation;
    }
    const home = path
      .split('/')
      .slice(0, 6)
      .join('/')
      .replace(/:test.*/, '');
    if (!state.repositories.has(home)) return fail(404, 'NOT_FOUND', 'Requested entity was not found.');
    if (path.endsWith(':testIamPermissions')) return { status: 200, body: { permissions } };
    if (path === home) return { status: 200, body: { name: home } };
    if (path.endsWith('/dockerImages')) {
      const from = Number(url.searchParams.get('pageToken') ?? 0);
      const next = from + 2 < state.images.length ? { nextPageToken: String(from + 2) } : {};
      const dockerImages = state.images.slice(from, from + 2).map(({ uri, tags }) => ({
        uri,
        tags,
        imageSizeBytes: '12',
        uploadTime: '2026-01-01T00:00:00Z',
      }));
      return { status: 200, body: { dockerImages, ...next } };
    }
    const [, , , , , , , name = '', kind, last = ''] = path.split('/');
    const mine = state.images.filter((image) => image.package === decodeURIComponent(name));
    const found = mine.find(({ tags, digest }) =>
      kind === 'tags' ? tags.includes(last) : digest === decodeURIComponent(last),
    );
    if (method !== 'DELETE' || found === undefined) return fail(404, 'NOT_FOUND', 'Requested entity was not found.');
    if (kind === 'tags') {
      found.tags = found.tags.filter((tag) => tag !== last);
      return { status: 200, body: {} };
    }
    if (url.searchParams.get('force') !== 'true' && found.tags.length > 0)
      return fail(400, 'FAILED_PRECONDITION', 'tags');
    state.images.splice(state.images.indexOf(found), 1);
    return operation;
  };
  const hosts: Record<string, Service> = {
    'sts.googleapis.com': sts,
    'iamcredentials.googleapis.com': iam,
    'artifactregistry.googleapis.com': registry,
  };
  return { hosts, state };
}
