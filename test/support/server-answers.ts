import { askPlainly, type Login, type PlainAnswer } from './plain-client.ts';

/** What a server answered, with names and random parts replaced. */
export interface ServerAnswer {
  readonly request: string;
  /** Whose credentials were sent; a stranger's password is wrong. */
  readonly as: 'owner' | 'reader' | 'stranger' | 'anonymous';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Of an error. */
  readonly body: string;
}

/** Answers by what they are about. */
export type ServerAnswers = Readonly<Record<string, ServerAnswer>>;

/** The headers that a client reads. */
const HEADERS = [
  'www-authenticate',
  'content-type',
  'docker-distribution-api-version',
  'docker-content-digest',
  'docker-upload-uuid',
  'location',
  'range',
  'link',
  'oci-subject',
];

const ABSENT = `sha256:${'0'.repeat(64)}`;
const ANY = { accept: '*/*, application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' };

/** A server with `team/app:main` in it. */
export interface AskedServer {
  readonly host: string;
  /** Undefined: there are no logins. */
  readonly owner?: Login | undefined;
  /** May pull from `team/app` only. */
  readonly reader?: Login | undefined;
}

/** Asks for the answers that decide what the action does. `main` stays. */
export async function answersOf({ host, owner, reader }: AskedServer): Promise<ServerAnswers> {
  const answers: Record<string, ServerAnswer> = {};
  const logins = { owner, reader, stranger: owner && { ...owner, password: 'wrong' }, anonymous: undefined };
  const ask = async (
    about: string,
    method: string,
    path: string,
    as: ServerAnswer['as'] = 'owner',
    more: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string } = {},
  ) => {
    const answer = await askPlainly(host, method, path, { login: logins[as], headers: ANY, ...more });
    answers[about] = sanitised({ method, path, as }, answer);
    return answer;
  };
  const main = await askPlainly(host, 'GET', '/v2/team/app/manifests/main', { login: owner, headers: ANY });
  const digest = main.headers.get('docker-content-digest') ?? '';
  await ask('base', 'GET', '/v2/', 'anonymous');
  if (owner !== undefined) await ask('wrong password', 'GET', '/v2/', 'stranger');
  await ask('read without a login', 'GET', '/v2/team/app/manifests/main', 'anonymous');
  await ask('missing repository', 'GET', '/v2/team/missing/manifests/main');
  await ask('tags of a missing repository', 'GET', '/v2/team/missing/tags/list');
  await ask('missing tag', 'GET', '/v2/team/app/manifests/missing');
  await ask('missing blob', 'GET', `/v2/team/app/blobs/${ABSENT}`);
  await ask('referrers', 'GET', `/v2/team/app/referrers/${digest}`);
  if (reader !== undefined) await ask('upload without the right', 'POST', '/v2/team/app/blobs/uploads/', 'reader');
  const begun = await ask('upload', 'POST', '/v2/team/app/blobs/uploads/');
  await ask('upload to a missing owner', 'POST', '/v2/no-such-owner/app/blobs/uploads/');
  const location = begun.headers.get('location');
  if (location !== null) {
    const { pathname, search } = new URL(location, `http://${host}`);
    await ask('upload cancelled', 'DELETE', pathname + search);
  }
  const type = { 'content-type': main.headers.get('content-type') ?? '' };
  await ask('tag', 'PUT', '/v2/team/app/manifests/doomed', 'owner', { headers: type, body: main.body });
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: ABSENT, size: 2 };
  const manifest = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config, layers: [] };
  await ask('manifest without its blobs', 'PUT', '/v2/team/app/manifests/broken', 'owner', {
    headers: { 'content-type': manifest.mediaType },
    body: JSON.stringify(manifest),
  });
  await ask('tag deleted', 'DELETE', '/v2/team/app/manifests/doomed');
  await ask('absent digest deleted', 'DELETE', `/v2/team/app/manifests/${ABSENT}`);
  return answers;
}

function sanitised(
  { method, path, as }: { readonly method: string; readonly path: string; readonly as: ServerAnswer['as'] },
  { status, headers, body }: PlainAnswer,
): ServerAnswer {
  const clean = (text: string) =>
    text
      .replaceAll(/127\.0\.0\.1:\d+/g, 'registry.example.com')
      .replaceAll(ABSENT, 'sha256:absent')
      .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:main')
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
      // Distribution names the actions in any order.
      .replaceAll('push,pull"', 'pull,push"')
      .replaceAll(/(?<=_state=)[\w%=-]+/g, 'STATE')
      .replaceAll(/(?<=uploads\/)(?!UUID)[\w-]{6,}/g, 'UUID');
  const kept = HEADERS.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, clean(name === 'docker-upload-uuid' ? 'UUID' : value)]];
  });
  return {
    request: clean(`${method} ${path}`),
    as,
    status,
    headers: Object.fromEntries(kept),
    body: status < 400 ? '' : clean(sortedDetail(body)),
  };
}

/** Distribution lists the missing actions in any order. */
function sortedDetail(body: string): string {
  const actions = /\{"Type":"repository"[^{}]*"Action":"[a-z]+"\}/g;
  const sorted = (body.match(actions) ?? []).toSorted();
  return body.replaceAll(actions, () => sorted.shift() ?? '');
}
