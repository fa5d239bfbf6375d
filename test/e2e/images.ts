import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { find, run, succeeds } from './programs.ts';

/** The name under which buildx looks for BuildKit when it makes a builder of driver docker-container. */
export const BUILDKIT_IMAGE = 'moby/buildkit:buildx-stable-1';

/** Whether the engine has BuildKit's image, or gets it from Docker Hub. */
export async function hasBuildkitImage(env: NodeJS.ProcessEnv): Promise<boolean> {
  if (await succeeds('docker', ['image', 'inspect', BUILDKIT_IMAGE], { env })) return true;
  return succeeds('docker', ['pull', '--quiet', BUILDKIT_IMAGE], { env, timeout: 120_000 });
}

/** Makes BuildKit's image of the programs of `bin` and what the machine has, and gives it to the engine. */
export async function loadBuildkitImage(home: string, bin: string, env: NodeJS.ProcessEnv): Promise<void> {
  const context = join(home, 'image-buildkit');
  await rm(context, { recursive: true, force: true });
  await mkdir(join(context, 'lib'), { recursive: true });
  const runc = needed('runc', env);
  const programs = {
    busybox: needed('busybox', env),
    buildkitd: join(bin, 'buildkitd'),
    buildctl: join(bin, 'buildctl'),
    'buildkit-runc': runc,
  };
  for (const [name, file] of Object.entries(programs)) await copyFile(file, join(context, name));
  // runc is linked to the C library, which an image FROM scratch has not.
  const libraries = (await run('ldd', [runc], { env })).match(/\/\S+/g) ?? [];
  for (const library of libraries) {
    const target = join(context, 'lib', library);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(library, target);
  }
  const prepare = [
    '/bin/busybox --install -s /bin',
    'mkdir -p /tmp /etc /run /root',
    'chmod 1777 /tmp',
    'echo root:x:0:0:root:/root:/bin/sh >/etc/passwd',
    'echo root:x:0: >/etc/group',
  ];
  await writeFile(
    join(context, 'Dockerfile'),
    `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "${prepare.join(' && ')}"]
COPY buildkitd buildctl buildkit-runc /usr/bin/
COPY lib/ /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin BUILDKIT_SETUP_CGROUPV2_ROOT=1
VOLUME /var/lib/buildkit
ENTRYPOINT ["buildkitd"]
`,
  );
  await build(context, ['--load', '--tag', BUILDKIT_IMAGE], env);
}

/**
 * Makes a generator of SBOMs for BuildKit and pushes it, because builders take it from a registry.
 * @param host of the registry
 * @returns its name, for `sbom: generator=…`
 */
export async function pushSbomGenerator(
  home: string,
  host: string,
  trivy: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const context = join(home, 'image-sbom');
  await mkdir(context, { recursive: true });
  await copyFile(needed('busybox', env), join(context, 'busybox'));
  await copyFile(trivy, join(context, 'trivy'));
  await writeFile(join(context, 'scan'), SCAN);
  await chmod(join(context, 'scan'), 0o755);
  await writeFile(
    join(context, 'Dockerfile'),
    'FROM scratch\nCOPY busybox trivy /bin/\nCOPY scan /bin/scan\nWORKDIR /tmp\nENTRYPOINT ["/bin/scan"]\n',
  );
  const name = `${host}/sbom-generator:1`;
  await build(context, ['--output', `type=image,name=${name},push=true,registry.insecure=true`], env);
  // It is in the registry now; an engine that is not ours keeps nothing of it.
  await run('docker', ['image', 'rm', '--force', name], { env });
  return name;
}

// https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md
const SCAN = `#!/bin/busybox sh
set -e
/bin/trivy rootfs --quiet --cache-dir /tmp/cache --offline-scan --skip-version-check --format spdx-json --output /tmp/sbom.json "$BUILDKIT_SCAN_SOURCE"
{
  printf '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":'
  /bin/busybox cat /tmp/sbom.json
  printf '}'
} >"$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"
`;

async function build(context: string, output: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const args = ['buildx', 'build', '--quiet', '--builder', 'default', '--provenance=false', ...output, context];
  await run('docker', args, { env, timeout: 300_000 });
}

function needed(program: string, env: NodeJS.ProcessEnv): string {
  const file = find(program, env.PATH ?? '');
  if (file === undefined) throw new Error(`There is no ${program} on PATH.`);
  return file;
}

/** The static busybox: what the tests' own images are made of. */
export function busybox(env: NodeJS.ProcessEnv): Promise<Buffer> {
  return readFile(needed('busybox', env));
}
