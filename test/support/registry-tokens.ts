import { randomBytes } from 'node:crypto';
import { errorReply, jsonReply, type Received, type Reply } from './registry-exchange.ts';

export type RegistryAuth =
  | 'none'
  | { readonly basic: { readonly username: string; readonly password: string } }
  | { readonly bearer: BearerOptions }
  /** As a double of the vendor decides, which gives out the credentials. */
  | { readonly accepts: (authorization: string) => boolean; readonly challenge: string }
  /** As a double of the vendor decides for each request, in its own words; undefined lets it pass. */
  | { readonly decides: (authorization: string, needs: readonly Need[], request: Received) => Reply | undefined };

export interface BearerOptions {
  /** Without these everybody gets a token. */
  readonly username?: string;
  readonly password?: string;
  /** Further users, who get tokens to pull only. */
  readonly readers?: readonly { readonly username: string; readonly password: string }[];
  /** A refresh token that may be exchanged by POST. */
  readonly identityToken?: string;
  /** Also said as `expires_in`. Without it nothing is said, and tokens live 60 s as the specification has it. */
  readonly lifetimeSeconds?: number;
  /** GET is answered with 405. */
  readonly postOnly?: boolean;
  /** POST is answered with 404. */
  readonly getOnly?: boolean;
  /** What everybody gets, without credentials. */
  readonly anonymous?: readonly string[];
  /** Actions for which the service refuses a token with 403. */
  readonly refuse?: readonly string[];
  /** Names by which the registry knows repositories, by those of their paths: its tokens have to be for those. */
  readonly alias?: Readonly<Record<string, string>>;
  /** What is granted of what is asked for; default: all. */
  readonly grant?: readonly ('pull' | 'push' | 'delete')[];
}

interface Granted {
  readonly scopes: ReadonlyMap<string, ReadonlySet<string>>;
  readonly until: number;
}

/** What a request needs: an action on a repository. */
export interface Need {
  readonly repository: string;
  readonly action: 'pull' | 'push' | 'delete';
}

const SCOPES = { pull: 'pull', push: 'pull,push', delete: 'delete' } as const;

/** Guards the registry, and answers at /token. `now` in milliseconds since the epoch. */
export function createGuard(auth: RegistryAuth, origin: () => string, now: () => number) {
  const tokens = new Map<string, Granted>();
  return {
    expireAll: () => tokens.clear(),
    /** Answers of the token service that were tokens. */
    token: (request: Received): Reply =>
      typeof auth === 'object' && 'bearer' in auth
        ? grant(auth.bearer, request, tokens, now())
        : { status: 404, body: 'not found' },
    /** The refusal of a request, or undefined when it may pass. */
    refuse: (request: Received, needs: readonly Need[]): Reply | undefined => {
      if (auth === 'none') return undefined;
      const header = request.headers.authorization ?? '';
      if ('decides' in auth) return auth.decides(header, needs, request);
      if ('accepts' in auth) {
        if (header !== '' && auth.accepts(header)) return undefined;
        return errorReply(401, 'UNAUTHORIZED', 'authentication required', undefined, {
          'www-authenticate': auth.challenge,
        });
      }
      if ('basic' in auth) {
        const { username, password } = auth.basic;
        if (header === basic(username, password)) return undefined;
        return errorReply(401, 'UNAUTHORIZED', 'authentication required', undefined, {
          'www-authenticate': 'Basic realm="test registry"',
        });
      }
      const granted = tokens.get(header.replace(/^Bearer /, ''));
      const valid = granted !== undefined && granted.until > now();
      const { alias = {} } = auth.bearer;
      const nameOf = (repository: string) => alias[repository] ?? repository;
      const missing = needs.filter(({ repository, action }) => !granted?.scopes.get(nameOf(repository))?.has(action));
      if (valid && missing.length === 0) return undefined;
      const scope = needs.map((need) => `repository:${nameOf(need.repository)}:${SCOPES[need.action]}`);
      const scopes = scope.length === 0 ? '' : `,scope="${scope.join(' ')}"`;
      const error = header === '' ? '' : `,error="${valid ? 'insufficient_scope' : 'invalid_token'}"`;
      const challenge = `Bearer realm="${origin()}/token",service="test registry"${scopes}${error}`;
      return errorReply(401, 'UNAUTHORIZED', 'authentication required', missing, { 'www-authenticate': challenge });
    },
  };
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function grant(options: BearerOptions, request: Received, tokens: Map<string, Granted>, now: number): Reply {
  if (request.method === 'GET' && options.postOnly) return { status: 405, body: 'method not allowed' };
  if (request.method === 'POST' && options.getOnly) return { status: 404, body: 'not found' };
  const form = request.method === 'POST' ? new URLSearchParams(request.body.toString()) : request.url.searchParams;
  const isReader = options.readers?.some(
    (login) => request.headers.authorization === basic(login.username, login.password),
  );
  const isAnonymous = request.headers.authorization === undefined && options.anonymous !== undefined;
  if (!isAnonymous && isReader !== true && !isKnown(options, request, form)) {
    return jsonReply({ details: 'incorrect username or password' }, {}, 401);
  }
  const scopes = new Map<string, ReadonlySet<string>>();
  const refused = form.getAll('scope').some((scope) => options.refuse?.some((each) => scope.includes(each)));
  if (refused) return errorReply(403, 'DENIED', 'requested access to the resource is denied');
  for (const scope of form.getAll('scope').flatMap((each) => each.split(' '))) {
    const [, repository, actions] = /^repository:(.+):([a-z,*]+)$/.exec(scope) ?? [];
    if (repository === undefined || actions === undefined) continue;
    const allowed = actions.split(',').filter((each) => {
      const granted = isReader === true ? ['pull'] : isAnonymous ? options.anonymous : options.grant;
      return granted?.some((one) => one === each) ?? true;
    });
    scopes.set(repository, new Set([...(scopes.get(repository) ?? []), ...allowed]));
  }
  const token = `token-${randomBytes(24).toString('base64url')}`;
  const { lifetimeSeconds } = options;
  tokens.set(token, { scopes, until: now + (lifetimeSeconds ?? 60) * 1000 });
  const life = lifetimeSeconds === undefined ? {} : { expires_in: lifetimeSeconds };
  return jsonReply(request.method === 'POST' ? { access_token: token, ...life } : { token, ...life });
}

function isKnown(options: BearerOptions, request: Received, form: URLSearchParams): boolean {
  const { username, password, identityToken } = options;
  if (request.method === 'POST' && form.get('grant_type') === 'refresh_token') {
    return identityToken !== undefined && form.get('refresh_token') === identityToken;
  }
  if (username === undefined || password === undefined) return true;
  return request.headers.authorization === basic(username, password);
}
