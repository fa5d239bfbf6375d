import { rm } from 'node:fs/promises';
import { withdrawLogins } from '../credentials/docker-logins.ts';
import { counted } from '../domain/amount.ts';
import { STATE } from '../run/leftovers.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { removeBuilder } from '../tools/buildx/builder.ts';
import { dockerEnvironment } from '../tools/buildx/docker-environment.ts';

/**
 * The post step: logs out, removes the builder created by the main step, and deletes the run's private directory with
 * its credentials, build secrets, layouts and reports. Failures are warnings, because the job's result is already
 * known.
 * @returns always true
 */
export async function cleanUp(runtime: Runtime): Promise<boolean> {
  const warn = (what: string) => (error: unknown) =>
    runtime.log.warning(`${what} could not be removed: ${error instanceof Error ? error.message : String(error)}`);
  await withdrawLogins(runtime).then((count) => {
    if (count !== undefined) runtime.log.info(`Logged out of ${counted(count, 'registry', 'registries')}.`);
  }, warn("docker's logins"));
  const builder = runtime.state.get(STATE.builder);
  if (builder !== '') {
    const remove = async () => {
      const saved = readEnvironment(runtime.state.get(STATE.environment));
      await removeBuilder(runtime, dockerEnvironment(runtime.env, saved), builder);
    };
    await remove().catch(warn(`Builder ${builder}`));
  }
  await rm(runtime.temp, { recursive: true, force: true, maxRetries: 3 }).then(
    () => runtime.log.info("Removed the run's private files."),
    warn(runtime.temp),
  );
  return true;
}

/** The variables saved by the main step. */
function readEnvironment(saved: string): Record<string, string> {
  const parsed: unknown = JSON.parse(saved || '{}');
  if (typeof parsed !== 'object' || parsed === null) return {};
  return Object.fromEntries(
    Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
