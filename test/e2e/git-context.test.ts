import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pushEvent } from '../support/repository.ts';
import { run } from './programs.ts';
import type { Registry } from './registry.ts';
import { asClient, createScene, type Scene } from './scene.ts';

let scene: Scene;
let registry: Registry;
beforeAll(async () => {
  scene = await createScene();
  registry = await scene.registry();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** Serves the bare repositories in a folder to git, with git's own program for it. */
async function serveGit(folder: string) {
  const server = createServer((request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const env = {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    };
    const child = execFile('git', ['http-backend'], { env, encoding: 'buffer', maxBuffer: 2 ** 26 }, (_, stdout) => {
      const end = stdout.indexOf('\r\n\r\n');
      for (const line of stdout.subarray(0, end).toString().split('\r\n')) {
        const [name = '', value = ''] = line.split(': ', 2);
        if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
        else if (name !== '') response.setHeader(name, value);
      }
      response.end(stdout.subarray(end + 4));
    });
    if (child.stdin !== null) request.pipe(child.stdin);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The git server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

it('P11: a git context is named after the commit that BuildKit has built, not after the checkout', async () => {
  const { repository } = scene;
  const built = await repository.head();
  await repository.tag('v1', 'annotated');
  // Pushes everything to the origin, which BuildKit is sent to.
  await repository.clone();
  await using server = await serveGit(dirname(repository.origin));
  const event = await pushEvent(repository);
  const here = await repository.commit('Only in the checkout', { 'app-amd64/platform': 'not this one\n' });
  for (const ref of ['main', 'v1', built]) {
    const image = `${registry.host}/org/from-${ref.slice(0, 7)}`;
    const ran = await scene.publish({
      inputs: {
        images: image,
        context: `${server.url}/origin.git#${ref}`,
        tags: 'type=sha',
        platforms: 'linux/amd64',

        builder: 'default',
      },
      event,
    });
    expect(ran, ran.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    const reference = `${image}:sha-${built.slice(0, 7)}`;
    const config = JSON.parse(await asClient(scene, registry, 'crane', ['config', reference]));
    const index = JSON.parse(await asClient(scene, registry, 'crane', ['manifest', reference]));
    const revision = 'org.opencontainers.image.revision';
    expect([config.config.Labels[revision], index.annotations[revision]]).toEqual([built, built]);
    await run('docker', ['pull', '--quiet', reference]);
    expect(await run('docker', ['run', '--rm', '--network', 'none', reference])).toBe('built for amd64\n');
    await run('docker', ['image', 'rm', '--force', reference]);
    expect(ran.outputs.tags).not.toContain(here.slice(0, 7));
  }
});
