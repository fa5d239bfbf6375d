import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import type { PlanStep } from '../../../src/domain/retention/plan.ts';
import { plainScene } from '../../support/cleanup/scene.ts';

const NAME = 'team/app';
const PROGRAM = fileURLToPath(new URL('../../support/cleanup/apply-process.ts', import.meta.url));
const remove = (digest: Digest, role: 'root' | 'child' | 'referrer', ...tags: string[]): PlanStep => ({
  action: 'delete',
  digest,
  role,
  tags,
});

/** Registry version 2 deletes no tags, so that an untag takes two writes: one more place to stop at. */
test.each([1, 2, 3, 4, 5, 6])(
  'killed at write %i, it leaves nothing broken, and the next run finishes',
  async (nth) => {
    const { registry, content, stored } = await plainScene({ deletes: 'digests' });
    const [shared, own] = [content.image('shared'), content.image('own')];
    const old = content.index([shared, own], 'pr-1');
    const kept = content.index([shared], 'v1', 'pr-2');
    const signature = content.referrer(old);
    const list = content.fallback(old, [signature]);
    const steps: PlanStep[] = [
      { action: 'untag', tag: 'pr-2', digest: kept },
      remove(old, 'root', 'pr-1'),
      remove(own, 'child'),
      remove(list, 'referrer', old.replace(':', '-')),
      remove(signature, 'referrer'),
    ];
    const apply = () =>
      spawn(process.execPath, [PROGRAM, registry.host, NAME, JSON.stringify(steps)], { stdio: 'ignore' });
    const write = { match: { method: nth === 1 ? 'PUT' : 'DELETE', nth: Math.max(1, nth - 1) }, optional: true };
    // Half of the time the registry still does what it was asked, half of the time it does not.
    registry.addFault({ ...write, action: nth % 2 === 0 ? { reset: 'before' } : { delay: 300 } });
    const isReached = () =>
      registry.log.filter(({ method }) => method === write.match.method).length >= write.match.nth;

    const first = apply();
    const ended = once(first, 'exit');
    while (!isReached() && first.exitCode === null) await sleep(5);
    first.kill('SIGKILL');
    await ended;
    await sleep(400);
    const present = new Set(stored().map(({ digest }) => digest));
    for (const { children, tags } of stored()) {
      if (tags.length > 0) for (const child of children) expect(present).toContain(child);
    }
    expect(registry.tags(NAME).v1).toBe(kept);

    const [code] = await once(apply(), 'exit');
    expect(code).toBe(0);
    expect(registry.tags(NAME)).toEqual({ v1: kept });
    const left = stored().map(({ digest }) => digest);
    expect(left).toContain(shared);
    expect(left).not.toContain(old);
    // What only the deleted index named cannot be found again where untagged manifests are not listed: the plan still names it.
    expect(left.toSorted()).toEqual([shared, kept].toSorted());
  },
);
