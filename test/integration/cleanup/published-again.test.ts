import { expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import type { PlanStep } from '../../../src/domain/retention/plan.ts';
import { applyAll } from '../../support/cleanup/apply-all.ts';
import { plainScene, vendorScene } from '../../support/cleanup/scene.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';

const remove = (digest: Digest, role: 'root' | 'child', ...tags: string[]): PlanStep => ({
  action: 'delete',
  digest,
  role,
  tags,
});

/** A build with the same bytes as an old one is published while its old index is being deleted. */
test.each([{ id: 'distribution' as const }, ...VENDOR_ROWS])(
  '$id: a platform that is published again during the deletions stays',
  async (row) => {
    let onWrite: (() => void) | undefined;
    const auth = { decides: (_: string, __: unknown, { method }: { readonly method: string }) => writes(method) };
    const writes = (method: string) => {
      if (method === 'DELETE') onWrite?.();
      return undefined;
    };
    const scene =
      'start' in row ? await vendorScene(row, undefined, { onWrite: () => onWrite?.() }) : await plainScene({ auth });
    const { content, target, options, stored } = scene;
    const own = content.image('own');
    const old = content.index([own], 'pr-1');
    content.index([content.image('other')], 'v1');
    let again: Digest | undefined;
    onWrite = () => {
      onWrite = undefined;
      again = content.index([content.image('amd64'), own], 'v2');
      // Deletions take their time.
      void options.clock.sleep(6000);
    };
    const report = await applyAll(target, [remove(old, 'root', 'pr-1'), remove(own, 'child')], options);
    expect(report.errors).toEqual([]);
    expect(report.results).toMatchObject([{ outcome: 'done' }, { outcome: expect.stringMatching(/skipped|blocked/) }]);
    const left = stored().map(({ digest }) => digest);
    expect(left).toEqual(expect.arrayContaining([own, again]));
    expect(left).not.toContain(old);
  },
);
