import { type Fields, fieldsOf, isFields } from '../../../src/domain/fields.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';
import { type GoogleImage, imageRow, tagRows } from './google-images.ts';
import { claimsOf } from './oidc.ts';

export interface GoogleOptions {
  readonly provider: string;
  readonly subject: string;
  readonly now: () => Date;
  readonly account?: string;
  readonly permissions?: readonly string[];
  /** What the provider accepts as audience; default: its own name. */
  readonly audience?: string;
  /** The google.rpc.Status that every operation ends with. */
  readonly failure?: Fields;
  /** Whether operations never end. */
  readonly endless?: boolean;
  /** Images of the repository besides those that are listed. */
  readonly packages?: readonly string[];
  /** Fields that are stored otherwise than they were sent. */
  readonly stores?: (repository: Fields) => Fields;
}
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const EXCHANGE = {
  grantType: 'urn:ietf:params:oauth:grant-type:token-exchange',
  requestedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
  scope: SCOPE,
  subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
};
const NEW_FIELDS = ['format', 'mode', 'dockerConfig', 'vulnerabilityScanningConfig', 'kmsKeyName'];
const KEY = /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/;

const fail = (code: number, status: string, message: string): CloudReply => ({
  status: code,
  body: { error: { code, message, status } },
});
const absent = fail(404, 'NOT_FOUND', 'Requested entity was not found.');
const denied = (permission: string) =>
  fail(403, 'PERMISSION_DENIED', `Permission '${permission}' denied on resource (or it may not exist).`);

/** The JSON object of a request; undefined when it is none, or is not said to be one. */
function bodyOf({ headers, body }: CloudRequest): Fields | undefined {
  if (!/^application\/json(?:;|$)/.test(headers['content-type'] ?? '')) return undefined;
  const parsed: unknown = JSON.parse(body);
  return isFields(parsed) ? parsed : undefined;
}

