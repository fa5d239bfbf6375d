import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readlink, rm, symlink } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { coerce, gte } from 'semver';
import { findTrivy } from '../support/trivy.ts';
import { claim, stop, stopAll } from './daemon.ts';
import { removeBridge, startEngine, unmount } from './engine.ts';
import { hasBuildkitImage, loadBuildkitImage, pushSbomGenerator } from './images.ts';
import { find, run, succeeds, timed } from './programs.ts';
import { startRegistry } from './registry.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSTALL = fileURLToPath(new URL('install.sh', import.meta.url));

/** The newest releases whose dependencies the Go module proxy serves. */
const BUILDX = 'v0.37.2';
const BUILDKIT = 'v0.33.1';
const ACT = 'v0.2.89';
const ACTIONLINT = 'v1.7.12';
const ZIZMOR = '1.32.0';
const GH = 'v2.83.2';
const COSIGN = 'v3.1.3';
const OPENTOFU = 'v1.12.6';
/** The first that knows all options that the action uses. */
const OLDEST_BUILDX = '0.13.0';

/** Programs by the Debian package that has them. */
const NEWEST: Readonly<Record<string, string>> = {
  crane: 'crane',
  oras: 'oras',
  cosign: 'cosign',
  notation: 'notation',
  'docker-registry': 'docker-registry',
};
const ENGINE: Readonly<Record<string, string>> = {
  dockerd: 'docker.io',
  docker: 'docker-cli',
  containerd: 'containerd',
};
/** A private Sigstore, which signing is tested against. */
const SIGSTORE = ['fulcio', 'rekor-tiles', 'tesseract', 'timestamp-server'];
/** Those that are linked to the C library, or are small. */
const OWN: Readonly<Record<string, string>> = {
  openssl: 'openssl',
  perl: 'perl-base',
  promtool: 'prometheus',
  'prometheus-node-exporter': 'prometheus-node-exporter',
  'prometheus-pushgateway': 'prometheus-pushgateway',
};
/** Python's client of Prometheus, whose parser of OpenMetrics is strict. */
const PYTHON_FOLDER = 'root/usr/lib/python3/dist-packages';
const OWN_ENGINE: Readonly<Record<string, string>> = { runc: 'runc', 'tini-static': 'tini' };

export interface Environment {
  /** For the tests: PATH, DOCKER_HOST, DOCKER_CONFIG, E2E_… */
  readonly env: NodeJS.ProcessEnv;
}

/** Where programs are kept between runs: `$E2E_HOME`, else `.e2e` in the repository. */
export function e2eHome(): string {
  return process.env.E2E_HOME ?? join(ROOT, '.e2e');
}

/** Where the daemons of a run keep their data; not there when none runs. */
export function runHome(): string {
  return join(e2eHome(), 'run');
}

/**
 * Brings up what the tests need: uses what the machine has, installs what is missing into {@link e2eHome}, starts an engine
 * when there is none to use, and a registry with the SBOM generator.
 * @throws Error when something cannot be had; all that was started is stopped then
 */
