import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import type { InventoryManifest } from '../../../src/domain/retention/inventory.ts';
import type { PlanStep } from '../../../src/domain/retention/plan.ts';
import { planCleanup } from '../../../src/domain/retention/plan-cleanup.ts';
import { parsePolicy } from '../../../src/domain/retention/read-policy.ts';
import { digestOf } from '../../../src/oci/image/digest-of.ts';
import { applySteps } from '../../../src/run/deletion/apply-steps.ts';
import { readInventory } from '../../../src/run/inventory/read-inventory.ts';
import { applyAll } from '../../support/cleanup/apply-all.ts';
import { vendorScene } from '../../support/cleanup/scene.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';

const UNUSED = { images: [], unreadable: [] };
const remove = (digest: Digest, role: 'root' | 'child' | 'referrer', ...tags: string[]): PlanStep => ({
  action: 'delete',
  digest,
  role,
  tags,
});

describe.each(VENDOR_ROWS)('$id', (row) => {
  /** Two tagged indexes that share a platform, both signed, an untagged index, and an image with two tags. */
  const scene = async () => {
    const opened = await vendorScene(row);
    const { content } = opened;
    const shared = content.image('shared');
    const amd64 = content.image('amd64');
    const arm64 = content.image('arm64');
    const old = content.index([shared, amd64], 'pr-1');
    const kept = content.index([shared, arm64], 'v1', 'pr-2');
    const lost = content.image('lost');
    const untagged = content.index([lost]);
    const single = content.image('single', 'pr-3', 'pr-4');
    const signatureOfOld = content.referrer(old);
    const signatureOfKept = content.referrer(kept);
    return {
      ...opened,
      images: { shared, amd64, arm64, old, kept, lost, untagged, single, signatureOfOld, signatureOfKept },
    };
  };
  const listsUntagged = row.id !== 'docker-hub';

  test('the inventory has children, subjects, tags and times, with the fewest reads', async () => {
    const { target, options, images, registry, problems } = await scene();
    const { inventory, errors, requests } = await readInventory(target, options);
    expect(errors).toEqual([]);
    expect(inventory.gaps).toEqual([]);
    const found = new Map(inventory.manifests.map((each) => [each.digest, each]));
    const children = ({ children: list }: InventoryManifest) => list.toSorted();
    expect(found.get(images.old)).toMatchObject({ kind: 'image', presence: 'present' });
    expect(children(found.get(images.old) ?? failed())).toEqual([images.shared, images.amd64].toSorted());
    expect(children(found.get(images.kept) ?? failed())).toEqual([images.shared, images.arm64].toSorted());
    expect(Object.fromEntries(inventory.tags.map(({ name, digest }) => [name, digest]))).toEqual({
      'pr-1': images.old,
      'pr-2': images.kept,
      'pr-3': images.single,
      'pr-4': images.single,
      v1: images.kept,
    });
    expect(typeof found.get(images.old)?.pushedAt).toBe('number');
    if (listsUntagged) {
      expect(children(found.get(images.untagged) ?? failed())).toEqual([images.lost]);
      expect(found.get(images.signatureOfOld)).toMatchObject({ kind: 'referrer', subject: images.old });
      expect(found.get(images.signatureOfKept)?.subject).toBe(images.kept);
      expect(found.get(images.shared)?.presence).toBe('present');
    }
    const gets = registry.log.filter(({ method, path }) => method === 'GET' && path.includes('/manifests/'));
    expect(gets).toHaveLength(requests);
    // Roots and referrers at most: never a platform.
    const read = gets.map(({ path }) => path.split('/').at(-1));
    expect(new Set(read).size).toBe(read.length);
    for (const child of [images.shared, images.amd64, images.arm64]) expect(read).not.toContain(child);
    if (row.id === 'docker-hub' || row.id === 'harbor') expect(read).toEqual([]);
    expect(problems()).toEqual([]);
  });

  test('what a plan names goes, in an order that the vendor takes, and what stays is whole', async () => {
    const { target, options, images, stored, problems } = await scene();
    const steps: PlanStep[] = [
      { action: 'untag', tag: 'pr-2', digest: images.kept },
      remove(images.single, 'root', 'pr-3', 'pr-4'),
      remove(images.old, 'root', 'pr-1'),
      remove(images.amd64, 'child'),
      ...(listsUntagged
        ? [remove(images.untagged, 'root'), remove(images.lost, 'child'), remove(images.signatureOfOld, 'referrer')]
        : []),
    ];
    const report = await applyAll(target, steps, options);
    expect(report.errors).toEqual([]);
    expect(report.results.map(({ outcome }) => outcome).filter((each) => each !== 'done' && each !== 'absent')).toEqual(
      [],
    );
    expect(report.broken).toEqual([]);
    const left = stored();
    const hidden = listsUntagged ? [] : [images.untagged, images.lost, images.signatureOfOld];
    expect(left.map(({ digest }) => digest).toSorted()).toEqual(
      [images.shared, images.arm64, images.kept, images.signatureOfKept, ...hidden].toSorted(),
    );
    expect(left.find(({ digest }) => digest === images.kept)?.tags).toEqual(['v1']);
    expect(problems()).toEqual([]);

    const again = await applyAll(target, steps, options);
    expect(again.errors).toEqual([]);
    expect(again.results.map(({ outcome }) => outcome)).toEqual(steps.map(() => 'absent'));
    expect(stored()).toEqual(left);
  });

  const checksDigest = ['harbor', 'nexus', 'artifactory'].includes(row.id);
  test.runIf(checksDigest)('a tag that moves during the removal is not taken from the other image', async () => {
    const { target, options, images, content, registry } = await scene();
    const other = content.image('other', 'v2');
    const { deleteTag } = target.managed;
    const managed = {
      ...target.managed,
      deleteTag: async (tag: string, digest?: Digest) => {
        const stored = registry.manifest(row.repository, other);
        registry.putManifest(row.repository, tag, stored?.mediaType ?? '', stored?.bytes ?? Buffer.alloc(0));
        return deleteTag(tag, digest);
      },
    };
    const steps: PlanStep[] = [{ action: 'untag', tag: 'pr-2', digest: images.kept }];
    const report = await applyAll({ ...target, managed }, steps, options);
    expect(report.results).toMatchObject([{ outcome: 'skipped', reason: expect.stringContaining('pr-2 points to') }]);
    expect(registry.tags(row.repository)['pr-2']).toBe(other);
  });

  test('the planner and the executor agree: a policy is planned, applied, and then leaves nothing to do', async () => {
    const { target, options, images, stored, problems } = await scene();
    const plan = async () => {
      const { inventory } = await readInventory(target, options);
      const policy = parsePolicy(policyFor(target.image.name), 'policy.yml');
      if (!policy.ok) throw new Error(policy.problems.join('\n'));
      const now = Date.UTC(2026, 10, 1);
      const sha256 = (text: string) => digestOf(Buffer.from(text), 'sha256');
      const refs = {};
      return planCleanup({ policy: policy.value, inventories: [inventory], inUse: UNUSED, refs, now, sha256 });
    };
    const [planned] = (await plan()).repositories;
    if (planned === undefined) throw new Error('the repository was not planned');
    expect(planned.problems.filter(({ severity }) => severity !== 'warning')).toEqual([]);
    const report = await applySteps(target, planned, UNUSED, options);
    expect(report.errors).toEqual([]);
    expect(report.results.map(({ outcome }) => outcome)).not.toContain('skipped');
    expect(report.results.map(({ outcome }) => outcome)).not.toContain('blocked');
    expect(report.broken).toEqual([]);
    const left = stored();
    expect(left.find(({ digest }) => digest === images.kept)?.tags).toEqual(['v1']);
    const present = new Set(left.map(({ digest }) => digest));
    for (const part of [images.shared, images.arm64, images.signatureOfKept]) expect(present).toContain(part);
    for (const gone of [images.old, images.amd64, images.single]) expect(present).not.toContain(gone);
    if (listsUntagged && !['nexus', 'artifactory'].includes(row.id)) {
      for (const gone of [images.untagged, images.lost, images.signatureOfOld]) expect(present).not.toContain(gone);
    }
    expect((await plan()).repositories[0]?.steps).toEqual([]);
    expect(problems()).toEqual([]);
  });

  test('a tag that moved, a digest that got a tag and a part of something new are left alone', async () => {
    const { target, options, images, stored, content, registry } = await scene();
    content.index([images.amd64], 'new');
    const moved = content.image('moved', 'pr-2');
    const stored1 = registry.manifest(row.repository, images.single);
    registry.putManifest(row.repository, 'again', stored1?.mediaType ?? '', stored1?.bytes ?? Buffer.alloc(0));
    const steps: PlanStep[] = [
      { action: 'untag', tag: 'pr-2', digest: images.kept },
      remove(images.single, 'root', 'pr-3', 'pr-4'),
      remove(images.old, 'root', 'pr-1'),
      remove(images.amd64, 'child'),
    ];
    const before = stored();
    const report = await applyAll(target, steps, options);
    expect(report.results.map((each) => ('reason' in each ? each.reason : each.outcome))).toEqual([
      expect.stringContaining('the tag moved to'),
      'it got the tag again',
      'done',
      'it is needed by new',
    ]);
    expect(report.errors).toEqual([]);
    // Some vendors delete what refers to an image with it.
    const gone: readonly string[] = [images.old, images.signatureOfOld];
    const others = (all: typeof before) => all.filter(({ digest }) => !gone.includes(digest));
    expect(others(stored())).toEqual(others(before));
    expect(stored().find(({ digest }) => digest === moved)?.tags).toEqual(['pr-2']);
  });
});

/** What a user writes for all of them. */
const policyFor = (image: string) => `
version: 1
repositories:
  - match: ["${image}"]
    min-age: 0h
    limits: { tagged: 100%, untagged: 100% }
    rules:
      - { name: pull requests, select: { tags: ["pr-*"] }, remove: { older-than: 1d } }
      - { name: untagged, select: { tagged: false }, remove: { older-than: 1d } }
`;

function failed(): never {
  throw new Error('it is not in the inventory');
}
