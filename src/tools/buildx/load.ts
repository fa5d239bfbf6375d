import { ActionError } from '../../errors/action-error.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { ending, lastWords, runDocker } from './docker.ts';
import { dockerEnvironment } from './docker-environment.ts';

const MINUTE_MS = 60_000;

/**
 * Loads an archive into the Docker Engine, and checks that its name means the image of the archive afterwards.
 * @param archive as `docker save` writes it
 * @param digests of its manifest and its config: with and without the containerd image store, the engine's id of the
 * image is one or the other
 * @throws ActionError LOAD_FAILED, DOCKER_MISSING, DIGEST_MISMATCH
 */
export async function loadArchive(
  runtime: Runtime,
  archive: string,
  names: readonly string[],
  digests: readonly string[],
): Promise<void> {
  const env = dockerEnvironment(runtime.env);
  const loaded = await runDocker(runtime, env, ['load', '--quiet', '--input', archive], 30 * MINUTE_MS);
  if (loaded.exitCode !== 0) {
    throw new ActionError('LOAD_FAILED', `\`docker load\` ${ending(loaded)}: ${lastWords(loaded)}`);
  }
  for (const name of names) {
    const args = ['image', 'inspect', '--format', '{{.Id}}', name];
    const found = await runDocker(runtime, env, args, MINUTE_MS);
    const id = found.stdout.trim();
    if (found.exitCode === 0 && digests.includes(id)) continue;
    throw new ActionError(
      'LOAD_FAILED',
      found.exitCode === 0
        ? `After \`docker load\`, ${name} is ${id}, expected ${digests.join(' or ')}.`
        : `\`docker load\` ended well, and \`docker image inspect ${name}\` ${ending(found)}: ${lastWords(found)}`,
    );
  }
}
