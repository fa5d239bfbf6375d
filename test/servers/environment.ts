import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readlink, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { claim, stop, stopAll } from '../e2e/daemon.ts';
import { e2eHome, needGo, searchPath } from '../e2e/environment.ts';
import { find, freePort, run, timed } from '../e2e/programs.ts';
import { startReferrersRegistry, startRegistry } from '../e2e/registry.ts';
import { GITEA, startGitea } from './gitea.ts';
import { secret } from './loopback.ts';
import { postgresPrograms } from './postgres.ts';
import { PULP, startPulp } from './pulp.ts';
import { SERVERS, type Server } from './server.ts';
import { startTokenService, type TokenService } from './token-service.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSTALL = fileURLToPath(new URL('install.sh', import.meta.url));
const INSTALL_E2E = fileURLToPath(new URL('../e2e/install.sh', import.meta.url));

const DISTRIBUTION = '3.1.2';

/** Where programs are kept between runs: `$SERVERS_HOME`, else `.servers` in the repository. */
function serversHome(): string {
  return process.env.SERVERS_HOME ?? join(ROOT, '.servers');
}

/** Where the servers of a run keep their pid files; does not exist when none runs. */
export const runHome = () => join(serversHome(), 'run');
const dataHome = () => join(runHome(), 'data');
export const testsPid = () => join(runHome(), 'tests.pid');

let isOurs = false;
let tokens: TokenService | undefined;

/** A server of the tests, and how it comes to run. */
interface Choice {
  readonly name: string;
  /** What {@link install} has to have brought. */
  readonly start: (home: string, env: NodeJS.ProcessEnv) => Promise<Server>;
  readonly install: (env: NodeJS.ProcessEnv) => Promise<void>;
}

/** The servers by the names that `SERVERS` selects them with, separated by commas. */
const CHOICES: readonly Choice[] = [
  { name: 'docker-registry', install: needDockerRegistry, start: startDockerRegistry },
  { name: 'distribution', install: needDistribution, start: startDistribution },
  { name: 'referrers-registry', install: needReferrersRegistry, start: startReferrers },
  { name: 'gitea', install: needGitea, start: startGitea },
  { name: 'pulp', install: needPulp, start: (home, env) => startPulp(home, venv(), env) },
];

/**
 * Installs what is missing into {@link serversHome}, and starts the servers.
 * @throws Error when something cannot be had; all that was started is stopped then
 */
export async function setUp(): Promise<{ readonly env: NodeJS.ProcessEnv }> {
  await mkdir(serversHome(), { recursive: true });
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${searchPath(serversHome())}:${join(e2eHome(), 'bin')}:${join(e2eHome(), 'root/usr/bin')}`,
    OTEL_TRACES_EXPORTER: 'none',
  };
  const crashed = existsSync(runHome());
  take();
  if (crashed) {
    await timed('clean up after a run that did not end well', tearDown);
    take();
  }
  // Not every user may look into the folder of another's repository.
  const temp = await mkdtemp(join(tmpdir(), 'servers-'));
  await chmod(temp, 0o711);
  await symlink(temp, dataHome());
  const wanted = chosen(process.env.SERVERS);
  try {
    for (const { install } of wanted) await install(env);
    // One after the other: each start is bounded in time, and side by side they would wait for each other.
    const servers: Server[] = [];
    for (const { name, start } of wanted) {
      const home = join(temp, name);
      await mkdir(home, { recursive: true });
      servers.push(await timed(`start ${name}`, () => start(home, env)));
    }
    // What a test leaves behind when it is ended goes with the rest.
    const tests = join(temp, 'tests');
    await mkdir(tests);
    return { env: { ...env, TMPDIR: tests, [SERVERS]: JSON.stringify(servers) } };
  } catch (error) {
    await tearDown();
    throw error;
  }
}

function take(): void {
  claim(runHome(), 'SERVERS_HOME');
  isOurs = true;
}

function chosen(list: string | undefined): readonly Choice[] {
  if (list === undefined || list === '') return CHOICES;
  return list.split(',').map((wanted) => {
    const choice = CHOICES.find(({ name }) => name === wanted.trim());
    if (choice === undefined)
      throw new Error(`SERVERS: there is no ${wanted}; there are ${CHOICES.map(({ name }) => name).join(', ')}.`);
    return choice;
  });
}

/** Stops all that runs by the pid files, and removes its data. */
export async function tearDown(): Promise<void> {
  if (!isOurs) return;
  await tokens?.close();
  await stop(testsPid());
  const data = await readlink(dataHome()).catch(() => undefined);
  if (data !== undefined) {
    await stopAll(data);
    await rm(data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
  await rm(runHome(), { recursive: true, force: true });
  isOurs = false;
}

async function startDockerRegistry(home: string, env: NodeJS.ProcessEnv): Promise<Server> {
  const owner = { username: 'owner', password: secret() };
  const { host } = await startRegistry({ home, env, login: owner });
  const backends = [['/', portOf(host)]] as const;
  const version = /v?(\d+\.\d+\.\d+)/.exec(await run('docker-registry', ['--version'], { env }))?.[1];
  return { name: `docker-registry ${version}`, port: await freePort(), backends, owner };
}

async function startDistribution(home: string, env: NodeJS.ProcessEnv): Promise<Server> {
  const owner = { username: 'owner', password: secret() };
  const reader = { username: 'reader', password: secret() };
  const users = [
    { ...owner, may: ['pull', 'push', 'delete'] },
    { ...reader, may: ['pull'] },
  ];
  const [port, service] = [await freePort(), await freePort()];
  tokens = await startTokenService(home, service, `http://127.0.0.1:${port}/token`, users);
  const { host } = await startRegistry({ home, env, program: 'registry', auth: tokens.auth });
  const backends = [
    ['/token', service],
    ['/', portOf(host)],
  ] as const;
  return { name: `distribution ${DISTRIBUTION}`, port, backends, owner, reader };
}

