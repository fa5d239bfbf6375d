import { describe, expect, test } from 'vitest';
import { startRegistry } from '../../support/registry.ts';
import { connect, manifestOf } from '../../support/registry-client.ts';

const manifest = manifestOf();
const { digest, mediaType } = manifest.descriptor;

describe('deleting', () => {
  test('goes by digest, with the right to delete asked for apart, and what is not there is no error', async () => {
    await using registry = await startRegistry({ auth: { bearer: {} } });
    const { repository } = await connect(registry);
    registry.putManifest('org/app', '1', mediaType, manifest.bytes);
    expect(await repository.head('1')).toMatchObject({ digest });
    expect(await repository.deleteManifest(digest)).toBe(true);
    expect(registry.tags('org/app')).toEqual({});
    expect(await repository.deleteManifest(digest)).toBe(false);
  });

  test('removes a tag alone where the registry can, and says so where it cannot', async () => {
    for (const [deletes, refused] of [
      ['digests and tags', undefined],
      ['digests', 'refused'],
      ['nothing', 'refused'],
    ] as const) {
      await using registry = await startRegistry({ deletes });
      const { repository } = await connect(registry);
      registry.putManifest('org/app', '1', mediaType, manifest.bytes);
      const deleted = repository.deleteManifest('1');
      if (refused === undefined) expect(await deleted).toBe(true);
      else await expect(deleted).rejects.toMatchObject({ facts: { status: expect.any(Number) } });
      expect(registry.manifest('org/app', digest)).toBeDefined();
      expect(Object.keys(registry.tags('org/app'))).toEqual(refused === undefined ? [] : ['1']);
    }
  });
});

describe('asking whether a push would be let in', () => {
  test('leaves nothing behind', async () => {
    await using registry = await startRegistry();
    const { repository } = await connect(registry);
    await repository.checkPush({ probe: true });
    expect(registry.log.map(({ method }) => method).slice(-2)).toEqual(['POST', 'DELETE']);
    // Nothing of it is a change.
    expect(registry.writes()).toEqual([]);
    expect(registry.openUploads()).toBe(0);
  });

  test('tells what the registry would say to a push', async () => {
    await using registry = await startRegistry({ auth: { bearer: { grant: ['pull'] } } });
    const { repository } = await connect(registry);
    await expect(repository.checkPush({ probe: true })).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' });
  });
});
