import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { HttpRequest } from '../../../../src/http/transport.ts';
import { type Credentials, createAuthenticator } from '../../../../src/oci/client/auth.ts';
import { type BearerOptions, type RegistryAuth, startRegistry } from '../../../support/registry.ts';
import { connect, layerOf } from '../../../support/registry-client.ts';
import { createTestClock } from '../../../support/runtime.ts';

const PASSWORD = 'canary-password-71';
const credentials = async (): Promise<Credentials> => ({ kind: 'password', username: 'bot', password: PASSWORD });
const bytes = Buffer.from('layer');
const layer = layerOf(bytes);

function bearer(options: BearerOptions = {}): RegistryAuth {
  return { bearer: { username: 'bot', password: PASSWORD, ...options } };
}

describe('credentials', () => {
  it('nothing is sent before the registry asks, and one token serves all of what is written to', async () => {
    await using registry = await startRegistry({ auth: bearer() });
    const { repositoryOf, masks } = await connect(registry, { credentials });
    const repository = repositoryOf('org/app', 'push');
    expect(await repository.head('1.0')).toBeUndefined();
    expect(await repository.hasBlob(layer)).toBe(false);
    expect(registry.log[0]).toMatchObject({ authorization: false, status: 401 });
    expect(registry.tokenRequests()).toBe(1);
    expect(registry.requests()).toBe(3);
    const [token] = registry.log.filter(({ path }) => path === '/token');
    expect(new URLSearchParams(token?.query).getAll('scope')).toEqual(['repository:org/app:pull,push']);
    expect(masks).toContain(PASSWORD);
    expect(masks.some((each) => each.startsWith('token-'))).toBe(true);
  });

  it('requests at the same time share one token', async () => {
    await using registry = await startRegistry({ auth: bearer() });
    const { repository } = await connect(registry, { credentials });
    await Promise.all(Array.from({ length: 6 }, (_, at) => repository.head(`tag-${at}`)));
    expect(registry.tokenRequests()).toBe(1);
    registry.expireTokens();
    await Promise.all(Array.from({ length: 6 }, (_, at) => repository.head(`tag-${at}`)));
    expect(registry.tokenRequests()).toBe(2);
  });

  it('Basic: requests at the same time all learn it, and a wrong password is tried once', async () => {
    await using registry = await startRegistry({ auth: { basic: { username: 'bot', password: PASSWORD } } });
    const { repository } = await connect(registry, { credentials });
    await Promise.all(Array.from({ length: 4 }, (_, at) => repository.head(`tag-${at}`)));
    registry.clearLog();
    const wrong = await connect(registry, {
      credentials: async () => ({ kind: 'password', username: 'bot', password: 'canary-wrong' }),
    });
    const failed = wrong.repository.head('1.0');
    await expect(failed).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(failed).rejects.not.toThrow('canary');
    expect(registry.requests()).toBe(2);
  });

  it('without credentials an anonymous token is asked for', async () => {
    await using registry = await startRegistry({ auth: { bearer: {} } });
    const { repository } = await connect(registry);
    expect(await repository.head('1.0')).toBeUndefined();
    expect(registry.log.every(({ path, authorization }) => path !== '/token' || !authorization)).toBe(true);
  });

  it('1: a token that expires between POST and PUT costs exactly one more, and the body is sent anew', async () => {
    await using registry = await startRegistry({
      auth: bearer(),
      faults: [{ match: { method: 'PUT' }, action: { expireTokens: true } }],
    });
    const { repository, sleeps } = await connect(registry, { credentials });
    await repository.putBlob(layer, () => Readable.from([bytes]));
    expect(registry.blob('org/app', layer.digest)?.toString()).toBe('layer');
    expect(registry.tokenRequests()).toBe(2);
    expect(registry.writes().map(({ method, status }) => `${method} ${status}`)).toEqual([
      'POST 401',
      'POST 202',
      'PUT 401',
      'PUT 201',
    ]);
    expect(sleeps).toEqual([]);
  });

  it.each([
    [undefined, 31, 2],
    [undefined, 29, 1],
    [300, 271, 2],
    [300, 269, 1],
    [20, 11, 2],
    [20, 9, 1],
  ])(
    '2, 3: a token of %s s is fetched anew before it ends: after %i s there were %i',
    async (life, after, expected) => {
      await using registry = await startRegistry({
        auth: bearer(life === undefined ? {} : { lifetimeSeconds: life }),
      });
      const clock = createTestClock();
      const { repository } = await connect(registry, { credentials, clock });
      await repository.head('1.0');
      await clock.sleep(after * 1000);
      await repository.head('1.0');
      expect(registry.tokenRequests()).toBe(expected);
      expect(registry.log.filter(({ status }) => status === 401)).toHaveLength(1);
    },
  );

  it.each([
    [403, 'Your authorization token has expired. Reauthenticate and try again.'],
    [400, 'Your Authorization Token has expired. Please run aws ecr-public get-login-password to reauthenticate.'],
  ])(
    '4: %i "token has expired" without a challenge: asked for once anew, then a clear end',
    async (status, message) => {
      await using registry = await startRegistry({ auth: bearer() });
      const { repository } = await connect(registry, { credentials });
      await repository.get('1.0');
      const body = { errors: [{ code: 'DENIED', message }] };
      registry.addFault({ match: { method: 'GET', path: /^\/v2\// }, action: { status, body } });
      expect(await repository.get('1.0')).toBeUndefined();
      expect(registry.tokenRequests()).toBe(2);
      registry.clearLog();
      registry.addFault({ match: { method: 'GET', path: /^\/v2\//, nth: 'all' }, action: { status, body } });
      await expect(repository.get('1.0')).rejects.toMatchObject({ code: 'TOKEN_EXPIRED', facts: { status } });
      expect(registry.requests()).toBe(2);
    },
  );

  it('4: Basic credentials that ran out are asked for anew', async () => {
    await using registry = await startRegistry({ auth: { basic: { username: 'AWS', password: 'second' } } });
    const issued = ['first', 'second'];
    const { repository } = await connect(registry, {
      credentials: async () => ({ kind: 'password', username: 'AWS', password: issued.shift() ?? 'second' }),
    });
    expect(await repository.head('1.0')).toBeUndefined();
  });

  it('6: a token service that grants less than asked for: two tries at most, and the message says what is missing', async () => {
    await using registry = await startRegistry({ auth: bearer({ grant: ['pull'] }) });
    const { repository } = await connect(registry, { credentials });
    const failed = repository.putBlob(layer, () => Readable.from([bytes]));
    await expect(failed).rejects.toMatchObject({ code: 'SCOPE_TOO_NARROW' });
    await expect(failed).rejects.toThrow('push');
    expect(registry.tokenRequests()).toBeLessThanOrEqual(2);
    expect(registry.writes().length).toBeLessThanOrEqual(3);
  });

  it('8: an identity token goes by POST; where POST is unknown, GET is tried', async () => {
    const token = 'canary-identity';
    const identity = async (): Promise<Credentials> => ({ kind: 'identity-token', token });
    await using registry = await startRegistry({ auth: bearer({ identityToken: token, postOnly: true }) });
    const { repository } = await connect(registry, { credentials: identity });
    expect(await repository.head('1.0')).toBeUndefined();
    await using old = await startRegistry({ auth: { bearer: { getOnly: true, username: '', password: token } } });
    const other = await connect(old, { credentials: identity });
    expect(await other.repository.head('1.0')).toBeUndefined();
    expect(old.log.filter(({ path }) => path === '/token').map(({ method }) => method)).toEqual(['POST', 'GET']);
    expect([...registry.log, ...old.log].some(({ query }) => query.includes(token))).toBe(false);
    // Nobody's token would hide that this login is none.
    await using strict = await startRegistry({ auth: { bearer: { getOnly: true, username: 'bot', password: 'x' } } });
    const refused = await connect(strict, { credentials: identity });
    await expect(refused.repository.head('1.0')).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });

  it.each([
    ['10 MB', 'x'.repeat(10_000_000)],
    ['no JSON', '<html>'],
    ['no token', '{}'],
    ['a token that is a number', '{"token":1}'],
  ])('9: a token answer with %s is refused', async (_, body) => {
    await using registry = await startRegistry({
      auth: bearer(),
      faults: [{ match: { path: /^\/token/ }, action: { status: 200, body } }],
    });
    const { repository } = await connect(registry, { credentials });
    await expect(repository.head('1.0')).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
  });

  it('a wrong password is UNAUTHORIZED and asked for once; a busy token service is waited for', async () => {
    await using registry = await startRegistry({ auth: bearer() });
    const wrong = await connect(registry, {
      credentials: async () => ({ kind: 'password', username: 'bot', password: 'wrong' }),
    });
    const failed = wrong.repository.head('1.0');
    await expect(failed).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(failed).rejects.toThrow('incorrect username or password');
    expect(registry.tokenRequests()).toBe(1);
    registry.addFault({ match: { path: /^\/token/ }, action: { status: 429, headers: { 'retry-after': '7' } } });
    const { repository, sleeps } = await connect(registry, { credentials });
    expect(await repository.head('1.0')).toBeUndefined();
    expect(sleeps).toEqual([7000]);
  });

  it('10: two clients of the same host keep their credentials to themselves', async () => {
    await using registry = await startRegistry({ auth: bearer() });
    const one = await connect(registry, { credentials });
    await one.repository.head('1.0');
    const two = await connect(registry, {
      credentials: async () => ({ kind: 'password', username: 'other', password: 'other' }),
    });
    await expect(two.repository.head('1.0')).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });

  it('no secret is in a message or a line, even when a server repeats it', async () => {
    await using registry = await startRegistry({ auth: bearer() });
    const { repository, lines, masks } = await connect(registry, { credentials });
    await repository.head('1.0');
    const echo = (status: number) => ({
      status,
      headers: { warning: `299 - "you sent ${[PASSWORD, ...masks].join(' ')}"` },
      body: { errors: [{ code: 'UNKNOWN', message: [PASSWORD, ...masks].join(' ') }] },
    });
    registry.addFault({ match: { method: 'GET', nth: 'all' }, action: echo(503) });
    const error = await repository.get('1.0').catch((caught: unknown) => caught);
    const all = [String(error), JSON.stringify(error), ...lines].join('\n');
    expect(all).toContain('***');
    expect(all).not.toContain(PASSWORD);
    for (const secret of masks) expect(all).not.toContain(secret);
    expect(lines.length).toBeGreaterThan(3);
  });

  it.each(['p"ass\\w/ord', 'geheim ü&=', 'abc', 'päss'])(
    'nor is %s, as JSON or an address write it',
    async (password) => {
      const given = async (): Promise<Credentials> => ({ kind: 'password', username: 'bot', password });
      await using registry = await startRegistry({ auth: { basic: { username: 'bot', password } } });
      const { repository } = await connect(registry, { credentials: given });
      await repository.head('1.0');
      const header = Buffer.from(`bot:${password}`).toString('base64');
      const forms = [
        password,
        `${password}-and-more`,
        encodeURIComponent(password),
        header,
        encodeURIComponent(header),
      ];
      const body = { errors: [{ code: 'UNKNOWN', message: forms.join(' ') }] };
      registry.addFault({ match: { method: 'GET', nth: 'all' }, action: { status: 418, body } });
      const error = await repository.get('1.0').catch((caught: unknown) => caught);
      expect(String(error)).toContain('*** ***-and-more *** *** ***');
    },
  );
});

/** The challenge of a registry on the internet, and what the authenticator asks of the network then. */
async function challenge(
  header: string | readonly string[],
  from = 'https://registry.example.com/v2/org/app/manifests/1',
) {
  const sent: HttpRequest[] = [];
  const auth = createAuthenticator({
    host: new URL(from).host,
    credentials,
    clock: createTestClock(),
    mask: () => undefined,
    transport: async (request) => {
      sent.push(request);
      return { status: 200, headers: {}, url: request.url, stream: Readable.from([Buffer.from('{"token":"t"}')]) };
    },
  });
  const scopes = [{ repository: 'org/app', actions: ['pull'] as const }];
  const text = typeof header === 'string' ? header : header.join(', ');
  const response = {
    status: 401,
    headers: { 'www-authenticate': text },
    url: new URL(from),
    stream: Readable.from([]),
  };
  const more = await auth.challenged(response, scopes, undefined, true);
  return { more, sent, header: await auth.header(scopes) };
}

describe('challenges', () => {
  const realm = 'https://auth.example.com/token';
  const get = `${realm}?service=registry&scope=repository%3Aorg%2Fapp%3Apull`;
  it.each([
    ['lower case', `bearer realm="${realm}",service="registry"`],
    ['spaces around commas and signs', `Bearer realm = "${realm}" , service = "registry"`],
    ['a quoted comma in the scope', `Bearer realm="${realm}",scope="repository:org/app:pull,push",service="registry"`],
    ['Basic in the same header', `Basic realm="x", Bearer realm="${realm}",service="registry"`],
    ['Bearer before Basic', `Bearer realm="${realm}",service="registry", Basic realm="x"`],
    ['two headers', [`Basic realm="x"`, `Bearer realm="${realm}",service="registry"`]],
    ['Negotiate first', `Negotiate, Bearer realm="${realm}",service="registry"`],
    ['Negotiate with a blob first', `Negotiate YWJj==, Bearer realm="${realm}",service="registry"`],
    ['an unquoted service', `Bearer service=registry,realm="${realm}"`],
  ])('5: %s', async (_, header) => {
    const { more, sent, header: authorization } = await challenge(header);
    expect(more).toBe(true);
    expect(sent.map(({ url }) => url.href)).toEqual([get]);
    expect(authorization).toBe('Bearer t');
  });

  it('5: a missing service is left out, and a relative realm is of the registry itself', async () => {
    const without = await challenge(`Bearer realm="${realm}"`);
    expect(without.sent[0]?.url.searchParams.has('service')).toBe(false);
    const relative = await challenge('Bearer realm="/token",service="registry"');
    expect(relative.sent[0]?.url.href).toMatch(/^https:\/\/registry\.example\.com\/token\?/);
  });

  it.each(['', 'Bearer', 'Bearer service="x"', 'Negotiate', ', , ,', 'Bearer realm="unclosed'])(
    '5: a challenge that offers nothing ends there: %s',
    async (header) => {
      expect(await challenge(header)).toMatchObject({ more: false, sent: [], header: undefined });
    },
  );

  it.each([
    'http://auth.example.com/token',
    'http://registry.example.com/token',
    'http://169.254.169.254/latest/meta-data',
    'https://169.254.169.254/token',
    'https://10.0.0.5/token',
    'https://127.0.0.1:8443/token',
    'https://localhost/token',
    'https://[::1]/token',
    'https://[::ffff:10.0.0.5]/token',
    'https://[fd00::1]/token',
    'https://2130706433/token',
    'https://user:pass@auth.example.com/token',
    'ftp://auth.example.com/token',
    'https://',
  ])('7: the hostile realm %s gets nothing', async (hostile) => {
    const asked = challenge(`Bearer realm="${hostile}",service="registry"`);
    await expect(asked).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
    await expect(asked).rejects.not.toThrow('user:pass');
  });

  it('7: a registry on this machine may have its token service on this machine', async () => {
    const from = 'http://127.0.0.1:5000/v2/org/app/manifests/1';
    const { sent } = await challenge('Bearer realm="http://127.0.0.1:5001/token"', from);
    expect(sent).toHaveLength(1);
  });
});