/** Google's token services and Artifact Registry, with pages of two. Tokens stop to work when their time is over. */
export function googleDouble(options: GoogleOptions) {
  const { provider, subject, now, account } = options;
  const { permissions = [], audience = `https://iam.googleapis.com/${provider}`, failure, endless = false } = options;
  const state = {
    repositories: new Map<string, Fields>(),
    images: [] as GoogleImage[],
    tokens: new Set<string>(),
    operations: new Map<string, number>(),
    polls: 0,
  };
  const ends = new Map<string, number>();
  const issue = (kind: string, seconds: number) => {
    const token = `${kind}-${state.tokens.size + 1}`;
    state.tokens.add(token);
    ends.set(token, now().getTime() + seconds * 1000);
    return token;
  };
  const holds = (request: CloudRequest, kind = '') => {
    const [, token = ''] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
    return token.startsWith(kind) && (ends.get(token) ?? 0) > now().getTime();
  };

  const sts: Service = (request) => {
    const refuse = (error: string, words: string) => ({ status: 400, body: { error, error_description: words } });
    const body = bodyOf(request);
    if (request.method !== 'POST' || request.url.pathname !== '/v1/token') return absent;
    if (body === undefined) return refuse('invalid_request', 'The body is no JSON object.');
    const wrong = Object.entries(EXCHANGE).find(([name, value]) => body[name] !== value);
    if (wrong !== undefined) return refuse('invalid_request', `Invalid value for ${wrong[0]}.`);
    if (body.audience !== `//iam.googleapis.com/${provider}`) {
      return refuse(
        'invalid_target',
        'The target service indicated by the "audience" parameters is invalid. This might either be because the pool or provider is disabled or deleted or because it doesn\'t exist.',
      );
    }
    const { sub, aud, exp } = claimsOf(String(body.subjectToken));
    if (aud !== audience) {
      return refuse('invalid_grant', `The audience in ID Token [${aud}] does not match the expected audience.`);
    }
    if (Number(exp) * 1000 <= now().getTime()) return refuse('invalid_grant', 'The ID Token is expired.');
    if (sub !== subject) {
      return refuse('unauthorized_client', 'The given credential is rejected by the attribute condition.');
    }
    const { requestedTokenType: issued_token_type } = EXCHANGE;
    const access_token = issue('federated', 600);
    return { status: 200, body: { access_token, issued_token_type, expires_in: 600, token_type: 'Bearer' } };
  };

  const iam: Service = (request) => {
    if (!holds(request, 'federated')) return fail(401, 'UNAUTHENTICATED', 'Who are you?');
    const name = `/v1/projects/-/serviceAccounts/${encodeURIComponent(account ?? '')}:generateAccessToken`;
    if (request.method !== 'POST' || request.url.pathname !== name) return denied('iam.serviceAccounts.getAccessToken');
    const { lifetime, scope } = bodyOf(request) ?? {};
    const [, seconds = ''] = /^(\d+)s$/.exec(String(lifetime)) ?? [];
    if (seconds === '' || Number(seconds) >= 3600) {
      return fail(400, 'INVALID_ARGUMENT', 'The access token lifetime cannot exceed 3600 seconds.');
    }
    if (!Array.isArray(scope) || scope.join(' ') !== SCOPE) return fail(400, 'INVALID_ARGUMENT', 'scope');
    const expireTime = new Date(now().getTime() + Number(seconds) * 1000).toISOString();
    return { status: 200, body: { accessToken: issue('impersonated', Number(seconds)), expireTime } };
  };

  const start = (path: string): CloudReply => {
    const name = `${decodeURIComponent(path).split('/').slice(0, 4).join('/')}/operations/op-${state.operations.size + 1}`;
    state.operations.set(name, 0);
    return { status: 200, body: { name } };
  };
  const poll = (name: string): CloudReply => {
    const polls = state.operations.get(name);
    if (polls === undefined) return absent;
    state.polls += 1;
    state.operations.set(name, polls + 1);
    if (endless || polls === 0) return { status: 200, body: { name } };
    return {
      status: 200,
      body: { name, done: true, ...(failure === undefined ? { response: {} } : { error: failure }) },
    };
  };

  const create = (parent: string, request: CloudRequest): CloudReply => {
    const id = request.url.searchParams.get('repositoryId') ?? '';
    const body = bodyOf(request);
    const invalid = (words: string) => fail(400, 'INVALID_ARGUMENT', words);
    if (!/^[a-z](?:[a-z0-9.-]*[a-z0-9])?$/.test(id)) return invalid('repositoryId is not valid.');
    if (body === undefined) return invalid('The request has no JSON body.');
    const unknown = Object.keys(body).find((field) => !NEW_FIELDS.includes(field));
    if (unknown !== undefined) return invalid(`Invalid JSON payload received. Unknown name "${unknown}".`);
    if (body.format !== 'DOCKER' || body.mode !== 'STANDARD_REPOSITORY')
      return invalid('format and mode are required.');
    const { immutableTags = false } = fieldsOf(body.dockerConfig);
    const { enablementConfig = 'INHERITED' } = fieldsOf(body.vulnerabilityScanningConfig);
    if (typeof immutableTags !== 'boolean') return invalid('dockerConfig.immutableTags');
    if (!['INHERITED', 'DISABLED'].includes(String(enablementConfig))) return invalid('enablementConfig');
    if (body.kmsKeyName !== undefined && !KEY.test(String(body.kmsKeyName))) return invalid('kmsKeyName');
    const name = `${parent}/${id}`;
    if (state.repositories.has(name)) return fail(409, 'ALREADY_EXISTS', 'the repository already exists');
    if (failure === undefined) state.repositories.set(name, { name, ...body });
    return start(parent);
  };

  /** https://docs.cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories/patch */
  const patch = (home: string, request: CloudRequest): CloudReply => {
    const body = bodyOf(request) ?? {};
    const mask = (request.url.searchParams.get('updateMask') ?? '').split(',');
    const known = ['cleanupPolicies', 'cleanupPolicyDryRun'];
    const policies = Object.entries(fieldsOf(body.cleanupPolicies));
    const isWrong = ([id, policy]: readonly [string, unknown]) =>
      fieldsOf(policy).id !== id || !['DELETE', 'KEEP'].includes(String(fieldsOf(policy).action));
    if (mask.some((field) => !known.includes(field)) || policies.length > 10 || policies.some(isWrong))
      return fail(400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.');
    const next: Record<string, unknown> = { ...state.repositories.get(home) };
    for (const field of mask) next[field] = body[field];
    state.repositories.set(home, { name: home, ...next, ...(options.stores?.(next) ?? {}) });
    return { status: 200, body: state.repositories.get(home) ?? {} };
  };

  /** A token is the name after which the list goes on: it stays valid when rows are deleted meanwhile. */
  const list = ({ url }: CloudRequest, field: string, rows: readonly unknown[]): CloudReply => {
    const nameOf = (row: unknown) => String(fieldsOf(row).name);
    const after = url.searchParams.get('pageToken') ?? '';
    if (after !== '' && !after.startsWith('projects/')) return fail(400, 'INVALID_ARGUMENT', 'page token');
    const rest = rows
      .filter((row) => nameOf(row) > after)
      .toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
    const page = rest.slice(0, 2);
    const last = page.at(-1);
    const more = rest.length > 2 && last !== undefined ? { nextPageToken: nameOf(last) } : {};
    return { status: 200, body: { ...(page.length > 0 ? { [field]: page } : {}), ...more } };
  };

  const remove = (path: string, home: string, force: boolean): CloudReply => {
    const [, , , , , , , name = '', kind, last = ''] = path.split('/').map(decodeURIComponent);
    const mine = state.images.filter((image) => image.package === name);
    const found = mine.find(({ tags, digest }) => (kind === 'tags' ? tags.includes(last) : digest === last));
    if (found === undefined) return absent;
    if (kind === 'tags') {
      if (fieldsOf(state.repositories.get(home)?.dockerConfig).immutableTags === true) {
        return fail(
          400,
          'FAILED_PRECONDITION',
          'Tags of this repository are immutable and cannot be moved or deleted.',
        );
      }
      found.tags = found.tags.filter((tag) => tag !== last);
      return { status: 200, body: {} };
    }
    if (!force && found.tags.length > 0) return fail(400, 'FAILED_PRECONDITION', 'The version has tags.');
    const parent = [found.parent, ...(found.parents ?? [])].find((each) =>
      state.images.some(({ digest }) => digest === each),
    );
    if (parent !== undefined) {
      return fail(400, 'FAILED_PRECONDITION', `${last} is referenced by parent manifests: ${parent}`);
    }
    if (failure === undefined) state.images.splice(state.images.indexOf(found), 1);
    return start(path);
  };

  const registry: Service = (request) => {
    const { method, url } = request;
    if (!holds(request)) {
      return fail(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
    }
    const path = url.pathname.slice('/v1/'.length);
    if (method === 'GET' && path.includes('/operations/')) return poll(decodeURIComponent(path));
    if (method === 'POST' && path.endsWith('/repositories')) return create(decodeURIComponent(path), request);
    const [raw = '', verb] = path.split(/:(?=[a-zA-Z]+$)/);
    const home = decodeURIComponent(raw.split('/').slice(0, 6).join('/'));
    const repository = state.repositories.get(home);
    if (method === 'POST' && verb === 'testIamPermissions') {
      const { permissions: asked } = bodyOf(request) ?? {};
      if (!Array.isArray(asked)) return fail(400, 'INVALID_ARGUMENT', 'permissions');
      const granted = repository === undefined ? [] : asked.filter((each) => permissions.includes(String(each)));
      // An empty list is left out of the JSON.
      return { status: 200, body: granted.length > 0 ? { permissions: granted } : {} };
    }
    if (repository === undefined) return absent;
    if (method === 'PATCH' && decodeURIComponent(path) === home) return patch(home, request);
    if (method === 'GET' && path.endsWith('/packages')) {
      const names = [...new Set([...state.images.map((image) => image.package), ...(options.packages ?? [])])];
      return list(
        request,
        'packages',
        names.map((name) => ({ name: `${home}/packages/${encodeURIComponent(name)}` })),
      );
    }
    if (method === 'GET' && decodeURIComponent(path) === home) return { status: 200, body: repository };
    if (method === 'GET' && path.endsWith('/dockerImages'))
      return list(request, 'dockerImages', state.images.map(imageRow));
    if (method === 'GET' && path.endsWith('/tags')) return list(request, 'tags', tagRows(state.images, path));
    if (method === 'GET' && path.includes('/dockerImages/')) {
      const wanted = decodeURIComponent(path.split('/').at(-1) ?? '');
      const held = state.images.find((image) => `${image.package}@${image.digest}` === wanted);
      return held === undefined ? absent : { status: 200, body: imageRow(held) };
    }
    return method === 'DELETE' ? remove(path, home, url.searchParams.get('force') === 'true') : absent;
  };

  /** A push of a tag to a repository, as the registry itself takes or refuses it. */
  const push = (home: string, image: GoogleImage): CloudReply => {
    const repository = state.repositories.get(home);
    if (repository === undefined) return absent;
    const { immutableTags } = fieldsOf(repository.dockerConfig);
    const taken = state.images.filter((each) => each.package === image.package && each.digest !== image.digest);
    const moved = image.tags.find((tag) => taken.some(({ tags }) => tags.includes(tag)));
    if (immutableTags === true && moved !== undefined) {
      return fail(400, 'FAILED_PRECONDITION', `The tag ${moved} is immutable and cannot be moved.`);
    }
    for (const each of taken) each.tags = each.tags.filter((tag) => !image.tags.includes(tag));
    const held = state.images.find((each) => each.package === image.package && each.digest === image.digest);
    if (held === undefined) state.images.push(image);
    else held.tags = [...new Set([...held.tags, ...image.tags])];
    return { status: 200 };
  };

  const hosts = {
    'sts.googleapis.com': sts,
    'iamcredentials.googleapis.com': iam,
    'artifactregistry.googleapis.com': registry,
  };
  return { hosts, state, push };
}
