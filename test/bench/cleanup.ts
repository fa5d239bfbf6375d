import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MEDIA_TYPES } from '../../src/domain/manifest.ts';
import { digestOf } from '../../src/oci/image/digest-of.ts';
import { eachBounded } from '../../src/run/bounded.ts';
import { startRegistry } from '../e2e/registry.ts';
import { anonymousRepository } from '../support/anonymous.ts';
import { measureAction } from './action.ts';
import { type Contestant, compare, isThere, printGoal, printResults } from './compare.ts';
import { startEndlessRegistry } from './endless-registry.ts';
import { type Measured, measureCommand } from './measure.ts';
import type { Place } from './push.ts';

const TAGS = 10_000;
const MEBIBYTE = 1024 * 1024;
const OURS = 'this action plans';
const NAMES_ONLY = 'regctl tag ls (names only)';
/** Sizes of repositories that nobody has to store. */
const SIMULATED = [1000, 10_000, 100_000];

const POLICY = `
protect: { tags: [] }
defaults: { limits: off }
rules:
  - { select: { tags: ["1.*"] }, keep: { newest: { count: 100, by: semver } }, remove: { older-than: 0d } }
`;

const plan = (host: string, env: NodeJS.ProcessEnv): Promise<Measured> =>
  measureAction({
    inputs: { command: 'cleanup', images: `${host}/bench/app`, policy: POLICY },
    env: { PATH: env.PATH, NODE_COMPILE_CACHE: undefined },
    timeout: 15 * 60_000,
  });

/** Planning a clean-up of ten thousand tags in a docker-registry, and of up to a hundred thousand in one that makes them up. */
export async function benchCleanup(place: Place): Promise<void> {
  await planStored(place);
  const results = [];
  for (const tags of SIMULATED) {
    await using registry = await startEndlessRegistry(tags);
    const measured = await plan(registry.host, place.env);
    const { manifests, pages } = registry.requests();
    results.push({ tags, manifests, pages, ...measured });
    const shown = `${measured.seconds.toFixed(1)} s, ${(measured.peak / MEBIBYTE).toFixed(0)} MiB`;
    console.log(`  ${tags} tags simulated: ${shown}, ${manifests} requests for manifests, ${pages} for pages`);
  }
  for (const { tags, manifests, seconds } of results.slice(1)) {
    const each = manifests / tags;
    printGoal(`${tags} tags: no more than one request for each root`, each.toFixed(2), each <= 1);
    printGoal(`${tags} tags: under two minutes`, `${seconds.toFixed(1)} s`, seconds < 120);
  }
  const [small, medium, large] = results;
  if (small === undefined || medium === undefined || large === undefined) return;
  const mebibytes = medium.peak / MEBIBYTE;
  printGoal(`${medium.tags} tags: at most 150 MiB of memory`, `${mebibytes.toFixed(0)} MiB`, mebibytes <= 150);
  const kibibytes = (large.peak - small.peak) / 1024 / (large.tags - small.tags);
  printGoal('at most 4 KiB of memory for each further tag', `${kibibytes.toFixed(1)} KiB`, kibibytes <= 4);
}

async function planStored({ home, large, env, rounds }: Place): Promise<void> {
  const data = await mkdtemp(join(large, 'registry-'));
  const own = join(home, data.slice(large.length + 1));
  await mkdir(own, { recursive: true });
  await symlink(data, join(own, 'data'));
  const registry = await startRegistry({ home: own, env });
  try {
    await fill(registry.host);
    const script = join(own, 'regbot.yml');
    await writeFile(script, regbotScript(registry.host));
    const regctl = { ...env, REGCTL_CONFIG: join(own, 'regctl.json') };
    await measureCommand(['regctl', 'registry', 'set', '--tls', 'disabled', registry.host], { env: regctl }).catch(
      () => undefined,
    );
    const ways: Readonly<Record<string, () => Promise<Measured>>> = {
      [OURS]: () => plan(registry.host, env),
      'regbot (a manifest for each tag)': () => measureCommand(['regbot', 'once', '--config', script], { env }),
      [NAMES_ONLY]: () => measureCommand(['regctl', 'tag', 'ls', `${registry.host}/bench/app`], { env: regctl }),
    };
    const able = Object.entries(ways).filter(([name]) => isThere(name, [OURS], env));
    const runs = able.map(
      ([name, run]): Contestant => ({
        name,
        run: async () => {
          await registry.mark();
          const measured = await run();
          return { ...measured, requests: (await registry.requests()).length };
        },
      }),
    );
    const results = await compare(runs, rounds);
    printResults(`Plan a clean-up of ${TAGS} tags of as many images`, results, OURS);
    const ours = results.find(({ name }) => name === OURS);
    const each = (ours?.requests ?? Number.NaN) / TAGS;
    // Pages of the list, and one question whether there is a referrers API.
    printGoal('no more than one request for each root', each.toFixed(3), each <= 1.02);
    printGoal('under two minutes', `${ours?.seconds.toFixed(1)} s`, (ours?.seconds ?? Number.NaN) < 120);
  } finally {
    await registry.stop();
    await rm(data, { recursive: true, force: true });
    await rm(own, { recursive: true, force: true });
  }
}

/** As many images as tags, which share config and layer, so that only manifests are pushed. */
async function fill(host: string): Promise<void> {
  const repository = await anonymousRepository(`${host}/bench/app`);
  const blob = async (mediaType: string, text: string) => {
    const bytes = Buffer.from(text);
    const descriptor = { mediaType, digest: digestOf(bytes, 'sha256'), size: bytes.length };
    await repository.putBlob(descriptor, () => bytes);
    return descriptor;
  };
  const config = await blob(MEDIA_TYPES.ociConfig, '{"os":"linux","architecture":"amd64"}');
  const layers = [await blob('application/vnd.oci.image.layer.v1.tar', 'layer')];
  const numbers = Array.from({ length: TAGS }, (_, at) => at);
  await eachBounded(numbers, 16, async (at) => {
    const mediaType = MEDIA_TYPES.ociManifest;
    const annotations = { 'org.opencontainers.image.version': `1.0.${at}` };
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers, annotations }));
    const descriptor = { mediaType, digest: digestOf(bytes, 'sha256'), size: bytes.length };
    await repository.put(`1.0.${at}`, { descriptor, bytes });
  });
}

/** What a script of regclient has to do before it can decide: JSON is YAML. https://regclient.org/usage/regbot/ */
function regbotScript(host: string): string {
  const script = `for _, t in ipairs(tag.ls("${host}/bench/app")) do manifest.get("${host}/bench/app:" .. t) end`;
  return JSON.stringify({
    version: 1,
    creds: [{ registry: host, tls: 'disabled' }],
    scripts: [{ name: 'list', script, timeout: '10m' }],
  });
}
