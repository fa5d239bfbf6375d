import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import { ActionError } from '../../../../src/errors/action-error.ts';
import { fallbackTag } from '../../../../src/oci/client/referrers.ts';
import { listAsReferrers } from '../../../../src/oci/transfer/attach.ts';
import { fill, SOURCE } from '../../../support/copy-source.ts';
import { startRegistry, type TestRegistry } from '../../../support/registry.ts';
import { connect } from '../../../support/registry-client.ts';

/** Whoever lost a race has to wait for real. */
const clock = { now: () => new Date(), sleep: (milliseconds: number) => sleep(milliseconds) };

/** As somebody else sees it. */
async function listed(registry: TestRegistry, digest: Digest): Promise<readonly string[]> {
  const { repository } = await connect(registry, {}, SOURCE);
  return (await repository.referrers(digest)).manifests.map((each) => each.digest).toSorted();
}

describe('a list of referrers under a tag', () => {
  it('that another job overwrites right afterwards holds what both have added', async () => {
    await using registry = await startRegistry();
    const { image, referrer, index } = fill(registry);
    const root = image(['a']);
    const [ours, theirs] = [referrer(root, 'ours').descriptor, referrer(root, 'theirs')];
    const to = index([theirs]).descriptor.digest;
    const tag = fallbackTag(root.descriptor.digest);
    registry.addFault({
      match: { method: 'PUT', path: /manifests\/sha256-/ },
      action: { moves: { repository: SOURCE, tag, to }, when: 'after' },
    });
    const { repository } = await connect(registry, {}, SOURCE);
    expect(await listAsReferrers(repository, root.descriptor.digest, [ours])).toBe(2);
    expect(await listed(registry, root.descriptor.digest)).toEqual([ours.digest, theirs.descriptor.digest].toSorted());
  });

  it('loses nothing when eight jobs write it at the same time', async () => {
    await using registry = await startRegistry();
    const { image, referrer } = fill(registry);
    const root = image(['a']);
    const { digest } = root.descriptor;
    const all = Array.from({ length: 8 }, (_, at) => referrer(root, `record ${at}`).descriptor);
    await Promise.all(
      all.map(async (each) => {
        const { repository } = await connect(registry, { clock }, SOURCE);
        await listAsReferrers(repository, digest, [each]);
      }),
    );
    expect(await listed(registry, digest)).toEqual(all.map((each) => each.digest).toSorted());
  });

  it('is left alone at once when the run is cancelled', async () => {
    await using registry = await startRegistry();
    const { image, referrer } = fill(registry);
    const root = image(['a']);
    const controller = new AbortController();
    let asleep = false;
    const endless = {
      now: clock.now,
      sleep: async (_milliseconds: number, signal?: AbortSignal) => {
        asleep = true;
        await sleep(60_000, undefined, signal === undefined ? {} : { signal }).catch(() => signal?.throwIfAborted());
      },
    };
    const { repository } = await connect(registry, { clock: endless, signal: controller.signal }, SOURCE);
    const listing = listAsReferrers(repository, root.descriptor.digest, [referrer(root, 'ours').descriptor]);
    listing.catch(() => undefined);
    await expect.poll(() => asleep).toBe(true);
    const requests = registry.requests();
    controller.abort(new ActionError('CANCELLED', 'The run was cancelled.'));
    await expect(listing).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(registry.requests()).toBe(requests);
  });

  it('that never holds what is added is an error, and not written without end', async () => {
    await using registry = await startRegistry();
    const { image, referrer, index } = fill(registry);
    const root = image(['a']);
    const { digest } = root.descriptor;
    const to = index([referrer(root, 'theirs')]).descriptor.digest;
    registry.addFault({
      match: { method: 'PUT', path: /manifests\/sha256-/, nth: 'all' },
      action: { moves: { repository: SOURCE, tag: fallbackTag(digest), to }, when: 'after' },
    });
    const { repository } = await connect(registry, {}, SOURCE);
    const ours = referrer(root, 'ours').descriptor;
    await expect(listAsReferrers(repository, digest, [ours])).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(registry.writes()).toHaveLength(5);
  });
});
