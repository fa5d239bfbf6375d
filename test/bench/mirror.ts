import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../src/domain/digest.ts';
import { type Descriptor, type ManifestBytes, MEDIA_TYPES } from '../../src/domain/manifest.ts';
import type { Repository } from '../../src/oci/client/repository.ts';
import { digestOf } from '../../src/oci/image/digest-of.ts';
import { listAsReferrers } from '../../src/oci/transfer/attach.ts';
import { type LoggedRequest, type Registry, startRegistry } from '../e2e/registry.ts';
import { anonymousRepository } from '../support/anonymous.ts';
import { measureAction } from './action.ts';
import { printGoal } from './compare.ts';
import { type Measured, measureCommand } from './measure.ts';
import type { Place } from './push.ts';

const REPOSITORIES = 30;
const TAGS = ['1.0.0', '1.1.0', '1.2.0', 'latest'];
const PLATFORMS = ['amd64', 'arm64'];
const KIBIBYTE = 1024;
/** The base of a repository's images for one platform, and what each image adds. */
const BASE_BYTES = 1024 * KIBIBYTE;
const OWN_BYTES = 128 * KIBIBYTE;
const OURS = 'this action';
const STEPS = ['first copy', 'nothing changed', 'one tag changed', 'one signature added'] as const;

interface Row extends Measured {
  readonly requests: number;
  /** Those of them that went to the source. */
  readonly reads: number;
  /** Read from the source. */
  readonly bytes: number;
}

interface Mirrored {
  readonly source: Registry;
  readonly target: Registry;
  readonly authorities: string;
  readonly directory: string;
}

/** 30 repositories of two platforms and four tags each, from one docker-registry to another, both with TLS. */
export async function benchMirror(place: Place): Promise<void> {
  const directory = await mkdtemp(join(place.large, 'mirror-'));
  await using source = await open(place);
  const { registry } = source;
  const content = await createSource(registry);
  const tools = toolsOf(place.env);
  const results = new Map<string, readonly Row[]>();
  for (const [name, mirror] of Object.entries(tools)) {
    await using target = await open(place);
    const authorities = join(directory, 'authorities.pem');
    const files = [registry.ca, target.registry.ca].flatMap((file) => file ?? []);
    await writeFile(authorities, (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join(''));
    const rows: Row[] = [];
    for (const step of STEPS) {
      if (step === 'one tag changed') await content.moveTag();
      if (step === 'one signature added') await content.sign();
      await registry.mark();
      await target.registry.mark();
      const measured = await mirror({ source: registry, target: target.registry, authorities, directory });
      const read = await registry.requests();
      const requests = [...read, ...(await target.registry.requests())].length;
      rows.push({ ...measured, requests, reads: read.length, bytes: content.bytesOf(read) });
    }
    results.set(name, rows);
    console.log(`  measured: ${name}`);
  }
  print(results);
  await rm(directory, { recursive: true, force: true });
}

/** The content of the source, and what changes it. */
async function createSource({ host, ca = '' }: Registry) {
  const authority = await readFile(ca, 'utf8');
  const sizes = new Map<string, number>();
  const put = async (repository: Repository, bytes: Buffer, mediaType: string): Promise<Descriptor> => {
    const blob = { mediaType, digest: digestOf(bytes), size: bytes.length };
    sizes.set(blob.digest, blob.size);
    await repository.putBlob(blob, () => bytes);
    return blob;
  };
  const store = async (repository: Repository, mediaType: string, fields: object, tag?: string) => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }));
    const manifest: ManifestBytes = { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
    await repository.put(tag ?? manifest.descriptor.digest, manifest);
    return manifest.descriptor;
  };
  const image = async (repository: Repository, bases: readonly Descriptor[], tag: string): Promise<Descriptor> => {
    const manifests: object[] = [];
    for (const [at, architecture] of PLATFORMS.entries()) {
      const own = await put(repository, randomBytes(OWN_BYTES), 'application/vnd.oci.image.layer.v1.tar');
      const text = JSON.stringify({ architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [] }, tag });
      const config = await put(repository, Buffer.from(text), MEDIA_TYPES.ociConfig);
      const layers = [bases[at], own];
      const child = await store(repository, MEDIA_TYPES.ociManifest, { config, layers });
      manifests.push({ ...child, platform: { os: 'linux', architecture } });
    }
    return store(repository, MEDIA_TYPES.ociIndex, { manifests }, tag);
  };
  const first: { repository?: Repository; bases: readonly Descriptor[]; root?: Descriptor } = { bases: [] };
  for (let at = 0; at < REPOSITORIES; at++) {
    const repository = await anonymousRepository(`${host}/library/app-${at}`, authority);
    const bases: Descriptor[] = [];
    for (const _ of PLATFORMS) {
      bases.push(await put(repository, randomBytes(BASE_BYTES), 'application/vnd.oci.image.layer.v1.tar'));
    }
    for (const tag of TAGS) {
      const root = await image(repository, bases, tag);
      if (at === 0) Object.assign(first, { repository, bases, root });
    }
  }
  const { repository } = first;
  if (repository === undefined) throw new Error('There is no repository.');
  const sign = async (subject: Digest | undefined) => {
    if (subject === undefined) throw new Error('There is no image.');
    const artifactType = 'application/vnd.example.signature';
    const config = await put(repository, Buffer.from('{}'), MEDIA_TYPES.ociEmpty);
    const layers = [await put(repository, randomBytes(KIBIBYTE), artifactType)];
    const { size, mediaType } = first.root ?? config;
    const fields = { artifactType, config, layers, subject: { digest: subject, size, mediaType } };
    const signature = await store(repository, MEDIA_TYPES.ociManifest, fields);
    await listAsReferrers(repository, subject, [{ ...signature, artifactType }]);
  };
  return {
    moveTag: async () => {
      first.root = await image(repository, first.bases, 'latest');
    },
    sign: () => sign(first.root?.digest),
    bytesOf: (requests: readonly LoggedRequest[]) =>
      requests
        .filter(({ method, status }) => method === 'GET' && status === 200)
        .reduce((sum, { path }) => sum + (sizes.get(/\/blobs\/(.+)$/.exec(path)?.[1] ?? '') ?? 0), 0),
  };
}

