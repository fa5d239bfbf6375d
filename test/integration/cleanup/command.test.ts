import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCleanup } from '../../support/cleanup/command.ts';
import { plainScene } from '../../support/cleanup/scene.ts';

const NAME = 'team/app';

/** Two releases, three images of pull requests that share a platform with them, and a signature. */
async function scene(options: Parameters<typeof plainScene>[0] = {}) {
  const opened = await plainScene({ referrers: true, ...options });
  const { content, registry } = opened;
  const shared = content.image('shared');
  const kept = content.index([shared, content.image('arm64')], 'v1.0.0', 'pr-3');
  const old = content.index([shared, content.image('old')], 'pr-1');
  const other = content.index([shared, content.image('other')], 'pr-2');
  const release = content.index([content.image('next')], 'v2.0.0', 'latest');
  const signatures = [kept, old].map((digest) => content.referrer(digest));
  const policy = `
version: 1
repositories:
  - match: ["${registry.host}/${NAME}"]
    limits: { tagged: 100% }
    rules:
      - { name: pull requests, select: { tags: ["pr-*"] }, remove: { older-than: 0d } }
`;
  return {
    ...opened,
    images: { shared, kept, old, other, release },
    signatures,
    policy,
    image: `${registry.host}/${NAME}`,
  };
}

test('a plan is written and nothing deleted; applied, exactly that goes, and once more there is nothing to do', async () => {
  const { registry, images, policy, image } = await scene();
  const before = registry.digests(NAME);
  const plan = await runCleanup({ images: image, policy });
  expect(plan.exitCode).toBe(0);
  expect(plan.outputs).toMatchObject({ outcome: 'planned', 'deleted-tags': '3', 'untagged-tags': '1' });
  expect(registry.writes()).toEqual([]);
  expect(registry.digests(NAME)).toEqual(before);
  const file = join(plan.workspace, 'plan.json');
  await writeFile(file, await readFile(plan.outputs.plan ?? ''));

  const apply = await runCleanup({ images: image, policy, plan: file });
  expect(apply.exitCode).toBe(0);
  expect(apply.outputs.outcome).toBe('cleaned');
  expect(registry.tags(NAME)).toEqual({ 'v1.0.0': images.kept, 'v2.0.0': images.release, latest: images.release });
  const again = await runCleanup({ images: image, policy, plan: file });
  expect(again.outputs.outcome).toBe('unchanged');
  expect(again.exitCode).toBe(0);
});
