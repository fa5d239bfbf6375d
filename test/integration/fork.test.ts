import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pullRequestEvent } from '../support/repository.ts';
import { createSetting, type Setting } from './setting.ts';

// A pull request from a fork gets no secrets: `${{ secrets.X }}` is the empty text there.

let setting: Setting;
beforeAll(async () => {
  setting = await createSetting();
  await setting.image();
});
afterAll(() => setting[Symbol.asyncDispose]());

const TWO = ['ghcr.io', 'quay.io'].map((host) => `- registry: ${host}\n  username: robot\n  password: ''`).join('\n');
const IMAGES = 'ghcr.io/org/app\nquay.io/org/app';

describe('a pull request from a fork, two registries, no secrets', () => {
  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['push: false', { push: 'false', 'registry-auth': TWO }, 'built'],
    ['dry-run', { 'dry-run': 'true', 'registry-auth': TWO }, 'planned'],
    ['both', { push: 'false', 'dry-run': 'true', 'registry-auth': TWO }, 'planned'],
    ['one registry', { push: 'false', registry: 'ghcr.io', username: '', password: '' }, 'built'],
  ])('%s: succeeds with a warning', async (_name, inputs, outcome) => {
    const { repository } = setting;
    const event = await pullRequestEvent(repository, 7, { head: 'main' });
    const run = await setting.publish({ images: IMAGES, tags: 'type=ref,event=pr', scan: 'off', ...inputs }, { event });
    expect(run.exitCode, run.log).toBe(0);
    expect(run.outputs.outcome).toBe(outcome);
    expect(run.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/empty\. Nothing is pushed, so the run continues with anonymous access/),
    );
  });

  test('with a push it fails, and names the registries', async () => {
    const event = await pullRequestEvent(setting.repository, 7, { head: 'main' });
    const run = await setting.publish({ images: IMAGES, 'registry-auth': TWO, scan: 'off' }, { event });
    expect(run.exitCode).toBe(1);
    expect(run.log).toMatch(
      /`password` for ghcr\.io is missing or empty[\s\S]*`password` for quay\.io is missing or empty/,
    );
  });

  test('an empty build secret is named', async () => {
    const run = await setting.publish({ source: '', push: 'false', secrets: 'NPM=', scan: 'off' });
    expect(run.exitCode).toBe(1);
    expect(run.log).toContain('the secret NPM is empty: not set for this event?');
  });
});

const PEM = `-----BEGIN ${'PRIVATE'} KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nx=\n-----END ${'PRIVATE'} KEY-----`;

test.each([
  ['a key in PEM', `"key=${PEM}"`, 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'],
  ['JSON', '"key={\n  ""a"": ""b"",\n  ""private_key"": ""long-enough-to-tell""\n}"', 'long-enough-to-tell'],
  ['a value of signs', '"key=\n=\n{"', undefined],
  ['one character', 'key=1', undefined],
])(
  'P8: the parsed value of a build secret is masked, and no sign that every line has: %s',
  async (_, secrets, part) => {
    const run = await setting.publish({
      source: '',
      context: '.',
      images: 'localhost:1/org/app',
      'dry-run': 'true',
      push: 'false',
      secrets,
    });
    expect(run.exitCode, run.log).toBe(0);
    // The runner replaces a mask wherever it stands in the log, and drops job outputs that hold one.
    expect(run.masks.filter((mask) => mask.trim().length < 3 || /^-----BEGIN [A-Z ]+-----$/.test(mask))).toEqual([]);
    if (part === undefined) return;
    expect(run.masks.some((mask) => mask.includes(part))).toBe(true);
    const shown = run.log.replaceAll(/^::add-mask::.*$/gm, '');
    for (const text of [shown, run.summary, JSON.stringify(run.outputs)]) expect(text).not.toContain(part);
  },
);

test.each([
  ['https://user:hunter22@git.example.com/org/app.git', 'hunter22'],
  ['https://hunter22token@github.com/org/app.git#main', 'hunter22token'],
  ['https://user:hunter%2022@git.example.com/org/app.git', 'hunter%2022'],
])('P8: a token in the address of the context is refused, and in no text: %s', async (context, token) => {
  const run = await setting.publish({
    source: '',
    context,
    images: 'localhost:1/org/app',
    'dry-run': 'true',
    push: 'false',
  });
  expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
  expect(run.log).toContain('GIT_AUTH_TOKEN');
  expect(run.masks).toContain(token);
  const shown = run.log.replaceAll(/^::add-mask::.*$/gm, '');
  for (const text of [shown, run.summary, JSON.stringify(run.outputs)]) expect(text).not.toContain(token);
});

test('P8: a registry that writes the credentials back in other spellings is not quoted', async () => {
  const password = 'Canary+Pass/word=42~x';
  const spell: readonly ((header: string) => string)[] = [
    (header) => [...header].map((it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
    (header) => [...header].map((it) => `&#${it.charCodeAt(0)};`).join(''),
    (header) => [...header].join('<b></b>'),
    (header) => Buffer.from(header).toString('hex'),
    (header) => Buffer.from(Buffer.from(header, 'base64')).toString('base64url'),
    (header) => encodeURIComponent(Buffer.from(header, 'base64').toString()),
  ];
  for (const write of spell) {
    let echo = '';
    const server = createServer((request, response) => {
      const header = request.headers.authorization?.replace(/^Basic /, '');
      if (header === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
        return;
      }
      echo = write(header);
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(`{"errors":[{"code":"DENIED","message":"no: ${echo}"}]}`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const run = await setting.publish({
      images: `127.0.0.1:${port}/org/app`,
      registry: `127.0.0.1:${port}`,
      username: 'robot',
      password,
      scan: 'off',
    });
    server.close();
    expect(run.outputs.outcome).not.toBe('published');
    expect(echo).not.toBe('');
    const log = run.log.replaceAll(/^::add-mask::.*$/gm, '');
    for (const text of [log, run.summary, JSON.stringify(run.outputs)]) {
      expect(text).not.toContain(echo.slice(0, 30));
      expect(text).not.toContain('Canary');
    }
  }
});
