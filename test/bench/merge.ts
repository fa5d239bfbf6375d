import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeLayout } from '../support/layout.ts';
import { createRepository, pushEvent } from '../support/repository.ts';
import { measureAction } from './action.ts';
import { compare, printResults } from './compare.ts';
import { measureCommand } from './measure.ts';
import { onEmptyRegistry, type Place, type Push } from './push.ts';

const MEBIBYTE = 1024 * 1024;
/** Of the layers of each platform, in MiB. Together 500. */
const LAYERS = [200, 120, 80, 50, 30, 15, 4, 1];
const PLATFORMS = ['linux/amd64', 'linux/arm64'];
const OURS = 'this action, from layouts';
const CHAIN = 'pushes by digest, then docker buildx imagetools create';

const EXPLAINED = `  The layouts are sent after the merge, each byte hashed once more. The chain pushes each platform from its own job, at the
  same time; here one after the other, as the network of the registry is the same. It scans nothing, and neither does this
  action here (\`scan: off\`).
`;

/** Two layouts of 500 MiB as one image in an empty registry, against pushes by digest that buildx merges there. */
export async function benchMerge(place: Place): Promise<void> {
  const { large, env, rounds } = place;
  const folder = join(large, 'merge');
  const built = await Promise.all(
    PLATFORMS.map((platform, at) =>
      writeLayout(join(folder, String(at)), {
        platforms: [
          { platform, layers: LAYERS.map((size, index) => ({ [`layer-${index}`]: randomBytes(size * MEBIBYTE) })) },
        ],
        names: ['bench:1'],
      }),
    ),
  );
  await using checkout = await createRepository();
  await checkout.commit('empty');
  const event = await pushEvent(checkout);
  const ours: Push = (target) =>
    measureAction({
      inputs: {
        command: 'merge',
        images: target,
        tags: 'type=raw,value=1.0.0',
        layouts: folder,
        platforms: PLATFORMS.join(','),
        scan: 'off',
      },
      workspace: checkout.directory,
      event,
      // A job of a hosted runner is the first on its machine: nothing was compiled before it.
      env: { PATH: env.PATH, NODE_COMPILE_CACHE: undefined },
    });
  const chain: Push = async (repository) => {
    const digests: string[] = [];
    let seconds = 0;
    let peak = 0;
    const measure = async (...command: readonly string[]) => {
      const measured = await measureCommand(command, { env });
      seconds += measured.seconds;
      peak = Math.max(peak, measured.peak);
    };
    for (const { directory, digest } of built) {
      const target = `${repository}@${digest}`;
      await measure('oras', 'cp', '--to-plain-http', '--from-oci-layout', `${directory}@${digest}`, target);
      digests.push(target);
    }
    await measure('docker', 'buildx', 'imagetools', 'create', '--tag', `${repository}:1.0.0`, ...digests);
    return { seconds, peak };
  };
  const results = await compare(
    [
      { name: OURS, run: () => onEmptyRegistry(place, false, ours) },
      { name: CHAIN, run: () => onEmptyRegistry(place, false, chain) },
    ],
    rounds,
  );
  printResults('Merge two platforms of 500 MiB each into an empty registry', results, OURS);
  console.log(EXPLAINED);
  await rm(folder, { recursive: true, force: true });
}
