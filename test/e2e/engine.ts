import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from './daemon.ts';
import { run, succeeds } from './programs.ts';

export interface Engine {
  /** Variables with which `docker` speaks to it. */
  readonly env: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

/**
 * A bridge of this engine's own, so that no other engine's is touched, and this one can be taken away again. (With
 * `--bridge=none` dockerd would remove docker0, whosever it is.)
 */
function bridgeOf(home: string): { readonly name: string; readonly address: string } {
  const hash = createHash('sha256').update(home).digest();
  // A name has 15 characters at most.
  return { name: `e2e-${hash.toString('hex').slice(0, 8)}`, address: `10.213.${hash[0] ?? 0}.1/24` };
}

/**
 * Starts containerd and the Docker Engine with the containerd image store, with all their data below `home`. No firewall rule
 * and no forwarding is set up: what the tests build and run needs no network, or the host's.
 * @param sockets folder with a short path, for what is only there while it runs
 * @param env holds the PATH with the engine's programs
 */
export async function startEngine(home: string, sockets: string, env: NodeJS.ProcessEnv): Promise<Engine> {
  await mkdir(home, { recursive: true });
  const containerdSocket = join(sockets, 'containerd.sock');
  const socket = join(sockets, 'docker.sock');
  const host = `unix://${socket}`;
  const started: { readonly stop: () => Promise<void> }[] = [];
  const stop = async () => {
    for (const daemon of started.reverse()) await daemon.stop();
    await removeBridge(home, env);
    await unmount(home);
  };
  try {
    started.push(
      await startDaemon(
        'containerd',
        'containerd',
        [
          '--address',
          containerdSocket,
          '--root',
          join(home, 'containerd', 'root'),
          '--state',
          join(home, 'containerd', 'state'),
        ],
        { home, env, ready: () => succeeds('ctr', ['--address', containerdSocket, 'version'], { env }) },
      ),
    );
    await makeBridge(home, env);
    const configuration = join(home, 'daemon.json');
    await writeFile(configuration, JSON.stringify({ features: { 'containerd-snapshotter': true } }));
    const args = [
      '--config-file',
      configuration,
      '--containerd',
      containerdSocket,
      '--data-root',
      join(home, 'docker'),
      '--exec-root',
      join(sockets, 'exec'),
      '--pidfile',
      join(sockets, 'dockerd.pid'),
      '--host',
      host,
      `--bridge=${bridgeOf(home).name}`,
      '--iptables=false',
      '--ip6tables=false',
      '--ip-forward=false',
    ];
    const ready = () => succeeds('docker', ['--host', host, 'version'], { env });
    started.push(await startDaemon('dockerd', 'dockerd', args, { home, env, ready }));
  } catch (error) {
    await stop();
    throw error;
  }
  return { env: { DOCKER_HOST: host }, stop };
}

/** Filesystems of containers that outlive an engine that was killed would keep its folder from being removed. */
export async function unmount(home: string): Promise<void> {
  const mounts = await readFile('/proc/mounts', 'utf8');
  const below = mounts
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replaceAll('\\040', ' '))
    .filter((path) => path.startsWith(`${home}/`));
  for (const path of below.reverse()) await run('umount', ['--lazy', path]).catch(() => undefined);
}

async function makeBridge(home: string, env: NodeJS.ProcessEnv): Promise<void> {
  const { name, address } = bridgeOf(home);
  await removeBridge(home, env);
  await run('busybox', ['brctl', 'addbr', name], { env });
  await run('busybox', ['ip', 'address', 'add', address, 'dev', name], { env });
  await run('busybox', ['ip', 'link', 'set', name, 'up'], { env });
}

/** Also that of a run that crashed. */
export async function removeBridge(home: string, env: NodeJS.ProcessEnv): Promise<void> {
  const { name } = bridgeOf(home);
  await run('busybox', ['ip', 'link', 'set', name, 'down'], { env }).catch(() => undefined);
  await run('busybox', ['brctl', 'delbr', name], { env }).catch(() => undefined);
}
