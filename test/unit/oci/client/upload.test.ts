import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Credentials } from '../../../../src/oci/client/auth.ts';
import { type FaultAction, startRegistry, type TestRegistry } from '../../../support/registry.ts';
import { connect, layerOf } from '../../../support/registry-client.ts';

const credentials = async (): Promise<Credentials> => ({ kind: 'password', username: 'bot', password: 'canary' });
const auth = { basic: { username: 'bot', password: 'canary' } };
const bytes = Buffer.alloc(300_000, 'layer ');
const layer = layerOf(bytes);
/** In pieces, so that a connection can break in between. */
const open = () => Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]);

function shown(registry: TestRegistry): readonly string[] {
  return registry.log.filter(({ path }) => path !== '/token').map(({ method, status }) => `${method} ${status}`);
}

describe('uploading a blob', () => {
  it('is one POST and one PUT, with the state of the session given back', async () => {
    await using registry = await startRegistry();
    const { repository, requests } = await connect(registry);
    await repository.putBlob(layer, open);
    expect(shown(registry)).toEqual(['POST 202', 'PUT 201']);
    expect(registry.log[1]).toMatchObject({ bytes: bytes.length });
    expect(registry.log[1]?.headers['content-length']).toBe(String(bytes.length));
    expect(registry.blob('org/app', layer.digest)?.equals(bytes)).toBe(true);
    expect(requests()).toBe(2);
  });

  it('34: a blob of no bytes arrives', async () => {
    await using registry = await startRegistry();
    const { repository } = await connect(registry);
    const empty = layerOf(Buffer.alloc(0));
    await repository.putBlob(empty, () => Readable.from([]));
    expect(registry.blob('org/app', empty.digest)?.length).toBe(0);
  });

  it('12: an upload address on another host gets the bytes and no credentials', async () => {
    await using storage = await startRegistry({
      faults: [{ match: { method: 'PUT' }, action: { status: 201 } }],
    });
    await using registry = await startRegistry({ auth });
    registry.addFault({
      match: { method: 'POST', nth: 2 },
      action: { headers: { location: `http://${storage.host}/bucket/key?signature=canary-signature` } },
    });
    const { repository } = await connect(registry, { credentials });
    await repository.putBlob(layer, open);
    expect(storage.log).toMatchObject([{ method: 'PUT', path: '/bucket/key', authorization: false, status: 201 }]);
    expect(storage.log[0]?.query).toBe(`?signature=canary-signature&digest=${encodeURIComponent(layer.digest)}`);
    expect(storage.log[0]?.bytes).toBe(bytes.length);
  });

  it.each([307, 308])('13: %i on POST and on PUT keeps the method and sends the body again', async (status) => {
    await using storage = await startRegistry();
    await using registry = await startRegistry({ auth });
    const target = `http://${storage.host}/v2/org/app/blobs/uploads/`;
    registry.addFault({ match: { method: 'POST', nth: 2 }, action: { redirect: target, status } });
    const { repository } = await connect(registry, { credentials });
    await repository.putBlob(layer, open);
    expect(storage.log).toMatchObject([
      { method: 'POST', authorization: false, status: 202 },
      { method: 'PUT', authorization: false, status: 201 },
    ]);
    await using other = await startRegistry({ faults: [{ match: { method: 'PUT' }, action: { status: 201 } }] });
    registry.addFault({ match: { method: 'PUT' }, action: { redirect: `http://${other.host}/put`, status } });
    await repository.putBlob(layer, open);
    expect(other.log).toMatchObject([{ method: 'PUT', authorization: false, bytes: bytes.length }]);
  });

  it.each([
    ['a path only', /^http:\/\/[^/]+/, ''],
    ['host and path without a scheme', /^http:\/\//, ''],
  ])('17: an upload address that is %s', async (_, from, to) => {
    await using registry = await startRegistry();
    registry.addFault({ match: { method: 'POST' }, action: { rewrite: { header: 'location', from, to } } });
    const { repository } = await connect(registry);
    await repository.putBlob(layer, open);
    expect(registry.blob('org/app', layer.digest)?.equals(bytes)).toBe(true);
  });

  it.each([
    ['none', null],
    ['no address', 'http://['],
    ['one with credentials', 'http://user:canary@127.0.0.1/'],
  ])('an upload address that is %s ends the upload, once', async (_, location) => {
    await using registry = await startRegistry();
    registry.addFault({ match: { method: 'POST', nth: 'all' }, action: { headers: { location } } });
    const { repository } = await connect(registry);
    const failed = repository.putBlob(layer, open);
    await expect(failed).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
    await expect(failed).rejects.not.toThrow('canary');
    expect(registry.requests()).toBe(1);
  });

  it('29: bytes that were changed on their way are refused by the registry, and sent again in a new session', async () => {
    await using registry = await startRegistry({
      faults: [{ match: { method: 'PUT' }, action: { corrupt: 'request' } }],
    });
    const { repository } = await connect(registry);
    await repository.putBlob(layer, open);
    expect(shown(registry)).toEqual(['POST 202', 'PUT 400', 'HEAD 404', 'POST 202', 'PUT 201', 'DELETE 404']);
    expect(registry.blob('org/app', layer.digest)?.equals(bytes)).toBe(true);
  });

  it('29: a registry that confirms another digest is not believed', async () => {
    await using registry = await startRegistry({
      faults: [{ match: { method: 'PUT' }, action: { wrongDigest: true } }],
    });
    const { repository } = await connect(registry);
    await expect(repository.putBlob(layer, open)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  it.each<readonly [string, FaultAction]>([
    ['an upload that the registry has forgotten', { status: 404, body: '' }],
    [
      'the same in its own words',
      { status: 404, body: { errors: [{ code: 'BLOB_UPLOAD_UNKNOWN', message: 'upload unknown' }] } },
    ],
    ['a 500', { status: 500, body: '<html>oops</html>' }],
    ['a connection that breaks within the body', { reset: 'mid-body' }],
    ['a connection that breaks before the answer', { reset: 'before' }],
  ])('20, 22: %s leads to a new session and to the whole body again', async (_, action) => {
    await using registry = await startRegistry({ faults: [{ match: { method: 'PUT' }, action }] });
    const { repository, sleeps } = await connect(registry);
    let opened = 0;
    await repository.putBlob(layer, () => {
      opened++;
      return open();
    });
    expect(registry.blob('org/app', layer.digest)?.equals(bytes)).toBe(true);
    expect(registry.writes().filter(({ method }) => method === 'POST').length).toBeGreaterThanOrEqual(2);
    expect(opened).toBeGreaterThanOrEqual(2);
    expect(sleeps.length).toBeLessThanOrEqual(1);
  });

  it('22: a connection that breaks after the registry had everything does not send it twice', async () => {
    await using registry = await startRegistry({
      faults: [{ match: { method: 'PUT' }, action: { reset: 'after' } }],
    });
    const { repository } = await connect(registry);
    await repository.putBlob(layer, open);
    expect(shown(registry)).toEqual(['POST 202', 'PUT 0', 'HEAD 200']);
  });

  it.each([
    [413, 'TOO_LARGE'],
    [401, 'UNAUTHORIZED'],
  ])('35: %i while the body is still on its way is what the error says', async (status, code) => {
    await using registry = await startRegistry();
    const big = Buffer.alloc(20_000_000, 'x');
    registry.addFault({
      match: { method: 'PUT', nth: 'all' },
      action: { status, early: true, body: { errors: [{ code: 'DENIED', message: 'not that' }] } },
    });
    const { repository } = await connect(registry);
    const failed = repository.putBlob(layerOf(big), () => Readable.from(pieces(big)));
    await expect(failed).rejects.toMatchObject({ code, facts: { status } });
    await expect(failed).rejects.toThrow('not that');
    expect(registry.writes().map(({ method }) => method)).toEqual(['POST', 'PUT', 'DELETE']);
  });

  it('36: a connection that the registry closed while it waited in the pool: small requests go again at once', async () => {
    await using registry = await startRegistry({
      faults: [{ match: { method: 'POST' }, action: { reset: 'before' } }],
    });
    const { repository, sleeps } = await connect(registry);
    expect(await repository.hasBlob(layer)).toBe(false);
    await repository.putBlob(layer, open);
    expect(shown(registry)).toEqual(['HEAD 404', 'POST 0', 'POST 202', 'PUT 201']);
    expect(sleeps).toEqual([]);
  });

  it('36: a body of which part may have been taken goes to a new session; the old one is cancelled', async () => {
    await using registry = await startRegistry({
      faults: [{ match: { method: 'PUT' }, action: { reset: 'before' } }],
    });
    const { repository, sleeps } = await connect(registry);
    await repository.putBlob(layer, open);
    expect(shown(registry)).toEqual(['POST 202', 'PUT 0', 'HEAD 404', 'POST 202', 'PUT 201', 'DELETE 204']);
    expect(sleeps).toHaveLength(1);
  });

  it.each([
    ['shorter', 200_000, 'only 200000'],
    ['longer', 400_000, 'more'],
  ])('a file that is %s than it was ends the upload at once, and no byte too much is sent', async (_, now, said) => {
    await using registry = await startRegistry();
    const { repository, sleeps } = await connect(registry);
    const changed = () => Readable.from(pieces(Buffer.alloc(now, 'x')));
    const failed = repository.putBlob(layer, changed);
    await expect(failed).rejects.toMatchObject({ code: 'LAYOUT_CORRUPT' });
    await expect(failed).rejects.toThrow(said);
    expect(sleeps).toEqual([]);
    for (const { bytes: came } of registry.log) expect(came).toBeLessThanOrEqual(layer.size);
    expect(registry.blob('org/app', layer.digest)).toBeUndefined();
  });

  it('34: eight pushes at the same time send a blob that they share once, to each repository', async () => {
    await using registry = await startRegistry();
    const { repositoryOf } = await connect(registry);
    const names = ['org/app', 'org/other'];
    await Promise.all(
      names.flatMap((name) => Array.from({ length: 8 }, () => repositoryOf(name).putBlob(layer, open))),
    );
    expect(shown(registry).toSorted()).toEqual(['POST 202', 'POST 202', 'PUT 201', 'PUT 201']);
    for (const name of names) expect(registry.blob(name, layer.digest)?.equals(bytes)).toBe(true);
  });

  it('an upload that failed for all that waited for it can be asked for again', async () => {
    await using registry = await startRegistry({
      faults: [{ match: { method: 'POST' }, action: { status: 403 } }],
    });
    const { repository } = await connect(registry);
    const both = await Promise.allSettled([repository.putBlob(layer, open), repository.putBlob(layer, open)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await repository.putBlob(layer, open);
    expect(registry.blob('org/app', layer.digest)?.equals(bytes)).toBe(true);
  });

  it('64: a repository that has to be created first is said so, once', async () => {
    const message = "The repository with name 'org/app' does not exist in the registry with id '123456789012'";
    const body = { errors: [{ code: 'NAME_UNKNOWN', message }] };
    await using registry = await startRegistry({
      faults: [{ match: { method: 'POST' }, action: { status: 404, body } }],
    });
    const { repository, sleeps } = await connect(registry);
    const failed = repository.putBlob(layer, open);
    await expect(failed).rejects.toMatchObject({ code: 'REPOSITORY_UNKNOWN', facts: { repository: 'org/app' } });
    await expect(failed).rejects.toThrow('does not exist in the registry');
    expect(sleeps).toEqual([]);
  });

  it('a file that breaks while it is read ends the upload with its own error', async () => {
    await using registry = await startRegistry();
    const { repository } = await connect(registry);
    const broken = () =>
      new Readable({
        read() {
          this.destroy(new Error('EIO: disk'));
        },
      });
    await expect(repository.putBlob(layer, broken)).rejects.toThrow('EIO');
    expect(registry.blob('org/app', layer.digest)).toBeUndefined();
  });

  it('gives up after five tries and says so', async () => {
    await using registry = await startRegistry({
      faults: [{ match: { method: 'PUT', nth: 'all' }, action: { status: 502 } }],
    });
    const { repository, sleeps } = await connect(registry);
    const failed = repository.putBlob(layer, open);
    await expect(failed).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE', facts: { status: 502 } });
    await expect(failed).rejects.toThrow('Tried 5 times');
    expect(sleeps).toHaveLength(4);
  });
});

describe('32, 33: whether a blob is there', () => {
  it.each<readonly [string, FaultAction, boolean]>([
    [
      '200 without a length and without a digest',
      { headers: { 'content-length': null, 'docker-content-digest': null } },
      true,
    ],
    ['403, as Artifactory answers', { status: 403 }, false],
    ['405', { status: 405 }, false],
  ])('%s', async (_, action, there) => {
    await using registry = await startRegistry({ faults: [{ match: { method: 'HEAD' }, action }] });
    registry.putBlob('org/app', bytes);
    const { repository } = await connect(registry);
    expect(await repository.hasBlob(layer)).toBe(there);
  });

  it('another size is another blob', async () => {
    await using registry = await startRegistry();
    registry.putBlob('org/app', bytes);
    const { repository } = await connect(registry);
    expect(await repository.hasBlob({ ...layer, size: layer.size + 1 })).toBe(false);
  });
});

describe('mounting a blob', () => {
  it('takes it over without its bytes', async () => {
    await using registry = await startRegistry({ auth: { bearer: {} } });
    registry.putBlob('org/base', bytes);
    const { repository } = await connect(registry);
    expect(await repository.mountBlob(layer, 'org/base')).toBe(true);
    expect(registry.blob('org/app', layer.digest)?.equals(bytes)).toBe(true);
    const token = registry.log.findLast(({ path }) => path === '/token');
    const scopes = ['repository:org/app:pull,push', 'repository:org/base:pull'];
    expect(new URLSearchParams(token?.query).getAll('scope')).toEqual(scopes);
  });

  it('cancels the upload that a registry begins instead', async () => {
    await using registry = await startRegistry();
    const { repository } = await connect(registry);
    expect(await repository.mountBlob(layer, 'org/base')).toBe(false);
    expect(registry.openUploads()).toBe(0);
  });

  it.each([401, 403, 404, 400, 500])('37: %i means that the bytes are to be sent', async (status) => {
    await using registry = await startRegistry({
      faults: [{ match: { method: 'POST', nth: 'all' }, action: { status } }],
    });
    const { repository } = await connect(registry);
    expect(await repository.mountBlob(layer, 'org/base')).toBe(false);
    expect(registry.requests()).toBe(1);
  });
});

function* pieces(content: Buffer) {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
}
