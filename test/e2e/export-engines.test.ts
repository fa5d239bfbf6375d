import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runAction } from '../support/action.ts';
import { filesBelow } from '../support/setup/exported.ts';
import { startDaemon } from './daemon.ts';
import { run, succeeds } from './programs.ts';
import { startRegistry } from './registry.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'engines-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** `export: docker` of a Nexus and a Harbor with caches, of which the Harbor is at `host`. */
async function exported(host: string) {
  const config = `version: 1
registries:
  nexus: {at: nexus.acme.example, cache: [{prefix: hub, from: docker.io}]}
  harbor: {at: "${host}", cache: [{prefix: hub, from: quay.io}, {prefix: k8s, from: registry.k8s.io}]}
`;
  const done = await runAction({
    inputs: {
      command: 'setup',
      config,
      export: 'docker',
      'registry-type': `nexus.acme.example=nexus\n${host}=harbor`,
    },
  });
  onTestFinished(done.dispose);
  expect(done.outputs.outcome, done.log).toBe('exported');
  return done.outputs['export-directory'] ?? '';
}

test('dockerd takes daemon.json, and would not take another word in it', async () => {
  const file = join(await exported('harbor.acme.example'), 'docker/daemon.json');
  const validate = (path: string) => succeeds('dockerd', ['--validate', '--config-file', path]);
  expect(await validate(file)).toBe(true);
  const text = await readFile(file, 'utf8');
  const wrong = join(await folder(), 'daemon.json');
  for (const [word, other] of [
    ['registry-mirrors', 'mirrors'],
    ['https:', 'ftp:'],
  ] as const) {
    await writeFile(wrong, text.replace(word, other));
    expect(await validate(wrong), other).toBe(false);
  }
});

test('containerd pulls through the cache that hosts.toml names', async () => {
  const home = await folder();
  const registry = await startRegistry({ home: join(home, 'registry'), env: process.env });
  onTestFinished(() => registry.stop());
  const directory = join(await exported(registry.host), 'containerd/certs.d');
  expect([...(await filesBelow(directory)).keys()]).toEqual([
    'docker.io/hosts.toml',
    'quay.io/hosts.toml',
    'registry.k8s.io/hosts.toml',
  ]);
  const layer = join(home, 'layer.tar');
  await writeFile(join(home, 'file'), 'in a layer');
  await run('tar', ['-cf', layer, '-C', home, 'file']);
  await run('crane', [
    'append',
    '--oci-empty-base',
    '--insecure',
    '-f',
    layer,
    '-t',
    `${registry.host}/hub/acme/app:1`,
  ]);

  const address = join(home, 'containerd.sock');
  const args = ['--address', address, '--root', join(home, 'root'), '--state', join(home, 'state')];
  const ctr = ['--address', address];
  const daemon = await startDaemon('containerd-export', 'containerd', args, {
    home,
    ready: () => succeeds('ctr', [...ctr, 'version']),
  });
  onTestFinished(() => daemon.stop());
  const fetched = (name: string) => run('ctr', [...ctr, 'content', 'fetch', '--hosts-dir', directory, name]);
  await fetched('quay.io/acme/app:1');
  expect((await registry.requests()).map(({ path }) => path)).toContainEqual(
    expect.stringMatching(/^\/v2\/hub\/acme\/app\/manifests\//),
  );
  // Nothing of it is there, so it is asked for at the cache of that registry, and then at a host that does not exist here.
  await expect(fetched('registry.k8s.io/acme/app:1')).rejects.toThrow();
});
