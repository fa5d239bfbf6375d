import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAction } from '../support/action.ts';
import { pushEvent } from '../support/repository.ts';
import { run, succeeds } from './programs.ts';
import type { Registry } from './registry.ts';
import { authFor, createScene, LOGIN, type Scene } from './scene.ts';

let scene: Scene;
let registry: Registry;
let image: string;
beforeAll(async () => {
  scene = await createScene();
  registry = await scene.registry({ secure: true });
  image = `${registry.host}/org/login`;
  const ran = await scene.publish({
    inputs: { images: image, 'registry-auth': authFor(registry), 'registry-ca': registry.ca ?? '', builder: 'default' },
    event: await pushEvent(scene.repository),
  });
  expect(ran.exitCode, ran.log).toBe(0);
});
afterAll(() => scene[Symbol.asyncDispose]());

describe('command: login, for steps of the user', () => {
  it('lets docker, crane and oras in with the configuration that it wrote, and the logout leaves nothing', async () => {
    const directory = join(scene.directory, 'steps', '.docker');
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      HOME: join(scene.directory, 'steps'),
      DOCKER_CONFIG: directory,
      SSL_CERT_FILE: registry.ca,
    };
    const tools = () =>
      Promise.all([
        succeeds('docker', ['pull', '--quiet', `${image}:main`], { env }),
        succeeds('crane', ['digest', `${image}:main`], { env }),
        succeeds('oras', ['manifest', 'fetch', '--descriptor', `${image}:main`], { env }),
      ]);
    expect(await tools()).toEqual([false, false, false]);

    await using login = await runAction({
      inputs: { command: 'login', registry: registry.host, ...LOGIN, 'registry-ca': registry.ca ?? '' },
      env: { DOCKER_CONFIG: directory, HOME: join(scene.directory, 'steps') },
    });
    expect(login.exitCode, login.log).toBe(0);
    expect(login.outputs).toMatchObject({ outcome: 'logged-in', registries: registry.host });
    expect(await tools()).toEqual([true, true, true]);
    const visible = login.log.replaceAll(/::add-mask::.*/g, '') + login.summary + JSON.stringify(login.outputs);
    expect(visible).not.toContain(LOGIN.password);

    expect((await login.post()).exitCode).toBe(0);
    expect(existsSync(directory)).toBe(false);
    expect(await tools()).toEqual([false, false, false]);
    await run('docker', ['rmi', `${image}:main`]);
  });

  it('refuses a wrong password, and files nothing', async () => {
    const directory = join(scene.directory, 'wrong');
    await using login = await runAction({
      inputs: {
        command: 'login',
        registry: registry.host,
        username: LOGIN.username,
        password: 'not the password',
        'registry-ca': registry.ca ?? '',
      },
      env: { DOCKER_CONFIG: directory },
    });
    expect(login.exitCode).toBe(1);
    expect(login.outputs.outcome).toBe('registry-failed');
    expect(existsSync(directory)).toBe(false);
  });
});
