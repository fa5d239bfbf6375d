import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HAND_OVER_FILE, type HandOver, isAboutPlatforms, readHandOver } from '../../domain/merge/hand-over.ts';
import type { Offered } from '../../domain/merge/offered.ts';
import { ActionError } from '../../errors/action-error.ts';
import { recordedRevisions } from '../../evidence/image-origin.ts';
import { openSource } from '../../oci/archive/open.ts';
import { readLayout } from '../../oci/image/layout.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Part } from './join.ts';

/** An image to merge, with everything that is known of its origin. */
export type OfferedPart = Part & Offered;

const MAX_BYTES = 64 * 1024;

/**
 * Reads a layout or an archive of one platform, and what the job that built it wrote beside it.
 * @param path absolute
 * @param name for messages
 * @throws ActionError SOURCE_INVALID, also when the file beside it is about another image, and all errors of the image
 */
export async function readPart({ temp, signal }: Runtime, path: string, name: string): Promise<OfferedPart> {
  const { directory } = await openSource(path, { temp, signal });
  const image = await readLayout(directory);
  const handOver = await readHandOverFile(directory, name);
  const { digest } = image.root.descriptor;
  if (handOver !== undefined && handOver.digest !== digest) {
    throw new ActionError(
      'SOURCE_INVALID',
      `${name} contains ${digest}, and its ${HAND_OVER_FILE} is about ${handOver.digest}: files of two builds are mixed.`,
      { facts: { input: 'layouts' } },
    );
  }
  const present = image.platforms.map((platform) => platform.name);
  if (handOver !== undefined && !isAboutPlatforms(handOver, present)) {
    throw new ActionError(
      'SOURCE_INVALID',
      `${name} is an image for ${present.join(', ')}, and its ${HAND_OVER_FILE} is about one for ${handOver.platforms.join(', ')}.`,
      { facts: { input: 'layouts' } },
    );
  }
  return { ...originOf(image), name, image, handOver };
}

/** The commits that an image names as its own. */
export function originOf(image: Part['image']): Pick<Offered, 'provenance' | 'labels'> {
  return {
    provenance: image.platforms.flatMap(({ statements }) => statements.flatMap(({ commit }) => commit ?? [])),
    labels: recordedRevisions(image),
  };
}

/** The file that the building job wrote; undefined for layouts of other builders. */
async function readHandOverFile(directory: string, name: string): Promise<HandOver | undefined> {
  const file = join(directory, HAND_OVER_FILE);
  const facts = await stat(file).catch(() => undefined);
  if (facts === undefined) return undefined;
  const refused = (why: string, cause?: unknown) =>
    new ActionError('SOURCE_INVALID', `${name}: ${HAND_OVER_FILE} cannot be used: ${why}.`, { cause });
  if (!facts.isFile() || facts.size > MAX_BYTES) throw refused(`it has ${facts.size} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw refused('it is not JSON', error);
  }
  const read = readHandOver(value);
  if (!read.ok) throw refused(read.problems.join('; '));
  return read.value;
}
