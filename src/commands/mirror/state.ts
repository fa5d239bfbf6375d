import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Digest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { type Descriptor, MEDIA_TYPES } from '../../domain/manifest.ts';
import {
  type KeyedCode,
  MAX_STATE_BYTES,
  parseState,
  renderState,
  STATE_TYPE,
  stateTag,
} from '../../domain/mirror/state.ts';
import { EMPTY } from '../../domain/promotion/record-manifest.ts';
import { ActionError } from '../../errors/action-error.ts';
import { descriptorOf } from '../../oci/client/referrers.ts';
import { digestOf } from '../../oci/image/digest-of.ts';
import { warn } from '../../run/progress.ts';
import type { MirrorContext } from './context.ts';
import type { MirrorWork, TargetWork } from './work.ts';

type Tags = ReadonlyMap<string, Digest>;
const NONE: Tags = new Map();

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** HMAC-SHA256; the words in front keep it apart from other uses of the same key. */
function keyedCode(key: string): KeyedCode {
  const sign = (text: string) =>
    createHmac('sha256', key).update(`registry-action mirror state\n${text}`).digest('hex');
  return {
    sign,
    isRight: (text, code) => {
      const [given, right] = [Buffer.from(code), Buffer.from(sign(text))];
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}

/** The tags that this mirror wrote to a target. A list that cannot be trusted counts as none: its tags stay. */
export async function readState(
  { runtime, inputs, partial }: MirrorContext,
  { mirror }: MirrorWork,
  target: TargetWork,
): Promise<Tags> {
  const { stateKey: key } = inputs;
  const tag = stateTag(mirror.from.name, sha256);
  const manifest = await target.repository.get(tag);
  if (manifest === undefined || key === undefined) return NONE;
  const ignore = (why: string): Tags => {
    const what = `${target.image}:${tag} should list the tags that this mirror wrote, but ${why}. It is ignored: tags that were written before are not removed.`;
    warn(runtime, partial, what);
    return NONE;
  };
  const { layers } = fieldsOf(JSON.parse(Buffer.from(manifest.bytes).toString('utf8')));
  const layer = descriptorOf(Array.isArray(layers) ? layers[0] : undefined);
  if (layer?.mediaType !== STATE_TYPE) return ignore('it is another image');
  if (layer.size > MAX_STATE_BYTES) return ignore('it is too large');
  const chunks: Buffer[] = [];
  for await (const chunk of await target.repository.getBlob(layer)) chunks.push(Buffer.from(chunk));
  const state = parseState(Buffer.concat(chunks), keyedCode(key), { source: mirror.from.name, target: target.name });
  return state.ok ? state.value.tags : ignore(state.problems.join(', '));
}

/**
 * Writes the list before the tags themselves, so that a run that is interrupted has not written a tag that is not on it. A
 * tag that another image was pushed to afterwards does not match the list, and stays.
 */
export async function writeState(
  { runtime, inputs, partial }: MirrorContext,
  { mirror }: MirrorWork,
  target: TargetWork,
  tags: Tags,
): Promise<void> {
  const { stateKey: key } = inputs;
  if (key === undefined) return;
  const { repository } = target;
  const bytes = renderState({ source: mirror.from.name, target: target.name, tags }, keyedCode(key));
  const blob: Descriptor = { mediaType: STATE_TYPE, digest: digestOf(bytes), size: bytes.length };
  const document = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      artifactType: STATE_TYPE,
      config: EMPTY.descriptor,
      layers: [blob],
    }),
  );
  const descriptor = { mediaType: MEDIA_TYPES.ociManifest, digest: digestOf(document), size: document.length };
  const tag = stateTag(mirror.from.name, sha256);
  try {
    await repository.putBlob(EMPTY.descriptor, () => EMPTY.bytes);
    await repository.putBlob(blob, () => bytes);
    await repository.put(tag, { descriptor, bytes: document });
  } catch (error) {
    runtime.signal.throwIfAborted();
    if (!(error instanceof ActionError)) throw error;
    const what = `${target.image}:${tag} cannot be written, so the tags of this run will not be removed by a later one: ${error.message}`;
    warn(runtime, partial, what);
  }
}
