import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { busybox } from '../e2e/images.ts';
import { createRepository, type Repository } from '../support/repository.ts';

const KIBIBYTE = 1024;

/**
 * Both images are cross-built, as is usual where time counts: the compiler's work is done without emulation, once for each
 * platform. What changes with a commit is the last layer but one.
 */
const DOCKERFILE = `FROM --platform=$BUILDPLATFORM scratch AS build
COPY --chmod=755 busybox /bin/busybox
SHELL ["/bin/busybox", "sh", "-c"]
COPY dependencies/ /src/
ARG TARGETARCH
RUN b=/bin/busybox; $b mkdir /out && echo $TARGETARCH >/out/platform && $b tar -c /src | $b gzip >/out/bundle.gz

FROM scratch
COPY --chmod=755 busybox /bin/busybox
COPY base/ /usr/lib/base/
COPY dependencies/ /app/node_modules/
COPY app/ /app/
COPY --from=build /out/ /app/
ENTRYPOINT ["/bin/busybox", "cat", "/app/platform"]
`;

/** An application of about 150 MB in five layers: libraries as of a base image, packages of npm, code, a compiled bundle. */
export async function createApplication(env: NodeJS.ProcessEnv): Promise<Repository> {
  const repository = await createRepository();
  const write = async (name: string, content: string | Uint8Array) => {
    const file = join(repository.directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  };
  for (let at = 0; at < 60; at++) await write(`base/library-${at}.so`, binary(1024 * KIBIBYTE));
  for (let at = 0; at < 400; at++) {
    await write(`dependencies/package-${at}/package.json`, `{"name":"package-${at}","version":"1.${at}.0"}`);
    await write(
      `dependencies/package-${at}/index.js`,
      `module.exports = '${randomBytes(75 * KIBIBYTE).toString('hex')}'`,
    );
  }
  await repository.commit('The application', {
    '.gitignore': 'base/\ndependencies/\n',
    Dockerfile: DOCKERFILE,
    busybox: await busybox(env),
    'app/version': '0\n',
  });
  return repository;
}

/** What compresses to about a half, as machine code does. */
function binary(size: number): Buffer {
  const bytes = randomBytes(size);
  for (let at = 0; at < size; at += 64) bytes.fill(0, at, at + 32);
  return bytes;
}