type Tool = (mirrored: Mirrored) => Promise<Measured>;

function toolsOf(env: NodeJS.ProcessEnv): Readonly<Record<string, Tool>> {
  const names = Array.from({ length: REPOSITORIES }, (_, at) => `library/app-${at}`);
  const command = async (args: readonly string[], { authorities, directory }: Mirrored, more: NodeJS.ProcessEnv = {}) =>
    measureCommand(args, { env: { ...env, ...more, SSL_CERT_FILE: authorities }, cwd: directory });
  const ours =
    (settings: string): Tool =>
    ({ source, target, authorities }) => {
      const entry = (name: string) =>
        `  - {from: ${source.host}/${name}, to: ${target.host}/${name}, tags: ["*"]${settings}}`;
      const config = ['version: 1', 'mirrors:', ...names.map(entry)].join('\n');
      return measureAction({
        inputs: { command: 'mirror', config, 'registry-ca': authorities },
        env: { PATH: env.PATH },
      });
    };
  const regsync =
    (settings: object): Tool =>
    async (mirrored) => {
      const { source, target, directory } = mirrored;
      const file = join(directory, 'regsync.json');
      const sync = names.map((name) => ({
        source: `${source.host}/${name}`,
        target: `${target.host}/${name}`,
        type: 'repository',
        ...settings,
      }));
      await writeFile(file, JSON.stringify({ version: 1, defaults: { parallel: 4 }, sync }));
      return command(['regsync', 'once', '--config', file], mirrored);
    };
  /** One process for each tag, four at a time. */
  const eachTag =
    (...args: readonly string[]): Tool =>
    async (mirrored) => {
      const { source, target, directory } = mirrored;
      const file = join(directory, 'tags.txt');
      const pairs = names.flatMap((name) =>
        TAGS.map((tag) => `${source.host}/${name}:${tag} ${target.host}/${name}:${tag}`),
      );
      await writeFile(file, pairs.join('\n'));
      return command(['xargs', '-P', '4', '-n', '2', '-a', file, ...args], mirrored);
    };
  const skopeo: Tool = async (mirrored) => {
    const { source, target, directory } = mirrored;
    const file = join(directory, 'skopeo.yaml');
    const images = Object.fromEntries(names.map((name) => [name, TAGS]));
    await writeFile(file, JSON.stringify({ [source.host]: { images } }));
    const args = ['skopeo', '--insecure-policy', 'sync', '--all', '--preserve-digests'];
    return command([...args, '--src', 'yaml', '--dest', 'docker', file, target.host], mirrored, SKOPEO_LIBRARIES(env));
  };
  const all: Readonly<Record<string, Tool>> = {
    [OURS]: ours(''),
    [`${OURS}, without attachments`]: ours(', referrers: false'),
    'regsync, with referrers': regsync({ referrers: true, digestTags: true }),
    regsync: regsync({}),
    'skopeo sync': skopeo,
    'oras cp -r for each tag': eachTag('oras', 'cp', '--recursive', '--no-tty'),
    'crane cp for each tag': eachTag('crane', 'cp'),
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith(OURS) || starts(name, env)));
}

