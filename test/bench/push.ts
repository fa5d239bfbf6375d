import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Registry, startRegistry } from '../e2e/registry.ts';
import { writeLayout } from '../support/layout.ts';
import { measureAction } from './action.ts';
import { type Contestant, compare, isThere, printResults, printTransferGoals, type Run } from './compare.ts';
import { type Measured, measureCommand } from './measure.ts';

const MEBIBYTE = 1024 * 1024;
/** Of the layers, in MiB: some large, some small, as in an application's image. Together 500. */
const LAYERS = [200, 120, 80, 50, 30, 15, 4, 1];
const OURS = 'this action';
/** Named apart: a moving tag is read again 0.3 s after it was written (P4), which none of the others does. */
const MOVING = 'this action, a moving tag';
/** Named apart: the others check no blob before they push, and start no Node. */
const PHASE = 'its push phase alone';
const PHASE_SCRIPT = fileURLToPath(new URL('push-phase.ts', import.meta.url));
const OWN: readonly string[] = [OURS, MOVING, PHASE];

/** Of profiles of this push: https://nodejs.org/api/cli.html#--cpu-prof */
const LIMITS = `  What limits this action: one thread of Node hashes every byte on its way (P2; 0.2 to 0.3 s), and encrypts and sends
  it (0.4 s). With its start that is 1.1 s of processor time; crane, which does not hash, and oras take 0.65 s, on
  several threads. Besides, a moving tag is read again 0.3 to 0.45 s after it was written (P4).
`;

export interface Place {
  /** Folder for data and pid files of registries. */
  readonly home: string;
  /** Folder for what is large; in memory where that is possible, so that no disk is measured. */
  readonly large: string;
  readonly env: NodeJS.ProcessEnv;
  readonly rounds: number;
}

/** Pushing an image that lies as a layout to an empty docker-registry. */
export async function benchPush(place: Place): Promise<void> {
  const { large, env, rounds } = place;
  const layout = join(large, 'layout');
  await writeLayout(layout, {
    platforms: [
      {
        platform: 'linux/amd64',
        // Of random bytes, so that nobody gains by compressing again.
        layers: LAYERS.map((size, index) => ({ [`layer-${index}`]: randomBytes(size * MEBIBYTE) })),
      },
    ],
    shape: 'manifest',
    names: ['bench:1'],
  });

  const contestants = Object.entries(pushersOf(layout, env)).filter(([name]) => isThere(name, OWN, env));
  const size = LAYERS.reduce((sum, each) => sum + each);
  // Registries speak TLS; those on a developer's machine do not, and there the kernel copies files without the program.
  for (const tls of [true, false]) {
    const runs = contestants.map(
      ([name, push]): Contestant => ({ name, run: () => onEmptyRegistry(place, tls, push) }),
    );
    const results = await compare(runs, rounds);
    printResults(`Push ${size} MiB in ${LAYERS.length} layers, ${tls ? 'with' : 'without'} TLS`, results, OURS);
    // The phase is run from its sources, and the compiler in Node that strips their types takes memory of its own.
    printTransferGoals(results, OWN, [PHASE]);
  }
  console.log(LIMITS);
}

/** Pushes to `host/name`; `ca` is the authority of a registry that speaks TLS. */
export type Push = (target: string, ca: string | undefined) => Promise<Measured>;

function pushersOf(layout: string, env: NodeJS.ProcessEnv): Readonly<Record<string, Push>> {
  const command =
    (program: string, args: (target: string, plain: boolean) => readonly string[]): Push =>
    (target, ca) =>
      // Programs in Go read this one.
      measureCommand([program, ...args(target, ca === undefined)], {
        env: { ...env, SSL_CERT_FILE: ca ?? env.SSL_CERT_FILE },
      });
  const ours =
    (tag: string): Push =>
    (target, ca = '') => {
      const names = { images: target, tags: `type=raw,value=${tag}`, flavor: 'latest=false' };
      return measureAction({
        inputs: { ...names, source: layout, scan: 'off', 'registry-ca': ca },
        // A job of a hosted runner is the first on its machine: nothing was compiled before it.
        env: { PATH: env.PATH, NODE_COMPILE_CACHE: undefined },
      });
    };
  return {
    [OURS]: ours('1.0.0'),
    [MOVING]: ours('1'),
    [PHASE]: async (target, ca = '') => {
      const [host = '', ...name] = target.split('/');
      const measured = await measureCommand([process.execPath, PHASE_SCRIPT, layout, host, name.join('/'), ca], {
        env,
      });
      return { ...measured, seconds: Number(measured.said) };
    },
    'crane push': command('crane', (target) => ['push', layout, `${target}:1`]),
    'oras cp': command('oras', (target, plain) => [
      ...['cp', '--no-tty', '--from-oci-layout', `${layout}:1`],
      ...(plain ? ['--to-plain-http'] : []),
      `${target}:1`,
    ]),
    'skopeo copy': command('skopeo', (target, plain) => [
      ...['--insecure-policy', 'copy', '--quiet', ...(plain ? ['--dest-tls-verify=false'] : [])],
      ...[`oci:${layout}:1`, `docker://${target}:1`],
    ]),
  };
}

/** Each push goes to a registry of its own that has seen nothing yet. */
export async function onEmptyRegistry({ home, large, env }: Place, tls: boolean, push: Push): Promise<Run> {
  const data = await mkdtemp(join(large, 'registry-'));
  const own = join(home, data.slice(large.length + 1));
  await mkdir(own, { recursive: true });
  await symlink(data, join(own, 'data'));
  let registry: Registry | undefined;
  try {
    registry = await startRegistry({ home: own, env, tls });
    const measured = await push(`${registry.host}/bench/image`, registry.ca);
    return { ...measured, requests: (await registry.requests()).length };
  } finally {
    await registry?.stop();
    await rm(data, { recursive: true, force: true });
    await rm(own, { recursive: true, force: true });
  }
}