export async function setUp(): Promise<Environment> {
  const home = e2eHome();
  await mkdir(join(home, 'docker'), { recursive: true });
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: searchPath(home) };
  const crashed = existsSync(runHome());
  claim(runHome());
  isOurs = true;
  if (crashed) {
    await timed('clean up after a run that did not end well', tearDown);
    claim(runHome());
    isOurs = true;
  }
  const usable = await usableEngine();
  console.log(
    usable
      ? 'The running Docker Engine is used.'
      : 'There is no Docker Engine with the containerd image store to use: one is started.',
  );
  if (!usable && (process.platform !== 'linux' || process.getuid?.() !== 0)) {
    throw new Error('To start a Docker Engine, Linux and root are needed.');
  }
  // The action is run with a home of its own; builders and plugins of the machine are found all the same.
  if (usable) env.DOCKER_CONFIG ??= join(homedir(), '.docker');
  else {
    // Builders are noted there: those of a run that failed are nothing to the next one.
    env.DOCKER_CONFIG = join(runHome(), 'docker');
    await mkdir(env.DOCKER_CONFIG);
    await symlink(join(home, 'docker', 'cli-plugins'), join(env.DOCKER_CONFIG, 'cli-plugins'));
    delete env.DOCKER_HOST;
    delete env.DOCKER_CONTEXT;
  }
  const trivy = await installMissing(home, env, usable);
  env.PATH = `${dirname(trivy)}${delimiter}${env.PATH}`;
  env.E2E_RUN = runHome();
  env.E2E_PYTHON = join(home, PYTHON_FOLDER);
  // Everything temporary lies below one folder with a short path (sockets need one), which the run's folder knows.
  const temp = await mkdtemp(join(tmpdir(), 'e2e-'));
  await symlink(temp, temporary());
  env.TMPDIR = temp;

  try {
    if (!usable) {
      const start = () => startEngine(engineHome(), temp, env);
      Object.assign(env, (await timed('start containerd and the Docker Engine', start)).env);
    }
    const registry = await timed('start a registry', () => startRegistry({ home: join(runHome(), 'registry'), env }));
    if (!(await hasBuildkitImage(env))) {
      await timed('make the image of BuildKit', () => loadBuildkitImage(runHome(), join(home, 'bin'), env));
    }
    env.E2E_SBOM_GENERATOR = await timed('make the image of the SBOM generator', () =>
      pushSbomGenerator(runHome(), registry.host, trivy, env),
    );
    return { env };
  } catch (error) {
    await tearDown();
    throw error;
  }
}

const engineHome = () => join(runHome(), 'engine');
const temporary = () => join(runHome(), 'temporary');

/** The pid file of the process that runs the tests: it goes first, so that it starts nothing new. */
export const testsPid = () => join(runHome(), 'tests.pid');

/** Whether the run's folder is this process's. */
let isOurs = false;