/** Debian's skopeo is linked to a library that is installed beside it. */
const SKOPEO_LIBRARIES = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  LD_LIBRARY_PATH: join(env.E2E_HOME ?? '', 'root/usr/lib/x86_64-linux-gnu'),
});

function starts(name: string, env: NodeJS.ProcessEnv): boolean {
  const [program = ''] = name.split(/[ ,]/);
  const { error, status } = spawnSync(program, ['--help'], {
    env: { ...env, ...SKOPEO_LIBRARIES(env) },
    stdio: 'ignore',
  });
  const isThere = error === undefined && status !== 127;
  if (!isThere) console.log(`  ${name} is left out: ${program} does not start.`);
  return isThere;
}

function print(results: ReadonlyMap<string, readonly Row[]>): void {
  console.log(`Mirror ${REPOSITORIES} repositories with ${TAGS.length} tags of two platforms each, with TLS`);
  const width = Math.max(...[...results.keys()].map(({ length }) => length));
  for (const [at, step] of STEPS.entries()) {
    console.log(`  ${step}`);
    for (const [name, rows] of results) {
      const missing = { seconds: NaN, peak: NaN, requests: NaN, reads: NaN, bytes: NaN };
      const { seconds, peak, requests, reads, bytes } = rows[at] ?? missing;
      const cells = [
        `${seconds.toFixed(2)} s`.padStart(9),
        `${reads} + ${requests - reads} requests`.padStart(22),
        `${(bytes / 1024 ** 2).toFixed(1)} MiB read`.padStart(16),
        `${(peak / 1024 ** 2).toFixed(0)} MiB memory`.padStart(17),
      ];
      console.log(`    ${name.padEnd(width)} ${cells.join(' ')}`);
    }
  }
  const others = [...results].filter(([name]) => !name.startsWith(OURS));
  const [own, bare] = [results.get(OURS), results.get(`${OURS}, without attachments`)];
  for (const [name, rows] of others) {
    const isWhole = /referrers|oras/.test(name);
    const ours = isWhole ? own : bare;
    const [first, unchanged] = [rows[0]?.seconds ?? NaN, rows[1]?.requests ?? NaN];
    const speed = first / (ours?.[0]?.seconds ?? NaN);
    printGoal(`first copy: at least 1.0 × the speed of ${name}`, `${speed.toFixed(2)} ×`, speed >= 1);
    const requests = ours?.[1]?.requests ?? NaN;
    printGoal(
      `nothing changed: at most the requests of ${name}`,
      `${requests} and ${unchanged}`,
      requests <= unchanged,
    );
  }
}

interface Opened {
  readonly registry: Registry;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** An empty registry whose data is in memory where that is possible. */
async function open({ home, large, env }: Place): Promise<Opened> {
  const data = await mkdtemp(join(large, 'registry-'));
  const own = join(home, data.slice(large.length + 1));
  await mkdir(own, { recursive: true });
  await symlink(data, join(own, 'data'));
  const registry = await startRegistry({ home: own, env, tls: true });
  return {
    registry,
    [Symbol.asyncDispose]: async () => {
      await registry.stop();
      await rm(data, { recursive: true, force: true });
      await rm(own, { recursive: true, force: true });
    },
  };
}
