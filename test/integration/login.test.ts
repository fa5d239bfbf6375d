import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runAction } from '../support/action.ts';
import { startRegistry } from '../support/registry.ts';

const PASSWORD = 'correct-horse-battery-staple';
const auth = { basic: { username: 'me', password: PASSWORD } };
const bearer = { bearer: { username: 'me', password: PASSWORD } };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'login-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const encoded = Buffer.from(`me:${PASSWORD}`).toString('base64');
const login = (inputs: Readonly<Record<string, string>>, directory = join(folder, 'docker')) =>
  runAction({ inputs: { command: 'login', ...inputs }, env: { DOCKER_CONFIG: directory } });
const several = (hosts: readonly string[], password = PASSWORD) =>
  hosts.map((host) => `- registry: ${host}\n  username: me\n  password: ${password}`).join('\n');
const config = async (directory = join(folder, 'docker')) =>
  JSON.parse(await readFile(join(directory, 'config.json'), 'utf8'));

describe('command: login', () => {
  test('files the logins of all registries where other tools look, and the post step leaves nothing', async () => {
    await using one = await startRegistry({ auth });
    await using two = await startRegistry({ auth: bearer });
    await using run = await login({ 'registry-auth': several([one.host, two.host]) });
    expect(run.log).toContain(`Logged in to ${one.host}`);
    expect(run).toMatchObject({ exitCode: 0 });
    expect(run.outputs).toMatchObject({ outcome: 'logged-in', registries: `${one.host}\n${two.host}` });
    expect(await config()).toEqual({ auths: { [one.host]: { auth: encoded }, [two.host]: { auth: encoded } } });
    expect((await stat(join(folder, 'docker/config.json'))).mode & 0o777).toBe(0o600);
    expect(run.masks).toContain(PASSWORD);
    expect(run.masks).toContain(encoded);

    const post = await run.post();
    expect(post.exitCode).toBe(0);
    expect(post.log).toContain('Logged out of 2 registries');
    expect(existsSync(join(folder, 'docker'))).toBe(false);
    expect(existsSync(run.runnerTemp) ? readdirSync(run.runnerTemp) : []).toEqual([]);
  });

  test('gives back what stood there before, and leaves what somebody else has changed since', async () => {
    await using one = await startRegistry({ auth });
    await using two = await startRegistry({ auth });
    const directory = join(folder, 'docker');
    await mkdir(directory);
    const before = {
      auths: { [one.host]: { auth: 'b2xkOmxvZ2lu' }, 'other.example': { auth: 'b3RoZXI6bG9naW4=' } },
      credsStore: 'desktop',
      credHelpers: { [two.host]: 'custom' },
      proxies: { default: { httpProxy: 'http://proxy.example' } },
    };
    await writeFile(join(directory, 'config.json'), JSON.stringify(before));
    await using run = await login({ 'registry-auth': several([one.host, two.host]) });
    expect(run.exitCode).toBe(0);
    expect(await config()).toEqual({
      ...before,
      auths: { ...before.auths, [one.host]: { auth: encoded }, [two.host]: { auth: encoded } },
      credHelpers: { [one.host]: '', [two.host]: '' },
    });
    await run.post();
    expect(await config()).toEqual(before);

    await using again = await login({ 'registry-auth': several([one.host, two.host]) });
    const changed = await config();
    changed.auths[one.host] = { auth: 'bmV3OmxvZ2lu' };
    await writeFile(join(directory, 'config.json'), JSON.stringify(changed));
    expect((await again.post()).log).toContain('Logged out of 1 registry');
    expect((await config()).auths[one.host]).toEqual({ auth: 'bmV3OmxvZ2lu' });
  });

  test('is all or nothing: when one registry refuses, no login is filed', async () => {
    await using one = await startRegistry({ auth });
    await using two = await startRegistry({ auth: { basic: { username: 'me', password: 'another' } } });
    await using run = await login({ 'registry-auth': several([one.host, two.host]) });
    expect(run.exitCode).toBe(1);
    expect(run.outputs.outcome).toBe('registry-failed');
    expect(run.annotations.map(({ message }) => message).join()).toContain(two.host);
    expect(run.log.replaceAll(/::add-mask::.*/g, '')).not.toContain(PASSWORD);
    expect(existsSync(join(folder, 'docker'))).toBe(false);
    expect((await run.post()).exitCode).toBe(0);
  });

  test('says where the logins cannot be filed', async () => {
    await using one = await startRegistry({ auth });
    await writeFile(join(folder, 'file'), '');
    await using run = await login({ 'registry-auth': several([one.host]) }, join(folder, 'file', 'docker'));
    expect(run.exitCode).toBe(1);
    expect(run.outputs.outcome).toBe('invalid-input');
    expect(run.log).toContain('Set DOCKER_CONFIG');
  });

  test('says which registry has no credentials', async () => {
    await using one = await startRegistry({ auth });
    await using run = await login({ registry: one.host });
    expect(run.exitCode).toBe(1);
    expect(run.log).toContain(`No credentials found for ${one.host}`);
  });

  test('wants a registry, and nothing that is for other commands', async () => {
    await using run = await login({ images: 'ghcr.io/org/app', platforms: 'linux/amd64' });
    expect(run.outputs.outcome).toBe('invalid-input');
    expect(run.log).toContain('there is no registry to log in to');
    expect(run.log).toContain('`images`: belongs to `command: publish`');
    expect(run.log).toContain('`platforms`: belongs to `command: publish`');
  });

  test('logs out after a cancellation, too, wherever it comes', async () => {
    await using one = await startRegistry({ auth });
    await using slow = await startRegistry({
      auth,
      faults: [{ match: {}, action: { delay: 20_000 }, optional: true }],
    });
    for (const [hosts, line] of [
      [[one.host], /Saved to/],
      [[one.host, slow.host], /Logged in to/],
    ] as const) {
      await using run = await runAction({
        inputs: { command: 'login', 'registry-auth': several(hosts) },
        env: { DOCKER_CONFIG: join(folder, 'docker') },
        signalAfter: { line, signal: 'SIGINT' },
      });
      await run.post();
      expect(existsSync(join(folder, 'docker'))).toBe(false);
      if (hosts.length === 2) expect(run.outputs.outcome).toBe('cancelled');
    }
    // The runner runs the post step after a cancellation as after anything else.
    expect(await readFile('action.yml', 'utf8')).toMatch(/post-if: always\(\)/);
  });
});
