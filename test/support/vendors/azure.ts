import type { CloudReply, CloudRequest, Service } from '../cloud.ts';
import { claimsOf, ISSUER, jwt } from './oidc.ts';

export interface AcrImage {
  readonly digest: string;
  readonly tags: string[];
  readonly size: number;
  readonly created: string;
  /** The manifest and its tags. */
  readonly locked?: boolean;
  /** Tags with a lock of their own. */
  readonly lockedTags?: readonly string[];
  readonly mediaType?: string;
  /** Of a referrer, which the service deletes with it. */
  readonly subject?: string;
}

export interface AzureOptions {
  readonly now: () => Date;
  readonly host: string;
  readonly tenant: string;
  readonly client: string;
  readonly subject: string;
  readonly users?: Readonly<Record<string, string>>;
  readonly repositories?: Readonly<Record<string, { readonly images: AcrImage[]; readonly writeEnabled?: boolean }>>;
  /** Actions of the scope maps of tokens, by user; default: all. What they lack is left out of what the service grants. */
  readonly scopeMaps?: Readonly<
    Record<string, readonly ('pull' | 'push' | 'delete' | 'metadata_read' | 'metadata_write')[]>
  >;
  /** Whether the application has no role at the registry. */
  readonly roleless?: boolean;
  /** Answers instead of the service. */
  readonly before?: (request: CloudRequest) => CloudReply | undefined;
}

const PAGE = 2;
const error = (status: number, code: string, message: string): CloudReply => ({
  status,
  body: { errors: [{ code, message }] },
});

/** What tokens are issued for: registries, and the management of resources. */
const ENTRA_SCOPES = ['https://containerregistry.azure.net/.default', 'https://management.azure.com/.default'];

