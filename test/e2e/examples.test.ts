import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runWorkflow } from './act.ts';
import type { Registry } from './registry.ts';
import { asClient, createScene, LOGIN, type Scene } from './scene.ts';

const LAYOUT = new URL('../fixtures/layouts/buildkit-0.33.tar', import.meta.url);

let scene: Scene;
beforeAll(async () => {
  scene = await createScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

/**
 * A complete example with what the machine of the tests has in place of what only a company has.
 * @throws when the example does not hold a text that is to be replaced
 */
async function example(name: string, replaced: Readonly<Record<string, string>>): Promise<string> {
  let text = await readFile(new URL(`../../examples/${name}`, import.meta.url), 'utf8');
  for (const [from, to] of Object.entries(replaced)) {
    if (!text.includes(from)) throw new Error(`${name} does not have ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** Inputs that keep a run on this machine, after the last input of an example. */
const offline = (more: Readonly<Record<string, string>> = {}) =>
  Object.entries({ 'db-repository': scene.database, 'github-token': "''", ...more })
    .map(([name, value]) => `\n          ${name}: ${value}`)
    .join('');

const digestOf = async (registry: Registry, name: string) =>
  (await asClient(scene, registry, 'crane', ['digest', name])).trim();

describe('a complete example runs as it is written', () => {
  it('image-from-another-builder.yml', async () => {
    const registry = await scene.registry();
    await scene.repository.commit('A build of its own', {
      'build-image.sh': '#!/bin/sh\ncp prebuilt.tar "$1"\n',
      'prebuilt.tar': await readFile(LAYOUT),
    });
    await scene.repository.git('update-index', '--chmod=+x', 'build-image.sh');
    const workflow = await example('image-from-another-builder.yml', {
      'ubuntu-24.04': 'ubuntu-latest',
      './build-image.sh': 'sh ./build-image.sh',
      'ghcr.io/org/app': `${registry.host}/org/app`,
      'source: image.tar': `source: image.tar${offline()}`,
    });
    const { exitCode, log } = await runWorkflow(scene, workflow);
    expect(exitCode, log).toBe(0);
    expect(log).toContain(await digestOf(registry, `${registry.host}/org/app:main`));
  });

  it('self-hosted-registry-with-ca.yml', async () => {
    const registry = await scene.registry({ secure: true });
    if (registry.ca === undefined) throw new Error('The registry speaks TLS.');
    await scene.repository.commit('Our authority', { '.ci/registry-ca.pem': await readFile(registry.ca, 'utf8') });
    const workflow = await example('self-hosted-registry-with-ca.yml', {
      'runs-on: self-hosted': 'runs-on: ubuntu-latest',
      'registry.example.com': registry.host,
      '.ci/registry-ca.pem': `.ci/registry-ca.pem${offline({
        sbom: `generator=${process.env.E2E_SBOM_GENERATOR}`,
        'driver-opts': 'network=host',
      })}`,
    });
    const secrets = { REGISTRY_USERNAME: LOGIN.username, REGISTRY_PASSWORD: LOGIN.password };
    const { exitCode, log } = await runWorkflow(scene, workflow, secrets);
    expect(exitCode, log).toBe(0);
    expect(log).toContain(await digestOf(registry, `${registry.host}/team/app:main`));
    expect(log).not.toContain(LOGIN.password);
  });
});
