import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

type Json = Record<string, unknown>;

/** How a layout is changed; the platform is an architecture. */
export interface Tampering {
  readonly architecture: string;
  /** Predicates (beginnings of their types) to leave out. */
  readonly drop?: string;
  /** Changes each statement. */
  readonly statement?: (statement: Json) => Json;
}

/**
 * Changes the attestation of one platform of a real layout, and all digests above it: every hash is right again, only what is
 * said is wrong.
 */
export async function tamper(layout: string, { architecture, drop, statement }: Tampering): Promise<void> {
  const path = (digest: string) => join(layout, 'blobs', ...digest.split(':'));
  const read = async (digest: unknown): Promise<Json> =>
    asJson(JSON.parse(await readFile(path(String(digest)), 'utf8')));
  const put = async (descriptor: Json, content: Json): Promise<Json> => {
    const bytes = JSON.stringify(content);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    await writeFile(path(digest), bytes);
    return { ...descriptor, digest, size: Buffer.byteLength(bytes) };
  };

  const entry = asJson(JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')));
  const [top] = list(entry.manifests);
  const index = await read(top?.digest);
  const children = list(index.manifests);
  const platform = children.find((each) => asJson(each.platform).architecture === architecture);
  const attestation = children.find((each) => asJson(each.annotations)[REFERENCE] === platform?.digest);
  if (top === undefined || platform === undefined || attestation === undefined) {
    throw new Error(`The layout ${layout} has no attestation for ${architecture}.`);
  }

  const manifest = await read(attestation.digest);
  const layers: Json[] = [];
  for (const layer of list(manifest.layers)) {
    const type = String(asJson(layer.annotations)['in-toto.io/predicate-type']);
    if (drop !== undefined && type.startsWith(drop)) continue;
    layers.push(statement === undefined ? layer : await put(layer, statement(await read(layer.digest))));
  }
  let config = asJson(manifest.config);
  const content = await read(config.digest);
  // The old form looks like an image, whose config lists its layers.
  if (content.rootfs !== undefined) {
    const rootfs = { ...asJson(content.rootfs), diff_ids: layers.map((layer) => layer.digest) };
    config = await put(config, { ...content, rootfs });
  }
  const changed = await put(attestation, { ...manifest, config, layers });
  const root = await put(top, { ...index, manifests: children.map((each) => (each === attestation ? changed : each)) });
  const entries = list(entry.manifests).map((each) =>
    each.digest === top.digest ? { ...each, digest: root.digest, size: root.size } : each,
  );
  await writeFile(join(layout, 'index.json'), JSON.stringify({ ...entry, manifests: entries }));
}

const REFERENCE = 'vnd.docker.reference.digest';

function asJson(value: unknown): Json {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(asJson) : [];
}
