import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from './programs.ts';
import { createPromotionScene, type Place, type PromotionScene } from './promotion.ts';
import type { LoggedRequest, Registry } from './registry.ts';

const MEBIBYTE = 1024 * 1024;
/** Of random bytes, so that they are as large when they are packed. */
const LAYERS = [100, 1, 1, 1] as const;

let scene: PromotionScene;
let registry: Registry;
let source: Place;
let target: Place;
let root: string;
let blobs: readonly { readonly digest: string; readonly size: number }[];
beforeAll(async () => {
  scene = await createPromotionScene();
  registry = await scene.registry();
  source = scene.place(await scene.registry(), 'org/app');
  target = scene.place(registry, 'org/app');
  const files: string[] = [];
  for (const [at, size] of LAYERS.entries()) {
    await writeFile(join(scene.directory, `content-${at}`), randomBytes(size * MEBIBYTE));
    await run('tar', ['--create', '--gzip', '--file', `layer-${at}.tar.gz`, `content-${at}`], { cwd: scene.directory });
    files.push('--new_layer', `layer-${at}.tar.gz`);
  }
  const args = ['append', '--oci-empty-base', ...files, '--new_tag', source.at('v1')];
  await run('crane', args, { cwd: scene.directory });
  root = await source.digest('v1');
  blobs = JSON.parse(await source.manifest(root)).layers;
});
afterAll(() => scene[Symbol.asyncDispose]());

/** Digests of the blobs that have arrived whole. */
function arrived(requests: readonly LoggedRequest[]): readonly string[] {
  return requests.flatMap(({ method, path, status }) => {
    const digest = new URL(path, 'http://registry').searchParams.get('digest');
    return method === 'PUT' && status === 201 && digest !== null ? [digest] : [];
  });
}

it('SIGTERM while a large layer is copied: no tag moves, and the next run sends only what is missing', async () => {
  const inputs = { from: source.at('v1'), to: target.image, environment: 'production' };
  const large = blobs.find(({ size }) => size > 50 * MEBIBYTE)?.digest ?? 'none';
  let signalled = 0;
  const interrupt = async (child: ChildProcess) => {
    while (child.exitCode === null && signalled === 0) {
      await sleep(5);
      const here = arrived(await registry.requests());
      if (here.length === 0 || here.includes(large)) continue;
      signalled = performance.now();
      child.kill('SIGTERM');
    }
  };
  let watching: Promise<void> | undefined;
  const ended = await scene.promote(inputs, {
    onSpawn: (child) => {
      watching = interrupt(child);
    },
  });
  await watching;
  expect(signalled, ended.log).toBeGreaterThan(0);
  // The runner waits 7.5 seconds before it gets rough.
  expect(performance.now() - signalled).toBeLessThan(7500);
  expect(ended, ended.log).toMatchObject({ exitCode: 1, outputs: { outcome: 'cancelled' } });
  const before = await registry.requests();
  const there = arrived(before);
  expect(there.length).toBeGreaterThan(0);
  expect(there).not.toContain(large);
  expect(before.filter(({ method, path }) => method === 'PUT' && path.includes('/manifests/'))).toEqual([]);
  await expect(target.digest('production')).rejects.toThrow(/NAME_UNKNOWN|MANIFEST_UNKNOWN|404/);

  await registry.mark();
  const again = await scene.promote(inputs);
  expect(again, again.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'promoted', digest: root } });
  const sent = arrived(await registry.requests());
  expect(sent).toContain(large);
  expect(sent.filter((digest) => there.includes(digest))).toEqual([]);
  expect(await target.digest('production')).toBe(root);
  expect(await target.manifest(root)).toBe(await source.manifest(root));
  // Reads every layer, and compares it with its digest.
  await run('crane', ['validate', '--remote', target.at('production')]);
});
