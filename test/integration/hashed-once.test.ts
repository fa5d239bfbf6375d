import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Digest } from '../../src/domain/digest.ts';
import { type ActionOptions, runAction } from '../support/action.ts';
import { corruptBlob, type WrittenLayout, writeLayout } from '../support/layout.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { type Mirrors, packTrivyDb, serveMirrors } from '../support/trivy-db.ts';

let root: string;
let mirrors: Mirrors;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hashed-'));
  mirrors = await serveMirrors({ db: { layer: await packTrivyDb() } });
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
  await mirrors[Symbol.asyncDispose]();
});

function layout(): Promise<WrittenLayout> {
  count++;
  return writeLayout(join(root, `layout-${count}`), {
    platforms: [
      { platform: 'linux/amd64', layers: [{ a: 'one' }, { b: `two ${count}` }] },
      { platform: 'linux/arm64' },
    ],
  });
}

async function publish(
  source: WrittenLayout,
  registry: TestRegistry,
  inputs: Readonly<Record<string, string>> = {},
  more: Partial<ActionOptions> = {},
) {
  const run = await runAction({
    inputs: {
      images: `${registry.host}/org/app`,
      tags: 'type=raw,value=1',
      source: source.directory,
      'allow-unknown-os': 'true',
      'db-repository': mirrors.repository('db'),
      ...inputs,
    },
    ...more,
  });
  await run.dispose();
  return run;
}

/** The layer that only this layout has. */
function layerOf({ platforms }: WrittenLayout): Digest {
  const digest = platforms[0]?.layers[1];
  if (digest === undefined) throw new Error('no layer');
  return digest;
}

/** What would make something visible: a manifest, by digest or by tag. */
const manifestsWritten = (registry: TestRegistry) =>
  registry.writes().filter(({ path }) => path.includes('/manifests/'));

function flip(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.length - 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

describe('P2: a blob that is not what its digest says stops the run before any tag', () => {
  test('found by the scan: nothing is written at all', async () => {
    await using registry = await startRegistry();
    const source = await layout();
    await corruptBlob(source, layerOf(source));
    const run = await publish(source, registry);
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
    expect(registry.writes()).toEqual([]);
  });

  test('a byte behind the end of the compressed layer, which no scanner sees, is found by the scan as well', async () => {
    await using registry = await startRegistry();
    const source = await layout();
    const digest = layerOf(source);
    flip(source.path(digest));
    await registry.putLayout('org/app', 'old', (await layout()).directory);
    const run = await publish(source, registry);
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
    expect(registry.writes()).toEqual([]);
  });

  test('found while it is sent, with `scan: off`: no manifest and no tag', async () => {
    await using registry = await startRegistry();
    const source = await layout();
    const digest = layerOf(source);
    flip(source.path(digest));
    const run = await publish(source, registry, { scan: 'off' });
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
    expect(run.log).toContain(digest);
    expect(manifestsWritten(registry)).toEqual([]);
    expect(registry.blob('org/app', digest)).toBeUndefined();
  });

  test('changed between gate and push, at a registry that checks nothing: no manifest and no tag', async () => {
    await using registry = await startRegistry();
    const source = await layout();
    const digest = layerOf(source);
    // Anything that comes whole is taken.
    registry.addFault({
      match: { method: 'PUT', path: /uploads/, nth: 'all' },
      action: { status: 201 },
      optional: true,
    });
    registry.addFault({
      match: { method: 'HEAD', path: /blobs|manifests\/sha256/, nth: 'all' },
      action: { delay: 700 },
    });
    let changed = false;
    const run = await publish(
      source,
      registry,
      {},
      {
        onLine: (line) => {
          if (changed || !/^::group::Push|^::group::Publish/.test(line)) return;
          changed = true;
          flip(source.path(digest));
        },
      },
    );
    expect(changed, run.log).toBe(true);
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
    expect(manifestsWritten(registry)).toEqual([]);
  });

  test('a layer that the registry has already is not sent, and what was scanned has to be it all the same', async () => {
    await using registry = await startRegistry();
    const source = await layout();
    await registry.putLayout('org/app', 'old', source.directory);
    flip(source.path(layerOf(source)));
    registry.clearLog();
    const run = await publish(source, registry);
    expect(run, run.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
    expect(registry.writes()).toEqual([]);
  });
});
