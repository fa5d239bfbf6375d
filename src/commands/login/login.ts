import { DOCKERS_OWN, type Login, loginOf } from '../../credentials/docker-config.ts';
import { fileLogins } from '../../credentials/docker-logins.ts';
import { ActionError, throwAll, toActionError } from '../../errors/action-error.ts';
import type { RegistrySettings } from '../../inputs/registry-inputs.ts';
import { openRegistries, type Registry } from '../../run/open-registries.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { failedLogin, type LoginFacts, type LoginResult } from './result.ts';

interface LoggedIn {
  readonly facts: LoginFacts;
  /** Absent when docker already has it. */
  readonly login?: Login;
}

/**
 * `command: login`: finds credentials for every named registry, verifies them there, and saves them where docker and
 * other tools look. All or nothing: if one fails, none is saved. The post step logs out. Never throws.
 */
export async function login(
  runtime: Runtime,
  { registries: settings }: { readonly registries: RegistrySettings },
  warnings: readonly string[],
): Promise<LoginResult> {
  try {
    const actor = runtime.env.GITHUB_ACTOR ?? '';
    const registries = await openRegistries(runtime, settings, settings.hosts, actor);
    const tried = await Promise.allSettled([...registries.values()].map((registry) => logIn(runtime, registry)));
    const errors = tried.flatMap((each) => (each.status === 'rejected' ? [toActionError(each.reason)] : []));
    throwAll(errors);

    const done = tried.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const fresh = done.flatMap((each) => each.login ?? []);
    if (fresh.length > 0) {
      const file = await fileLogins(runtime, fresh);
      runtime.log.info(`Saved to ${file} until the job ends.`);
    }
    const logins = done.map(({ facts }) => facts);
    return { outcome: 'logged-in', errors: [], warnings, logins };
  } catch (error) {
    return failedLogin(runtime.signal.aborted ? runtime.signal.reason : error);
  }
}

async function logIn(runtime: Runtime, { host, vendor, client, credentials }: Registry): Promise<LoggedIn> {
  const found = await credentials();
  if (found === undefined) {
    throw new ActionError(
      'CREDENTIALS_MISSING',
      `No credentials found for ${host} (${vendor.title}): no \`password\` input, no keyless login configured, none in Docker's config.`,
      { facts: { registry: host, operation: 'login' } },
    );
  }
  if (!(await client.checkLogin())) {
    runtime.log.warning(`${host} allows anonymous access, so the login could not be verified.`);
  }
  const until = found.until?.toISOString();
  const ends = until === undefined ? '' : `, good until ${until}`;
  runtime.log.info(`Logged in to ${host} (${vendor.title}) with credentials from ${found.from}${ends}.`);
  const facts = { host, vendor: vendor.title, from: found.from, ...(until === undefined ? {} : { until }) };
  const filed = found.from.startsWith(DOCKERS_OWN) ? undefined : loginOf(host, found);
  return filed === undefined ? { facts } : { facts, login: filed };
}
