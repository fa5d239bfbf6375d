import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CloudReply } from '../../support/cloud.ts';
import { fill } from '../../support/copy-source.ts';
import { HARBOR_ANSWERS, type HarborAnswer } from '../../support/harbor-answers.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { harborDouble } from '../../support/vendors/harbor.ts';

const HOST = 'harbor.example.com';
const users = { admin: 'password-of-admin', reader: 'password-of-reader', robot$ci: 'password-of-ci' };
const rights = { reader: ['pull'], robot$ci: ['pull', 'push'] } as const;

let registry: TestRegistry;
let double: ReturnType<typeof harborDouble>;
let immutable: string;

beforeAll(async () => {
  const repositories: Record<string, { digest: string; tags: string[]; immutable?: boolean }[]> = {};
  double = harborDouble({ host: HOST, users, rights, projects: { team: { repositories } } });
  registry = await startRegistry({
    auth: double.auth,
    origin: `https://${HOST}`,
    immutable: { tags: /^\d/, style: 'harbor' },
  });
  const { image } = fill(registry, 'team/org/app');
  immutable = image(['released'], {}, '1.0.0').descriptor.digest;
  const main = image(['next'], {}, 'main').descriptor.digest;
  repositories['org/app'] = [
    { digest: immutable, tags: ['1.0.0'], immutable: true },
    { digest: main, tags: ['main'] },
  ];
});
afterAll(() => registry.close());

/** The double's answer to a request as it was recorded. */
async function ask({ request, as }: HarborAnswer): Promise<CloudReply> {
  const [method = '', path = ''] = request.replace('IMMUTABLE', immutable).split(' ');
  const basic = as === 'anonymous' ? undefined : `Basic ${Buffer.from(`${as}:${users[as]}`).toString('base64')}`;
  const service = double.hosts[HOST];
  if (service === undefined) throw new Error('The double has no API.');
  const call = (way: string, target: string) =>
    service({
      method: way,
      host: HOST,
      url: new URL(target, `https://${HOST}`),
      headers: { 'x-is-resource-name': 'true', ...(basic === undefined ? {} : { authorization: basic }) },
      body: '',
    });
  if (!path.startsWith('/v2/')) return call(method, path);
  const send = async (authorization?: string) => {
    const answer = await fetch(`http://${registry.host}${path}`, {
      method,
      headers: {
        'content-type': 'application/vnd.oci.image.manifest.v1+json',
        ...(authorization === undefined ? {} : { authorization }),
      },
      ...(method === 'PUT' ? { body: registry.manifest('team/org/app', 'main')?.bytes.toString() ?? '' } : {}),
    });
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.json() };
  };
  if (basic === undefined) return send();
  const [, repository = ''] = /^\/v2\/(.+)\/(?:manifests|blobs|referrers)\//.exec(path) ?? [];
  const { body } = await call('GET', `/service/token?service=harbor-registry&scope=repository:${repository}:pull,push`);
  return send(`Bearer ${String(Reflect.get(Object(body), 'token'))}`);
}

/** What of an answer decides what a client does. */
function essence({ status, headers = {}, body }: CloudReply): Partial<HarborAnswer> {
  const { errors, token } = Object(body);
  const [error] = Array.isArray(errors) ? errors : [];
  const rows: readonly unknown[] = Array.isArray(body) ? body : [];
  const total = headers['x-total-count'];
  const challenge = headers['www-authenticate'];
  return {
    status,
    ...(error === undefined ? {} : { code: error.code, message: error.message }),
    ...(typeof challenge === 'string' ? { challenge } : {}),
    ...(typeof token === 'string' ? { actions: grantedBy(token) } : {}),
    ...(total === undefined ? {} : { total: Number(total) }),
    ...(rows.length === 0 ? {} : { pullTime: String(Reflect.get(Object(rows[0]), 'pull_time')) }),
  };
}

function grantedBy(token: string): readonly string[] {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return claims.access.flatMap(({ actions }: { readonly actions: readonly string[] }) => actions);
}

describe('the double of Harbor answers as the real server did', () => {
  test.each(Object.entries(HARBOR_ANSWERS))('%s', async (_, recorded) => {
    const { request: _request, as: _as, ...facts } = recorded;
    expect(essence(await ask(recorded))).toMatchObject(facts);
  });
});
