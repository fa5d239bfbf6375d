import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushEvent } from '../support/repository.ts';
import { freePort, run } from './programs.ts';
import { createScene, type Scene } from './scene.ts';

let scene: Scene;
let config: string;
beforeAll(async () => {
  scene = await createScene();
  config = join(scene.directory, 'kubeconfig');
  const server = `http://127.0.0.1:${await freePort()}`;
  await writeFile(
    config,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'here', cluster: { server } }],
      contexts: [{ name: 'here', context: { cluster: 'here', user: 'ci', namespace: 'default' } }],
      'current-context': 'here',
      users: [{ name: 'ci', user: { token: 'token-of-the-cluster' } }],
    }),
  );
});
afterAll(() => scene[Symbol.asyncDispose]());

const build = async (options: string, env: Readonly<Record<string, string>> = { KUBECONFIG: config }) =>
  scene.publish({
    inputs: { images: 'org/app', push: 'false', driver: 'kubernetes', 'driver-opts': options },
    event: await pushEvent(scene.repository),
    env,
  });

describe('the Kubernetes driver, as the real buildx reads its options', () => {
  // Without a cluster the first thing that fails is the start: then every option was accepted.
  it.each([
    ['namespace=ci'],
    ['namespace=ci\nnodeselector=kubernetes.io/arch=arm64,pool=ci\nrequests.cpu=2\nlimits.memory=4Gi'],
    ['namespace=ci\ntolerations=key=a,value=b;key=c,effect=NoSchedule\nlabels=a=b,c=d\nannotations=e=f'],
    ['namespace=ci\nreplicas=2\nloadbalance=random\nrootless=true\nserviceaccount=builder\ntimeout=5s'],
  ])('accepts %j, and the cluster is named that does not answer', async (options) => {
    const ran = await build(options);
    expect(JSON.parse(ran.outputs.json ?? '{}').errors, ran.log).toMatchObject([
      { code: 'BUILDER_UNSUITABLE', message: expect.stringMatching(/namespaces\/ci\/deployments.*refused/s) },
    ]);
    expect(await run('docker', ['buildx', 'ls'], { env: process.env })).not.toContain('registry-action-');
  });

  it.each([
    ['nodeselctor=a=b', /invalid driver option nodeselctor/],
    ['requests.cpu=lots', /quantities must match/],
    ['replicas=two', /parsing "two"/],
    ['timeout=soon', /invalid duration "soon"/],
    ['loadbalance=odd', /invalid loadbalance "odd"/],
    ['rootless=perhaps', /parsing "perhaps"/],
    ['nodeselector=arm64', /cannot parse node selector/],
    ['tolerations=key=a,colour=red', /colour/],
  ])('%s fails the run before a build, and `driver-opts` is named', async (option, message) => {
    const ran = await build(`namespace=ci\n${option}`);
    expect(JSON.parse(ran.outputs.json ?? '{}').errors, ran.log).toMatchObject([
      {
        code: 'BUILDER_UNSUITABLE',
        message: expect.stringMatching(message),
        remedy: [expect.stringMatching(/`driver-opts`.*drivers\/kubernetes/)],
      },
    ]);
    expect(ran.log).not.toContain('token-of-the-cluster');
  });

  it('without the configuration of a cluster, says where to put it', async () => {
    const ran = await build('requests.cpu=2', {});
    expect(JSON.parse(ran.outputs.json ?? '{}').errors, ran.log).toMatchObject([
      { code: 'BUILDER_UNSUITABLE', remedy: [expect.stringMatching(/KUBECONFIG/)] },
    ]);
  });
});
