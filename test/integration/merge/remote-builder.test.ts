import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { createSecureServer, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority, type Issued } from '../../support/authority.ts';
import { buildingDocker } from '../../support/building-docker.ts';
import { createSetting, type Setting } from '../setting.ts';

/** A daemon as far as a connection goes: HTTP/2, by default with TLS that asks for a certificate. */
async function daemon(server: Issued | undefined, clients: string) {
  const listening =
    server === undefined
      ? createServer()
      : createSecureServer({ key: server.key, cert: server.cert, ca: clients, requestCert: true });
  listening.on('error', () => {});
  const sockets = new Set<{ readonly destroy: () => void }>();
  listening.on('connection', (socket: { readonly destroy: () => void }) => sockets.add(socket));
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        listening.close(() => resolve());
      }),
  };
}

let setting: Setting;
let authority: Authority;
let other: Authority;
let client: Issued;
let docker: string;
let path: string;
beforeAll(async () => {
  setting = await createSetting();
  authority = await createAuthority();
  other = await createAuthority();
  client = await authority.issue('DNS:client');
  await setting.repository.commit('the app', { Dockerfile: 'FROM scratch\n' });
  docker = await realpath(await mkdtemp(join(tmpdir(), 'docker-')));
  const { directory } = await buildingDocker(docker);
  path = `${directory}:${process.env.TEST_TRIVY_DIR}:/usr/bin:/bin`;
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
  await authority[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await rm(docker, { recursive: true, force: true });
});

const build = (inputs: Readonly<Record<string, string>>) =>
  setting.publish(
    { source: '', 'github-token': '', push: 'false', scan: 'off', driver: 'remote', ...inputs },
    { env: { PATH: path } },
  );
const certificates = (issued: Issued = client, ca = authority.ca) => ({
  'builder-ca': ca,
  'builder-cert': issued.cert,
  'builder-key': issued.key,
});

describe('a BuildKit daemon over TCP', () => {
  test('with TLS that both sides accept is used', async () => {
    const server = await authority.issue('DNS:localhost,IP:127.0.0.1');
    await using remote = await daemon(server, authority.ca);
    const run = await build({ endpoint: `tcp://127.0.0.1:${remote.port}`, ...certificates() });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
    const text = [run.log.replaceAll(/^::add-mask::.*$/gm, ''), run.summary, run.outputs.json].join('\n');
    expect(text).not.toContain(client.key.split('\n')[1]);
    const temp = run.state.temp ?? '';
    expect((await readdir(temp)).some((name) => name.startsWith('builder-'))).toBe(true);
    await run.post();
    await expect(readdir(temp)).rejects.toThrow(/ENOENT/);
  });

  test('under another name than the one in its certificate: `servername` says which', async () => {
    const server = await authority.issue('DNS:builders.internal');
    await using remote = await daemon(server, authority.ca);
    const inputs = { endpoint: `tcp://127.0.0.1:${remote.port}`, ...certificates() };
    const wrong = await build(inputs);
    expect(JSON.parse(wrong.outputs.json ?? '{}').errors, wrong.log).toMatchObject([
      {
        code: 'BUILDER_UNREACHABLE',
        message: expect.stringMatching(/for another name: DNS:builders\.internal, not 127\.0\.0\.1/),
        remedy: [expect.stringContaining('servername')],
      },
    ]);
    const right = await build({ ...inputs, 'driver-opts': 'servername=builders.internal' });
    expect(right, right.log).toMatchObject({ exitCode: 0 });
  });

  const names = 'IP:127.0.0.1';
  test.each<[string, RegExp, () => Promise<{ server: Issued | undefined; clients?: string; inputs?: object }>]>([
    [
      'with an authority that is not known',
      /not signed by the authority in `builder-ca`/,
      async () => ({ server: await other.issue(names) }),
    ],
    [
      'with a certificate that has expired',
      /certificate of the daemon expired on \d{4}-/,
      async () => ({ server: await authority.issue(names, -1) }),
    ],
    ['that does not speak TLS', /this port has no TLS/, async () => ({ server: undefined })],
    [
      'that does not accept the certificate of the client',
      /`builder-cert`/,
      async () => ({ server: await authority.issue(names), clients: other.ca }),
    ],
    [
      'with a certificate of the client that has expired',
      /`builder-cert` expired on/,
      async () => ({
        server: await authority.issue(names),
        inputs: certificates(await authority.issue('DNS:old', -1)),
      }),
    ],
    [
      'with a key of another certificate',
      /`builder-key` is not the key of `builder-cert`/,
      async () => ({
        server: await authority.issue(names),
        inputs: { ...certificates(), 'builder-key': (await authority.issue('DNS:x')).key },
      }),
    ],
    [
      'with something else as the authority',
      /`builder-ca` is no certificate/,
      async () => ({ server: await authority.issue(names), inputs: { ...certificates(), 'builder-ca': 'ca.pem' } }),
    ],
  ])('%s: the cause is named in less than three seconds', async (_, message, make) => {
    const { server, clients = authority.ca, inputs = {} } = await make();
    await using remote = await daemon(server, clients);
    const run = await build({ endpoint: `tcp://127.0.0.1:${remote.port}`, ...certificates(), ...inputs });
    expect(run.exitCode).toBe(1);
    const { errors, steps } = JSON.parse(run.outputs.json ?? '{}');
    expect(errors, run.log).toMatchObject([{ message: expect.stringMatching(message) }]);
    const took = steps.find(({ name }: { readonly name: string }) => name === 'Build');
    expect(took.milliseconds).toBeLessThan(3000);
  });

  test('without certificates, although it has TLS: the cause is named', async () => {
    await using remote = await daemon(await authority.issue(names), authority.ca);
    const run = await build({ endpoint: `tcp://127.0.0.1:${remote.port}` });
    expect(JSON.parse(run.outputs.json ?? '{}').errors, run.log).toMatchObject([
      { code: 'BUILDER_UNREACHABLE', message: expect.stringMatching(/without TLS/) },
    ]);
  });

  test('without TLS on this machine is used', async () => {
    await using remote = await daemon(undefined, authority.ca);
    const run = await build({ endpoint: `tcp://localhost:${remote.port}` });
    expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
  });

  test('that nobody runs: the cause is named', async () => {
    await using gone = await daemon(undefined, authority.ca);
    const { port } = gone;
    await gone[Symbol.asyncDispose]();
    for (const more of [{}, certificates()]) {
      const run = await build({ endpoint: `tcp://127.0.0.1:${port}`, ...more });
      expect(JSON.parse(run.outputs.json ?? '{}').errors, run.log).toMatchObject([
        { code: 'BUILDER_UNREACHABLE', message: expect.stringMatching(/nothing listens there/) },
      ]);
    }
  });

  test.each([
    ['without TLS, on another machine', { endpoint: 'tcp://builder.example.com:1234' }, /without TLS/],
    [
      'with a part of the certificates',
      { endpoint: 'tcp://127.0.0.1:1', 'builder-ca': 'x' },
      /needs all of.*`builder-cert`, `builder-key` is empty/,
    ],
    ['without an address', {}, /`driver: remote` needs `endpoint`/],
    [
      'with a configuration for the daemon',
      { endpoint: 'tcp://127.0.0.1:1', 'buildkitd-config': 'x.toml' },
      /configure it there/,
    ],
    [
      'beside a builder that exists',
      { endpoint: 'tcp://127.0.0.1:1', builder: 'mine' },
      /`builder` names an existing one/,
    ],
    [
      'beside another driver',
      { endpoint: 'tcp://127.0.0.1:1', driver: 'kubernetes' },
      /no effect without `driver: remote`/,
    ],
  ])('%s is refused before anything is sent', async (_, inputs, message) => {
    const run = await build(inputs);
    expect(run.outputs.outcome).toBe('invalid-input');
    expect(run.log).toMatch(message);
  });
});
