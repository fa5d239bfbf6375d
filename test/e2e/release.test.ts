import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { WorkflowEvent } from '../support/action.ts';
import { pushEvent, tagEvent } from '../support/repository.ts';
import { run } from './programs.ts';
import { type Registry, writes } from './registry.ts';
import { asClient, createScene, type Scene } from './scene.ts';

/** Puts what the build was told into a file, in each form in which a version can be told. */
const DOCKERFILE = `FROM scratch
ARG VERSION=unset
ARG VCS_REF=unset
COPY --chmod=755 busybox /bin/busybox
COPY <<END /app/version
\${VERSION} \${VCS_REF}
END
ENTRYPOINT ["/bin/busybox", "cat", "/app/version"]
`;

const READ = 'read from the registry, not built by this run';
const VERSION = 'org.opencontainers.image.version';
const REVISION = 'org.opencontainers.image.revision';

let scene: Scene;
let registry: Registry;
beforeAll(async () => {
  scene = await createScene();
  registry = await scene.registry();
  await scene.repository.commit('A version inside', { Dockerfile: DOCKERFILE });
  await scene.repository.tag('v1.2.3');
});
beforeEach(() => registry.mark());
afterAll(() => scene[Symbol.asyncDispose]());

const attempt = (id: string, number: number) => ({ GITHUB_RUN_ID: id, GITHUB_RUN_ATTEMPT: String(number) });

async function tagsOf(image: string): Promise<Readonly<Record<string, string>>> {
  const names = (await asClient(scene, registry, 'crane', ['ls', image])).trim().split('\n');
  const digests = names.map((tag) => asClient(scene, registry, 'crane', ['digest', `${image}:${tag}`]));
  const found = await Promise.all(digests);
  return Object.fromEntries(names.map((tag, at) => [tag, found[at]?.trim() ?? '']));
}

/** What the image under a tag says of itself: labels, annotations, and what its program prints. */
async function inside(image: string, tag: string) {
  const reference = `${image}:${tag}`;
  const config = JSON.parse(
    await asClient(scene, registry, 'crane', ['config', '--platform', 'linux/amd64', reference]),
  );
  const index = JSON.parse(await asClient(scene, registry, 'crane', ['manifest', reference]));
  await run('docker', ['pull', '--quiet', reference]);
  const printed = (await run('docker', ['run', '--rm', '--network', 'none', reference])).trim();
  await run('docker', ['image', 'rm', '--force', reference]);
  return {
    labels: [config.config.Labels[VERSION], config.config.Labels[REVISION]],
    annotations: [index.annotations[VERSION], index.annotations[REVISION]],
    printed,
  };
}

describe.each([
  { how: 'build-metadata', inputs: () => ({ 'build-metadata': 'true' }) },
  { how: 'build-args', inputs: (version: string) => ({ 'build-args': `VERSION=${version}` }) },
])('P11: a release of a commit that main has published, with its version from $how', ({ how, inputs }) => {
  it('says its own version everywhere, leaves the commit tag, and re-runs move nothing', async () => {
    const { repository } = scene;
    const image = `${registry.host}/org/${how}`;
    const sha = await repository.head();
    const publish = (version: string, event: WorkflowEvent, env: Readonly<Record<string, string>>) =>
      scene.publish({ inputs: { images: image, platforms: 'linux/amd64', ...inputs(version) }, event, env });
    const onMain = await pushEvent(repository);
    const main = await publish('main', onMain, attempt('1', 1));
    expect(main, main.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    const onTag = await tagEvent(repository, 'v1.2.3');
    const release = await publish('1.2.3', onTag, attempt('2', 1));
    expect(release, release.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });

    const commitTag = `sha-${sha.slice(0, 7)}`;
    const [first = '', second = ''] = [main.outputs.digest, release.outputs.digest];
    expect(second).not.toBe(first);
    const tags = { main: first, [commitTag]: first, '1.2.3': second, '1.2': second, '1': second, latest: second };
    expect(await tagsOf(image)).toEqual(tags);
    const ref = how === 'build-metadata' ? sha : 'unset';
    for (const tag of ['1.2.3', 'latest']) {
      expect(await inside(image, tag)).toEqual({
        labels: ['1.2.3', sha],
        annotations: ['1.2.3', sha],
        printed: `1.2.3 ${ref}`,
      });
    }
    for (const tag of ['main', commitTag]) {
      expect(await inside(image, tag)).toMatchObject({ labels: ['main', sha], printed: `main ${ref}` });
    }

    await registry.mark();
    for (const [version, event, id] of [
      ['main', onMain, '1'],
      ['1.2.3', onTag, '2'],
    ] as const) {
      const again = await publish(version, event, attempt(id, 2));
      expect(again, again.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'unchanged' } });
      expect(again.outputs.digest).toBe(version === 'main' ? first : second);
      expect(again.log).toContain(READ);
    }
    expect(writes(await registry.requests())).toEqual([]);
    expect(await tagsOf(image)).toEqual(tags);
  });
});
