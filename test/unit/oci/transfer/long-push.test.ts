import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Clock } from '../../../../src/runtime/runtime.ts';
import { startRegistry } from '../../../support/registry.ts';
import { connect, layerOf, manifestOf } from '../../../support/registry-client.ts';

const BLOBS = 4;
const MIB = 1024 * 1024;

/** A clock that client and registry share, in which a second of theirs takes a hundredth. */
function fastClock(): Clock {
  const start = Date.now();
  const now = () => new Date(start + (Date.now() - start) * 100);
  return { now, sleep: (milliseconds, signal) => sleep(milliseconds / 100, undefined, { ...(signal && { signal }) }) };
}

test('a push that takes longer than the life of its token goes through, with a token of 60 s and slow blobs', async () => {
  const clock = fastClock();
  await using registry = await startRegistry({
    auth: { bearer: { username: 'me', password: 'secret', lifetimeSeconds: 60 } },
    now: () => clock.now().getTime(),
    // 90 s each, by their clock.
    faults: [{ match: { method: 'PUT', path: /blobs\/uploads/, nth: 'all' }, action: { delay: 900 } }],
  });
  const began = clock.now().getTime();
  const { repository } = await connect(registry, {
    clock,
    credentials: async () => ({ kind: 'password', username: 'me', password: 'secret' }),
  });
  const layers = Array.from({ length: BLOBS }, (_, at) => Buffer.alloc(MIB, `layer ${at}`));
  const config = Buffer.from('{}');
  for (const bytes of [...layers, config]) await repository.putBlob(layerOf(bytes), () => Readable.from([bytes]));
  const manifest = manifestOf({ layers: layers.map(layerOf) });
  await repository.put('1.0.0', manifest);

  expect((clock.now().getTime() - began) / 1000).toBeGreaterThan(5 * 60);
  expect(registry.tags('org/app')).toEqual({ '1.0.0': manifest.descriptor.digest });
  for (const bytes of layers) {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    expect(registry.blob('org/app', digest)?.equals(bytes)).toBe(true);
  }
  // One for each time that one ran out, and not one for each request.
  expect(registry.tokenRequests()).toBeGreaterThanOrEqual(5);
  expect(registry.tokenRequests()).toBeLessThanOrEqual(8);
  expect(registry.openUploads()).toBe(0);
});

test.each([
  ['Amazon ECR', 403, 'Your Authorization Token has expired. Please run aws ecr get-login to reauthenticate.'],
  ['Amazon ECR Public', 400, 'Your Authorization Token has expired. Please run aws ecr-public get-login-password.'],
])(
  '%s: a password that has run out in the middle of a push is replaced, and the blob is sent anew',
  async (_, status, body) => {
    const asked: (string | undefined)[] = [];
    await using registry = await startRegistry({
      auth: { basic: { username: 'AWS', password: 'second' } },
      faults: [
        // Until then the registry takes the first password.
        { match: { method: 'PUT', path: /blobs\/uploads/ }, action: { status, body } },
      ],
    });
    let current = 'second';
    const { repository } = await connect(registry, {
      credentials: async (refused) => {
        asked.push(refused?.secret);
        if (refused !== undefined) current = 'second';
        return { kind: 'password', username: 'AWS', password: current };
      },
    });
    const bytes = Buffer.alloc(MIB, 'x');
    await repository.putBlob(layerOf(bytes), () => Readable.from([bytes]));
    expect(registry.blob('org/app', layerOf(bytes).digest)?.equals(bytes)).toBe(true);
    expect(asked.filter((each) => each !== undefined)).toEqual(['second']);
  },
);