/** login.microsoftonline.com and one registry, as Entra's and ACR's documents describe them. */
export function azureDouble(options: AzureOptions) {
  const repositories = new Map(Object.entries(options.repositories ?? {}));
  const state = { repositories, issued: [] as string[] };
  const seconds = () => options.now().getTime() / 1000;
  const issue = (kind: string, lives: number, more: object = {}) => {
    const token = jwt({ kind, exp: seconds() + lives, n: state.issued.length, ...more });
    state.issued.push(token);
    return token;
  };
  const valid = (token: string, kind: string) => {
    if (!state.issued.includes(token)) return false;
    const { kind: is, exp } = claimsOf(token);
    return is === kind && Number(exp) > seconds();
  };
  const guard =
    (service: Service): Service =>
    (request) =>
      options.before?.(request) ?? service(request);

  const entra: Service = ({ method, url, body }) => {
    const aad = (status: number, code: string, text: string): CloudReply => ({
      status,
      body: { error: 'invalid_client', error_description: `${code}: ${text}`, error_codes: [Number(code.slice(6))] },
    });
    const form = new URLSearchParams(body);
    if (method !== 'POST' || url.pathname !== `/${options.tenant}/oauth2/v2.0/token`) {
      return aad(400, 'AADSTS90002', 'Tenant not found.');
    }
    if (form.get('client_id') !== options.client) return aad(400, 'AADSTS700016', 'Application was not found.');
    if (
      form.get('grant_type') !== 'client_credentials' ||
      !ENTRA_SCOPES.includes(form.get('scope') ?? '') ||
      form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    ) {
      return aad(400, 'AADSTS900144', 'The request body is wrong.');
    }
    const { aud, sub, iss, exp } = claimsOf(form.get('client_assertion') ?? '');
    if (Number(exp) <= seconds())
      return aad(401, 'AADSTS700024', 'Client assertion is not within its valid time range.');
    if (iss !== ISSUER) return aad(401, 'AADSTS700211', 'No matching issuer.');
    if (aud !== 'api://AzureADTokenExchange') return aad(401, 'AADSTS700212', 'No matching audience.');
    if (sub !== options.subject) return aad(401, 'AADSTS700213', 'No matching federated identity record found.');
    return { status: 200, body: { token_type: 'Bearer', access_token: issue('entra', 3600) } };
  };

  const token: Service = ({ method, url, headers, body }) => {
    const form = method === 'POST' ? new URLSearchParams(body) : url.searchParams;
    let map: readonly string[] | undefined;
    if (form.get('service') !== options.host) return error(400, 'UNSUPPORTED', 'wrong service');
    if (method === 'POST') {
      if (form.get('grant_type') !== 'refresh_token' || !valid(form.get('refresh_token') ?? '', 'refresh')) {
        return error(401, 'UNAUTHORIZED', 'authentication required');
      }
    } else {
      const [user = '', password] = Buffer.from((headers.authorization ?? '').slice(6), 'base64')
        .toString()
        .split(':');
      if (password === undefined || options.users?.[user] !== password) {
        return error(401, 'UNAUTHORIZED', 'authentication required');
      }
      map = options.scopeMaps?.[user];
    }
    const scope = form.get('scope') ?? '';
    // Without a scope the token is for the login alone.
    if (scope !== '' && !/^repository:[a-z0-9/]+:[a-z_,]+$/.test(scope))
      return error(401, 'UNAUTHORIZED', 'no wildcards');
    const [, name, asked = ''] = /^repository:(.+):(.+)$/.exec(scope) ?? [];
    const actions = asked.split(',').filter((each) => map?.includes(each) ?? true);
    if (map !== undefined && name !== undefined && actions.length === 0) {
      return error(401, 'UNAUTHORIZED', 'authentication required');
    }
    const access = name === undefined ? [] : [{ type: 'repository', name, actions }];
    const granted = name === undefined ? scope : `repository:${name}:${actions.join(',')}`;
    return { status: 200, body: { access_token: issue('access', 300, { scope: granted, access }) } };
  };

  const registry: Service = (request) => {
    const { method, url, headers, body } = request;
    if (url.pathname === '/oauth2/token') return token(request);
    if (url.pathname === '/oauth2/exchange') {
      const form = new URLSearchParams(body);
      const good = form.get('grant_type') === 'access_token' && form.get('service') === options.host;
      if (method !== 'POST' || !good || form.get('tenant') !== options.tenant) return error(400, 'UNSUPPORTED', 'form');
      if (options.roleless === true) return error(403, 'CONNECTIVITY_REFRESH_TOKEN_ERROR', 'no role');
      if (!valid(form.get('access_token') ?? '', 'entra')) return error(401, 'UNAUTHORIZED', 'authentication required');
      return { status: 200, body: { refresh_token: issue('refresh', 10_800) } };
    }
    const [, name = '', kind = '', reference = ''] =
      /^\/acr\/v1\/(.+?)(?:\/(_manifests|_tags)(?:\/(.+))?)?$/.exec(url.pathname) ??
      /^\/v2\/(.+)\/(manifests)\/(.+)$/.exec(url.pathname) ??
      [];
    const bearer = (headers.authorization ?? '').replace(/^Bearer /, '');
    const allowed = valid(bearer, 'access') ? String(claimsOf(bearer).scope) : '';
    const action = method === 'DELETE' ? /\bdelete\b/ : /\bmetadata_read\b/;
    if (!allowed.startsWith(`repository:${name}:`) || !action.test(allowed)) {
      return error(401, 'UNAUTHORIZED', 'authentication required');
    }
    const found = repositories.get(name);
    if (found === undefined) return error(404, 'NAME_UNKNOWN', 'repository name not known to registry');
    const { images } = found;
    if (method === 'GET' && kind === '') {
      const changeableAttributes = { writeEnabled: found.writeEnabled ?? true };
      return { status: 200, body: { registry: options.host, imageName: name, changeableAttributes } };
    }
    if (method === 'GET' && reference === '') {
      const rows = kind === '_manifests' ? images.map(manifestRow) : images.flatMap(tagRows);
      return paged(rows, kind === '_manifests' ? 'manifests' : 'tags', name, url);
    }
    if (method === 'GET' && kind === '_manifests') {
      const held = images.find(({ digest }) => digest === reference);
      if (held === undefined) return error(404, 'MANIFEST_UNKNOWN', 'not known');
      return { status: 200, body: { registry: options.host, imageName: name, manifest: manifestRow(held) } };
    }
    if (method === 'GET' && kind === '_tags') {
      const held = images.find(({ tags }) => tags.includes(reference));
      if (held === undefined) return error(404, 'TAG_UNKNOWN', 'not known');
      const [tag] = tagRows(held).filter((row) => row.name === reference);
      return { status: 200, body: { registry: options.host, imageName: name, tag } };
    }
    if (method !== 'DELETE') return error(405, 'UNSUPPORTED', 'method');
    const image = images.find(({ digest, tags }) =>
      kind === '_tags' ? tags.includes(reference) : digest === reference,
    );
    if (image === undefined) return error(404, 'MANIFEST_UNKNOWN', 'not known');
    const mine = kind === '_tags' ? [reference] : image.tags;
    if (image.locked === true || mine.some((tag) => image.lockedTags?.includes(tag)))
      return error(405, 'REGISTRY_DISALLOWED_OPERATION', 'the operation is disallowed');
    if (kind === '_tags') image.tags.splice(image.tags.indexOf(reference), 1);
    else drop(images, image.digest);
    return { status: 202 };
  };
  return { hosts: { 'login.microsoftonline.com': guard(entra), [options.host]: guard(registry) }, state };
}

/** A digest goes with all its tags, its children stay whatever lists them, and what refers to it goes with it. */
function drop(images: AcrImage[], digest: string): void {
  images.splice(
    images.findIndex((image) => image.digest === digest),
    1,
  );
  for (const { digest: each } of images.filter(({ subject }) => subject === digest)) drop(images, each);
}

const switches = (locked: boolean) => ({ deleteEnabled: !locked, writeEnabled: !locked, listEnabled: true });

function manifestRow({ digest, tags, size, created, mediaType, locked = false }: AcrImage) {
  return {
    name: digest,
    digest,
    imageSize: size,
    createdTime: created,
    mediaType: mediaType ?? 'application/vnd.oci.image.manifest.v1+json',
    changeableAttributes: switches(locked),
    ...(tags.length === 0 ? {} : { tags }),
  };
}

function tagRows({ digest, tags, created, locked = false, lockedTags = [] }: AcrImage) {
  return tags.map((name) => ({
    name,
    digest,
    lastUpdateTime: created,
    changeableAttributes: switches(locked || lockedTags.includes(name)),
  }));
}

function paged(rows: readonly { readonly name: string }[], field: string, imageName: string, url: URL): CloudReply {
  const from = rows.findIndex(({ name }) => name === url.searchParams.get('last')) + 1;
  const page = rows.slice(from, from + PAGE);
  const next = `<${url.pathname}?last=${page.at(-1)?.name}&n=${PAGE}>; rel="next"`;
  return {
    status: 200,
    ...(from + PAGE < rows.length ? { headers: { link: next } } : {}),
    body: { imageName, [field]: page.length === 0 ? null : page },
  };
}
