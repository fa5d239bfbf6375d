import { mkdir, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { runnerPlatform } from '../../domain/local-image-names.ts';
import { HAND_OVER_FILE, type HandOver, layoutName, writeHandOver } from '../../domain/merge/hand-over.ts';
import { normalPlatform } from '../../domain/platform.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { LocalImage, PlatformImage } from '../../oci/image/image.ts';
import { step } from '../../run/progress.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { imageIdentity } from './image-identity.ts';
import type { Naming } from './naming.ts';
import { ownRun } from './own-run.ts';
import type { PartialResult } from './partial-result.ts';
import type { LocalCopies } from './push-inputs.ts';
import type { PublishInputs } from './settings.ts';

export function wantsCopies({ layoutDirectory, load, archives }: LocalCopies): boolean {
  return layoutDirectory !== undefined || load || archives.length > 0;
}

/**
 * Hands the image over to other steps and jobs: as a layout, as archives, and in the Docker Engine under its tags.
 * @throws ActionError LOAD_FAILED, PLATFORM_MISSING, DOCKER_MISSING, BUILD_NO_SPACE
 */
export async function writeCopies(
  runtime: Runtime,
  inputs: PublishInputs,
  image: LocalImage,
  naming: Naming,
  partial: PartialResult,
): Promise<void> {
  const { copies } = inputs;
  if (!wantsCopies(copies)) return;
  await step(runtime, partial, 'Local copies', async () => {
    const { layoutDirectory, archives } = copies;
    if (layoutDirectory !== undefined) await writeLayout(runtime, layoutDirectory, inputs, image, naming, partial);
    const { writeDockerArchive, writeOciArchive } = await import('../../oci/archive/write-archive.ts');
    for (const { format, path } of archives) {
      const file = resolve(runtime.workspace, path);
      if (format === 'oci') await writeOciArchive(image, naming.fullNames, file);
      else await writeDockerArchive(image, runnable(runtime, image), naming.fullNames, file);
      runtime.log.info(`Wrote ${path} (${format}).`);
    }
    if (archives.length > 0) partial.exported = archives;
    if (!copies.load) return;
    const platform = runnable(runtime, image);
    const archive = join(runtime.temp, 'load.tar');
    await writeDockerArchive(image, platform, naming.fullNames, archive);
    const { loadArchive } = await import('../../tools/buildx/load.ts');
    const { digest } = platform.manifest.descriptor;
    await loadArchive(runtime, archive, naming.fullNames, [digest, platform.configDigest]);
    await rm(archive);
    partial.loaded = { platform: platform.name, digest, names: naming.fullNames };
    runtime.log.info(
      `Loaded ${platform.name} (${digest}) into the Docker Engine${naming.fullNames.length === 0 ? ', without a name' : `: ${naming.fullNames.join(', ')}`}.`,
    );
  });
}

/** The platform of the runner, or the only one. @throws ActionError PLATFORM_MISSING */
function runnable({ env }: Runtime, { platforms }: LocalImage): PlatformImage {
  const wanted = runnerPlatform(env.RUNNER_ARCH);
  const found = platforms.find(({ name }) => normalPlatform(name) === wanted);
  const [only] = platforms;
  if (found !== undefined) return found;
  if (platforms.length === 1 && only !== undefined) return only;
  throw new ActionError(
    'PLATFORM_MISSING',
    `The Docker Engine of this runner is for ${wanted}, and the image has ${platforms.map(({ name }) => name).join(', ')}.`,
    {
      facts: { platform: wanted },
      remedy: [`Add ${wanted} to \`platforms\`, or load the image on a runner of one of its platforms.`],
    },
  );
}

async function writeLayout(
  runtime: Runtime,
  folder: string,
  inputs: PublishInputs,
  image: LocalImage,
  naming: Naming,
  partial: PartialResult,
): Promise<void> {
  const { shareLayout } = await import('../../oci/image/share-files.ts');
  const platforms = image.platforms.map(({ name }) => name);
  const name = layoutName(platforms);
  const directory = resolve(runtime.workspace, folder, name);
  // The source itself may be the layout.
  if ((await realpath(image.directory)) !== (await realpath(directory).catch(() => undefined))) {
    await makeRoom(directory);
    await shareLayout(image, directory);
  }
  const { env } = runtime;
  const { gateResult, scan } = partial;
  const facts: HandOver = {
    digest: image.root.descriptor.digest,
    platforms,
    commit: naming.commit.sha,
    run: {
      ...ownRun(env),
      job: env.GITHUB_JOB ?? '',
      runner: `${env.RUNNER_NAME ?? 'unknown'}, ${env.RUNNER_OS ?? 'unknown'} ${env.RUNNER_ARCH ?? 'unknown'}`,
    },
    image: imageIdentity(runtime, inputs, naming),
    gate: {
      mode: scan,
      ...(gateResult === undefined ? {} : { passed: gateResult.passed, blocking: gateResult.gated.length }),
    },
  };
  await writeFile(join(directory, HAND_OVER_FILE), writeHandOver(facts));
  partial.layout = isAbsolute(folder) ? directory : join(folder, name);
  runtime.log.info(`Wrote the layout ${partial.layout}.`);
}

/** An earlier layout at the same path is replaced; anything else is left alone. */
async function makeRoom(directory: string): Promise<void> {
  const names = await readdir(directory).catch((): string[] => []);
  if (names.length > 0 && !names.includes('oci-layout')) {
    throw new ActionError(
      'INPUT_INVALID',
      `\`layout-directory\`: ${directory} exists and is no OCI layout, so it is not replaced.`,
      { facts: { input: 'layout-directory' } },
    );
  }
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
}