/** Stops all that runs by the pid files, whoever started it, and removes its data. */
export async function tearDown(): Promise<void> {
  if (!isOurs) return;
  const env = { ...process.env, PATH: searchPath(e2eHome()) };
  await stop(testsPid());
  await stopAll(runHome());
  await removeBridge(engineHome(), env);
  const temp = await readlink(temporary()).catch(() => undefined);
  if (temp !== undefined) {
    await unmount(temp);
    await rm(temp, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
  await unmount(runHome());
  await rm(runHome(), { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  isOurs = false;
}

/** What the machine has comes first. */
export function searchPath(home: string): string {
  const own = ['bin', 'root/usr/bin', 'root/usr/sbin', 'root/sbin', 'root/bin'].map((folder) => join(home, folder));
  return [process.env.PATH ?? '', '/usr/sbin', '/sbin', '/usr/local/go/bin', ...own].join(delimiter);
}

/** An engine that answers, keeps images in containerd, and has a buildx that is new enough. */
async function usableEngine(): Promise<boolean> {
  if (find('docker', process.env.PATH ?? '') === undefined) return false;
  const store = await run('docker', ['info', '--format', '{{json .DriverStatus}}'], { timeout: 20_000 }).catch(
    () => '',
  );
  if (!store.includes('io.containerd.snapshotter')) return false;
  return isNewBuildx(await run('docker', ['buildx', 'version']).catch(() => ''));
}

function isNewBuildx(said: string): boolean {
  const version = coerce(said.split(' ')[1] ?? '');
  return version !== null && gte(version, OLDEST_BUILDX);
}

/** Installs in parallel. @returns where Trivy is */
async function installMissing(home: string, env: NodeJS.ProcessEnv, usable: boolean): Promise<string> {
  const install = (...args: readonly string[]) => run('bash', [INSTALL, ...args], { env, timeout: 1_800_000 });
  const isAbsent = (program: string) => find(program, env.PATH ?? '') === undefined;
  const absent = (programs: Readonly<Record<string, string>>) =>
    Object.entries(programs).flatMap(([program, name]) => (isAbsent(program) ? [name] : []));

  const newest = [...absent(NEWEST), ...(usable ? [] : absent(ENGINE))];
  const own = [
    ...absent(usable ? OWN : { ...OWN, ...OWN_ENGINE }),
    ...((await isStatic(env)) ? [] : ['busybox-static']),
    ...(existsSync(join(home, PYTHON_FOLDER, 'prometheus_client')) ? [] : ['python3-prometheus-client']),
  ];
  const debian = async () => {
    if (newest.length > 0) await timed(`install ${newest.join(', ')}`, () => install('debian', home, ...newest));
    if (own.length > 0) await timed(`install ${own.join(', ')}`, () => install('own', home, ...own));
    if (!usable) await giveInit(home, env);
  };

  const plugin = join(home, 'docker', 'cli-plugins', 'docker-buildx');
  const needsBuildx = !usable && !(await succeeds(plugin, ['version']));
  const needsBuildkit =
    !existsSync(join(home, 'bin', 'buildkitd')) &&
    !(usable && (await hasBuildkitImage(env))) &&
    !(await isReachable('https://registry-1.docker.io/v2/'));
  // One after the other: they share most of what they are made of, and each uses all processors.
  const missing = [
    ...(needsBuildx ? [['buildx', BUILDX]] : []),
    ...(needsBuildkit ? [['buildkit', BUILDKIT]] : []),
    ...(SIGSTORE.some(isAbsent) ? [['sigstore']] : []),
    ...[
      ['act', ACT],
      ['actionlint', ACTIONLINT],
      ['gh', GH],
      ['cosign-kms', COSIGN],
      ['referrers-registry'],
      ['grafana-schema'],
      ['terraform-schema'],
    ].filter(([name = '']) => isAbsent(name)),
    ...(isAbsent('terraform') && isAbsent('tofu') ? [['opentofu', OPENTOFU]] : []),
  ];
  const modules = async () => {
    if (missing.length > 0) await timed('look for Go', () => needGo(home, env, install));
    for (const each of missing)
      await timed(`build ${each.join(' ')}`, () => install(each[0] ?? '', home, ...each.slice(1)));
  };
  const zizmor = async () => {
    if (isAbsent('zizmor')) await timed(`install zizmor ${ZIZMOR}`, () => install('zizmor', home, ZIZMOR));
  };
  const trivy = async () => {
    const found = await timed('find Trivy', () => findTrivy());
    return join(found.directory, 'trivy');
  };
  const [found] = await Promise.all([trivy(), debian(), modules(), zizmor()]);
  return found;
}

/** buildx asks the engine for containers with an init process. */
async function giveInit(home: string, env: NodeJS.ProcessEnv): Promise<void> {
  const tini = find('tini-static', env.PATH ?? '');
  if (find('docker-init', env.PATH ?? '') !== undefined || tini === undefined) return;
  await mkdir(join(home, 'bin'), { recursive: true });
  await symlink(tini, join(home, 'bin', 'docker-init'));
}

/** Installs Go where there is none that fetches the toolchain that a module asks for. */
export async function needGo(
  home: string,
  env: NodeJS.ProcessEnv,
  install: (...args: string[]) => Promise<string>,
): Promise<void> {
  const go = await run('go', ['version'], { env }).catch(() => '');
  const version = coerce(/go(\d+\.\d+(?:\.\d+)?)/.exec(go)?.[1]);
  // From 1.21 on, Go fetches the toolchain that a module asks for.
  if (version !== null && gte(version, '1.21.0')) return;
  await install('debian', home, 'golang-1.26-go', 'golang-1.26-src');
  env.PATH = `${join(home, 'root', 'usr', 'lib', 'go-1.26', 'bin')}${delimiter}${env.PATH}`;
}

/** A busybox that needs no library, for images FROM scratch. */
async function isStatic(env: NodeJS.ProcessEnv): Promise<boolean> {
  const busybox = find('busybox', env.PATH ?? '');
  return busybox !== undefined && !(await succeeds('ldd', [busybox], { env }));
}

async function isReachable(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(5000) }).then(
    () => true,
    () => false,
  );
}
