import { expect, test } from 'vitest';
import { runCleanup } from '../../support/cleanup/command.ts';
import { plainScene } from '../../support/cleanup/scene.ts';
import { vendorCommand } from '../../support/cleanup/vendor-command.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';

const POLICY = `
defaults: { limits: off, min-age: 0h }
rules:
  - { select: { tags: ["pr-*"] }, remove: { older-than: 0d } }
  - { select: { tagged: false }, remove: { older-than: 0d } }
`;
const ROWS = VENDOR_ROWS.filter(({ id }) => ['ghcr', 'docker-hub', 'artifact-registry', 'harbor'].includes(id));

async function openPlain() {
  const scene = await plainScene({ deletes: 'digests' });
  const run = (inputs: Readonly<Record<string, string>>) => runCleanup({ images: scene.target.image.name, ...inputs });
  return { ...scene, run, repository: 'team/app' };
}

// Schedules overlap, and a run by hand comes on top: https://github.com/dataaxiom/ghcr-cleanup-action/issues/72
test.each([{ id: 'a registry that deletes digests only' }, ...ROWS])(
  '$id: two runs at once both end well, and nothing that stays is broken',
  async (row) => {
    const scene = 'start' in row ? { ...(await vendorCommand(row)), repository: row.repository } : await openPlain();
    const { content, registry, run, repository } = scene;
    const shared = content.image('shared');
    content.index([shared, content.image('own')], 'pr-1');
    const kept = content.index([shared, content.image('kept')], 'v1', 'pr-2');
    content.image('single', 'pr-3', 'pr-4');
    const newest = content.image('newest', 'v2');
    const apply = { policy: POLICY, 'dry-run': 'false' };
    const runs = await Promise.all([run(apply), run(apply)]);
    for (const { exitCode, log } of runs) expect(exitCode, log).toBe(0);
    const last = await run(apply);
    expect(last.exitCode, last.log).toBe(0);
    expect(registry.tags(repository)).toEqual({ v1: kept, v2: newest });
    expect(registry.digests(repository)).toContain(shared);
  },
);