async function startReferrers(home: string, env: NodeJS.ProcessEnv): Promise<Server> {
  const { host } = await startReferrersRegistry({ home, env });
  return { name: 'go-containerregistry', port: await freePort(), backends: [['/', portOf(host)]] };
}

function portOf(host: string): number {
  return Number(host.split(':')[1]);
}

const venv = () => join(serversHome(), 'pulp-venv');

/** Runs a part of an installation script, and says so. */
async function install(env: NodeJS.ProcessEnv, script: string, part: string, ...args: readonly string[]) {
  const task = () => run('bash', [script, part, serversHome(), ...args], { env, timeout: 1_800_000 });
  await timed(`install ${[part, ...args].join(' ')} into ${serversHome()}`, task);
}

const isAbsent = (program: string, env: NodeJS.ProcessEnv) => find(program, env.PATH ?? '') === undefined;

/** Go where a program has to be built; the installation is told where to. */
async function needProgram(program: string, env: NodeJS.ProcessEnv, script: string, part: string, ...args: string[]) {
  if (!isAbsent(program, env)) return;
  await needGo(serversHome(), env, (...more) => run('bash', [INSTALL_E2E, ...more], { env, timeout: 900_000 }));
  await install(env, script, part, ...args);
}

async function needDockerRegistry(env: NodeJS.ProcessEnv): Promise<void> {
  if (isAbsent('docker-registry', env)) await install(env, INSTALL_E2E, 'debian', 'docker-registry');
}

async function needReferrersRegistry(env: NodeJS.ProcessEnv): Promise<void> {
  await needProgram('referrers-registry', env, INSTALL_E2E, 'referrers-registry');
}

async function needDistribution(env: NodeJS.ProcessEnv): Promise<void> {
  await needProgram('registry', env, INSTALL, 'distribution', DISTRIBUTION);
}

/** Its templates are looked up with Go at the start. */
async function needGitea(env: NodeJS.ProcessEnv): Promise<void> {
  await needProgram('gitea', env, INSTALL, 'gitea', GITEA);
}

async function needPulp(env: NodeJS.ProcessEnv): Promise<void> {
  const roots = ['/usr', join(serversHome(), 'root/usr')];
  // The release of Debian 12, as in the end-to-end tests.
  if (postgresPrograms(roots, env.PATH ?? '') === undefined) await install(env, INSTALL_E2E, 'own', 'postgresql-15');
  env.POSTGRES_BIN = postgresPrograms(roots, env.PATH ?? '');
  if (!existsSync(join(venv(), 'bin', 'pulpcore-api'))) await install(env, INSTALL, 'pulp', PULP);
}
