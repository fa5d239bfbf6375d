import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { vendorCommand } from '../../support/cleanup/vendor-command.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';

const POLICY = `
defaults: { limits: { tagged: 100% } }
rules:
  - { select: { tags: ["pr-*"] }, remove: { older-than: 14d } }
  - { select: { tagged: false }, remove: { older-than: 7d } }
`;

test.each(VENDOR_ROWS)(
  '$id: killed at every write, each run leaves whole images, and the last one finishes',
  { timeout: 120_000 },
  async (row) => {
    let running: ChildProcess | undefined;
    let isArmed = true;
    const { content, registry, stored, run } = await vendorCommand(row, undefined, () => {
      if (isArmed) running?.kill('SIGKILL');
    });
    const shared = content.image('shared');
    const own = content.image('own');
    const old = content.index([shared, own], 'pr-1');
    const kept = content.index([shared, content.image('kept')], 'v1.0.0', 'pr-2');
    const signature = content.referrer(kept);
    content.index([content.image('lost')]);
    content.image('single', 'pr-3', 'pr-4');
    const state = () => JSON.stringify([stored(), registry.tags(row.repository)]);
    isArmed = false;
    const plan = (await run({ policy: POLICY })).outputs.plan ?? '';
    isArmed = true;
    const inputs = { policy: POLICY, plan };
    const onSpawn = (child: ChildProcess) => {
      running = child;
    };
    let kills = 0;
    for (;;) {
      const before = state();
      const killed = await run(inputs, { onSpawn });
      // What was under way at the registry ends there.
      await sleep(50);
      const present = new Set<string>(stored().map(({ digest }) => digest));
      for (const { children, tags } of stored()) {
        if (tags.length > 0) for (const child of children) expect(present).toContain(child);
      }
      expect(registry.tags(row.repository)['v1.0.0']).toBe(kept);
      if (killed.exitCode !== null) {
        expect(killed.exitCode, killed.log).toBe(0);
        break;
      }
      kills += 1;
      // Where nothing was done before the end, the next run may go on.
      isArmed = state() !== before;
    }
    expect(kills).toBeGreaterThan(1);
    isArmed = false;
    const last = await run(inputs);
    expect(last.exitCode).toBe(0);
    expect(last.outputs.outcome).toBe('unchanged');
    expect(registry.tags(row.repository)).toEqual({ 'v1.0.0': kept });
    const digests = registry.digests(row.repository);
    expect(digests).toEqual(expect.arrayContaining([shared, kept, signature]));
    for (const gone of [old, own]) expect(digests).not.toContain(gone);
  },
);
