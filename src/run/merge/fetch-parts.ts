import { mkdtemp, readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { shortDigest } from '../../domain/digest.ts';
import { digestOfFileName, parseDigests, type WrittenDigest } from '../../domain/merge/written-digest.ts';
import { normalPlatform } from '../../domain/platform.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Repository } from '../../oci/client/repository.ts';
import { readLayout } from '../../oci/image/layout.ts';
import { fetchLayout } from '../../oci/transfer/fetch.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type OfferedPart, originOf } from './read-part.ts';

type Digest = Extract<WrittenDigest, { kind: 'digest' }>;

const MAX_FILES = 100;
const MAX_FILE_BYTES = 64 * 1024;
/** Some registries answer "not found" for a moment after a push: https://github.com/docker/buildx/issues/1519 */
const WAITS_MS = [1000, 2000, 4000];

/** The digests of lines, and of the files and folders that they name. @throws ActionError INPUT_INVALID */
export async function readDigests(workspace: string, written: readonly WrittenDigest[]): Promise<readonly Digest[]> {
  const found = await Promise.all(
    written.map((each) =>
      each.kind === 'digest' ? Promise.resolve([each]) : readDigestFiles(resolve(workspace, each.path), 2),
    ),
  );
  return found.flat();
}

async function readDigestFiles(path: string, depth: number): Promise<readonly Digest[]> {
  const facts = await stat(path).catch((error: unknown) => {
    throw refused(`There is nothing at ${path}.`, error);
  });
  if (facts.isDirectory()) {
    const names = (await readdir(path)).toSorted();
    if (names.length === 0 || names.length > MAX_FILES || depth === 0) {
      throw refused(`${path} has ${names.length} files, expected one for each platform.`);
    }
    return (await Promise.all(names.map((name) => readDigestFiles(join(path, name), depth - 1)))).flat();
  }
  const named = digestOfFileName(path.slice(path.lastIndexOf('/') + 1));
  if (named !== undefined && facts.size === 0) return [{ kind: 'digest', digest: named }];
  if (facts.size > MAX_FILE_BYTES) throw refused(`${path} has ${facts.size} bytes, which is no list of digests.`);
  const read = parseDigests((await readFile(path, 'utf8')).split('\n').map((line) => line.trim()));
  if (!read.ok) throw refused(`${path}: ${read.problems.join(' ')}`);
  const digests = read.value.flatMap((each) => (each.kind === 'digest' ? [each] : []));
  if (digests.length === 0 || digests.length < read.value.length) throw refused(`${path} is no list of digests.`);
  return digests;
}

/**
 * Fetches images that were pushed by digest.
 * @throws ActionError MANIFEST_UNKNOWN naming the platform, PLATFORM_MISSING when it is another one, and all read errors
 */
export async function fetchParts(
  runtime: Runtime,
  repository: Repository,
  image: string,
  digests: readonly Digest[],
): Promise<readonly OfferedPart[]> {
  const parts: OfferedPart[] = [];
  // One at a time: each downloads several blobs at once.
  for (const { digest, platform } of digests) {
    const name = `${image}@${digest}`;
    const directory = await mkdtemp(join(runtime.temp, 'part-'));
    await fetchWhenThere(runtime, repository, digest, directory, platform);
    const local = await readLayout(directory, { digest });
    const found = local.platforms.map((each) => each.name);
    if (platform !== undefined && !(found.length === 1 && found.map(normalPlatform).includes(platform))) {
      throw new ActionError(
        'PLATFORM_MISSING',
        `\`digests\` gives ${digest} as ${platform}, and it is an image for ${found.join(', ')}.`,
        { facts: { platform, input: 'digests' } },
      );
    }
    runtime.log.info(`Fetched ${name}: ${found.join(', ')}.`);
    parts.push({ name, image: local, handOver: undefined, ...originOf(local) });
  }
  return parts;
}

/** Also waits for what the image consists of: a registry may have an index earlier than its manifests. */
async function fetchWhenThere(
  runtime: Runtime,
  repository: Repository,
  digest: Digest['digest'],
  directory: string,
  platform: string | undefined,
): Promise<void> {
  for (const wait of [...WAITS_MS, undefined]) {
    try {
      return await fetchLayout(repository, digest, directory);
    } catch (error) {
      if (!(error instanceof ActionError) || error.code !== 'MANIFEST_UNKNOWN') throw error;
      if (wait === undefined) throw missing(repository, digest, platform, error);
      runtime.log.info(`${shortDigest(digest)} is not complete yet. Trying again in ${wait / 1000} s.`);
      await repository.pause(wait);
    }
  }
}

function missing(
  { host, name }: Repository,
  digest: Digest['digest'],
  platform: string | undefined,
  cause: ActionError,
): ActionError {
  const { reference = digest } = cause.facts;
  const part = reference === digest ? '' : `, which is a part of ${digest}`;
  return new ActionError(
    'MANIFEST_UNKNOWN',
    `${host}/${name} does not have ${reference}${part}${platform === undefined ? '' : ` for ${platform}`}.`,
    {
      cause,
      facts: { registry: host, repository: name, reference, ...(platform === undefined ? {} : { platform }) },
      remedy: [
        'Check that the job that built it pushed to this repository, the first of `images`.',
        'If a cleanup deletes untagged images, exclude those that are younger than a build takes.',
      ],
    },
  );
}

function refused(message: string, cause?: unknown): ActionError {
  return new ActionError('INPUT_INVALID', message, { cause, facts: { input: 'digests' } });
}
