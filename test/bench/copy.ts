import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Registry, startRegistry } from '../e2e/registry.ts';
import type { WorkflowEvent } from '../support/action.ts';
import { writeLayout } from '../support/layout.ts';
import { createRepository, pushEvent } from '../support/repository.ts';
import { measureAction } from './action.ts';
import { type Contestant, compare, isThere, printResults, printTransferGoals, type Run } from './compare.ts';
import { type Measured, measureCommand } from './measure.ts';
import type { Place } from './push.ts';

const MEBIBYTE = 1024 * 1024;
/** Of the layers, in MiB: some large, some small, as in an application's image. Together 500. */
const LAYERS = [200, 120, 80, 50, 30, 15, 4, 1];
const OURS = 'this action';
/** Named apart: no Node is started within its time. */
const PHASE = 'its copying alone';
const scriptOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** The action takes part as soon as it has the command. */
const HAS_COMMAND = existsSync(fileURLToPath(new URL('../../src/commands/promote', import.meta.url)));
const OWN: readonly string[] = [OURS, PHASE];
/** It speaks plain HTTP to loopback, whatever the registry there speaks. */
const BUILDX = 'docker buildx imagetools create';
const NAME = 'org/app';

/** Copying an image from one docker-registry to another, which is empty. */
export async function benchCopy(place: Place): Promise<void> {
  const { large, env, rounds } = place;
  const layout = join(large, 'copy-layout');
  const { digest } = await writeLayout(layout, {
    platforms: [
      {
        platform: 'linux/amd64',
        // Of random bytes, so that nobody gains by compressing again.
        layers: LAYERS.map((size, index) => ({ [`layer-${index}`]: randomBytes(size * MEBIBYTE) })),
      },
    ],
    attestations: 'none',
    names: ['bench:1'],
  });
  // A checked-out repository, without a policy.
  await using repository = await createRepository();
  await repository.commit('empty');
  const size = LAYERS.reduce((sum, each) => sum + each);
  const copiers = Object.entries(copiersOf(env, repository.directory, await pushEvent(repository))).filter(([name]) =>
    isThere(name, OWN, env),
  );
  // Registries speak TLS. Without it the kernel moves the bytes of oras from socket to socket, and oras never sees them; here
  // each one is hashed before the last of them is sent, with or without TLS.
  for (const tls of [true, false]) {
    await using source = await open(place, tls);
    const { host, ca = '' } = source.registry;
    await measureCommand([process.execPath, scriptOf('push-phase.ts'), layout, host, NAME, ca], { env });
    const able = copiers.filter(([name]) => !tls || name !== BUILDX);
    const runs = able.map(
      ([name, copy]): Contestant => ({
        name,
        run: () => onEmptyRegistry(place, tls, source.registry, `${host}/${NAME}@${digest}`, copy),
      }),
    );
    const results = await compare(runs, rounds);
    const title = `Copy ${size} MiB in ${LAYERS.length} layers between registries, ${tls ? 'with' : 'without'} TLS`;
    printResults(title, results, HAS_COMMAND ? OURS : PHASE);
    printTransferGoals(results, OWN);
  }
  await rm(layout, { recursive: true, force: true });
}

/** Copies `host/name@digest` to `host/name:tag`; `ca` holds the authorities of registries that speak TLS. */
type Copy = (from: string, to: string, ca: string | undefined) => Promise<Measured>;

function copiersOf(env: NodeJS.ProcessEnv, workspace: string, event: WorkflowEvent): Readonly<Record<string, Copy>> {
  const command =
    (...args: readonly [string, ...((plain: boolean) => readonly string[])[]]): Copy =>
    (from, to, ca) => {
      const [program, options] = args;
      const given = options?.(ca === undefined) ?? [];
      // Programs in Go read this one.
      const all = { ...env, SSL_CERT_FILE: ca ?? env.SSL_CERT_FILE };
      const names = program === 'skopeo' ? [`docker://${from}`, `docker://${to}`] : [from, to];
      return measureCommand([program, ...given, ...(program === 'docker' ? [to, from] : names)], { env: all });
    };
  return {
    ...(HAS_COMMAND
      ? {
          [OURS]: (from: string, to: string, ca = '') =>
            measureAction({
              inputs: { command: 'promote', from, to, record: 'false', ...(ca === '' ? {} : { 'registry-ca': ca }) },
              env: { PATH: env.PATH },
              workspace,
              event,
            }),
        }
      : {}),
    [PHASE]: async (from, to, ca = '') => {
      const measured = await measureCommand([process.execPath, scriptOf('copy-phase.ts'), from, to, ca], { env });
      const [seconds, peak] = measured.said.trim().split(' ').map(Number);
      return { seconds: seconds ?? Number.NaN, peak: peak ?? Number.NaN };
    },
    'oras cp': command('oras', (plain) => [
      ...['cp', '--no-tty', '--recursive'],
      ...(plain ? ['--from-plain-http', '--to-plain-http'] : []),
    ]),
    'crane cp': command('crane', () => ['cp']),
    'skopeo copy': command('skopeo', (plain) => [
      ...['--insecure-policy', 'copy', '--quiet', '--all', '--preserve-digests'],
      ...(plain ? ['--src-tls-verify=false', '--dest-tls-verify=false'] : []),
    ]),
    [BUILDX]: command('docker', () => ['buildx', 'imagetools', 'create', '--tag']),
  };
}

interface Opened {
  readonly registry: Registry;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** A registry that has seen nothing yet, whose data lies where what is large does. */
async function open({ home, large, env }: Place, tls: boolean): Promise<Opened> {
  const data = await mkdtemp(join(large, 'registry-'));
  const own = join(home, data.slice(large.length + 1));
  const clear = async () => {
    await rm(data, { recursive: true, force: true });
    await rm(own, { recursive: true, force: true });
  };
  try {
    await mkdir(own, { recursive: true });
    await symlink(data, join(own, 'data'));
    const registry = await startRegistry({ home: own, env, tls });
    return {
      registry,
      [Symbol.asyncDispose]: async () => {
        await registry.stop();
        await clear();
      },
    };
  } catch (error) {
    await clear();
    throw error;
  }
}

async function onEmptyRegistry(place: Place, tls: boolean, source: Registry, from: string, copy: Copy): Promise<Run> {
  await using target = await open(place, tls);
  const { registry } = target;
  let authorities: string | undefined;
  if (source.ca !== undefined && registry.ca !== undefined) {
    authorities = join(place.large, 'authorities.pem');
    await writeFile(authorities, (await readFile(source.ca, 'utf8')) + (await readFile(registry.ca, 'utf8')));
  }
  await source.mark();
  const measured = await copy(from, `${registry.host}/${NAME}:copied`, authorities);
  const requests = [...(await source.requests()), ...(await registry.requests())].length;
  return { ...measured, requests };
}
