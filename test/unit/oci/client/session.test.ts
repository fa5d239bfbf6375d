import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { HttpRequest } from '../../../../src/http/transport.ts';
import { createAuthenticator } from '../../../../src/oci/client/auth.ts';
import { createSession, resolveLocation } from '../../../../src/oci/client/session.ts';
import { createTestClock } from '../../../support/runtime.ts';

const HOST = 'registry.example.com';

/** A session with a registry on the internet that answers the first requests as given, and 200 from then on. */
function sessionWith(...answers: readonly { status: number; headers?: Record<string, string> }[]) {
  const sent: HttpRequest[] = [];
  const transport = async (request: HttpRequest) => {
    const { status = 200, headers = {} } = answers[sent.length] ?? {};
    sent.push(request);
    return { status, headers, url: request.url, stream: Readable.from([]) };
  };
  const clock = createTestClock();
  const auth = createAuthenticator({
    host: HOST,
    credentials: async () => ({ kind: 'password', username: 'bot', password: 'canary' }),
    transport,
    clock,
    mask: () => undefined,
  });
  const quiet = () => undefined;
  const session = createSession({
    host: HOST,
    origin: `https://${HOST}`,
    transport,
    auth,
    clock,
    signal: new AbortController().signal,
    log: { info: quiet, debug: quiet, notice: quiet, warning: quiet, error: quiet, group: (_, task) => task() },
  });
  const request = (method: HttpRequest['method'] = 'GET') =>
    session.request({
      method,
      url: new URL(`https://${HOST}/v2/org/app/blobs/x`),
      operation: 'read',
      scopes: [{ repository: 'org/app', actions: ['pull'] }],
      expect: [200],
      what: 'GET blob x',
      facts: {},
    });
  return { request, sent };
}

const BASIC = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };

describe('where a registry on the internet may lead', () => {
  it.each([
    'https://10.0.0.5/blob',
    'https://169.254.169.254/latest/meta-data',
    'https://127.0.0.1/blob',
    'https://localhost/blob',
    'https://[::1]/blob',
    'https://[::ffff:10.0.0.5]/blob',
    'https://0x7f000001/blob',
    'http://registry.example.com/blob',
    'http://storage.example.com/blob',
    'https://user:pass@storage.example.com/blob',
    'data:text/plain,hello',
  ])('16: not to %s', async (location) => {
    const { request, sent } = sessionWith({ status: 307, headers: { location } });
    await expect(request()).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
    expect(sent).toHaveLength(1);
  });

  it('to storage elsewhere, without credentials, and with them no more on the way back', async () => {
    const { request, sent } = sessionWith(
      BASIC,
      { status: 307, headers: { location: 'https://storage.example.com/a?signature=s' } },
      { status: 307, headers: { location: `https://${HOST}/b` } },
    );
    await request();
    const seen = sent.map(({ url, headers }) => [url.host, headers?.authorization !== undefined]);
    expect(seen).toEqual([
      [HOST, false],
      [HOST, true],
      ['storage.example.com', false],
      [HOST, false],
    ]);
  });

  it.each(['Bearer realm="https://thief.example.com/token"', 'Bearer realm="/token"', 'Basic realm="x"'])(
    'storage that asks for credentials by %s gets none, and names no token service',
    async (wanted) => {
      const { request, sent } = sessionWith(
        { status: 307, headers: { location: 'https://storage.example.com/a' } },
        { status: 401, headers: { 'www-authenticate': wanted } },
      );
      await expect(request()).rejects.toMatchObject({ code: 'UNAUTHORIZED', facts: { status: 401 } });
      expect(sent.map(({ url, headers }) => [url.host, headers?.authorization])).toEqual([
        [HOST, undefined],
        ['storage.example.com', undefined],
      ]);
    },
  );

  it('another port and another scheme are another origin', async () => {
    const { request, sent } = sessionWith(BASIC, {
      status: 307,
      headers: { location: `https://${HOST}:8443/b` },
    });
    await request();
    expect(sent.at(-1)?.headers?.authorization).toBeUndefined();
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)('%s follows only what keeps method and body', async (method) => {
    for (const status of [301, 302, 303]) {
      const { request, sent } = sessionWith({ status, headers: { location: '/elsewhere' } });
      await expect(request(method)).rejects.toMatchObject({ facts: { status } });
      expect(sent).toHaveLength(1);
    }
    const { request, sent } = sessionWith({ status: 308, headers: { location: '/elsewhere' } });
    await request(method);
    expect(sent[1]?.method).toBe(method);
  });

  it('an address that does not parse is shown without its query', async () => {
    const { request } = sessionWith({ status: 307, headers: { location: 'https://[?signature=canary' } });
    const failed = request();
    await expect(failed).rejects.toThrow('which is none');
    await expect(failed).rejects.not.toThrow('canary');
  });
});

describe('resolving a Location', () => {
  const from = new URL('https://registry.example.com/v2/a/blobs/uploads/?x=1');
  it.each([
    ['/v2/a/1?s=2', 'https://registry.example.com/v2/a/1?s=2'],
    ['https://other.example.com/x', 'https://other.example.com/x'],
    ['//other.example.com/x', 'https://other.example.com/x'],
    ['registry.example.com/v2/x', 'https://registry.example.com/v2/x'],
    ['?state=1', 'https://registry.example.com/v2/a/blobs/uploads/?state=1'],
    ['http://[', undefined],
    ['https://user@other.example.com/', undefined],
    [`/${'x'.repeat(9000)}`, undefined],
  ])('%s', (location, expected) => {
    expect(resolveLocation(location, from)?.href).toBe(expected);
  });
});
