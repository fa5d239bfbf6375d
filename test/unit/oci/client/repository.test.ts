import { describe, expect, it } from 'vitest';
import { MANIFEST_TYPES } from '../../../../src/domain/manifest.ts';
import { type FaultAction, startRegistry } from '../../../support/registry.ts';
import { connect, manifestOf } from '../../../support/registry-client.ts';

const manifest = manifestOf();
const { digest, mediaType, size } = manifest.descriptor;

async function holding(...[options]: Parameters<typeof startRegistry>) {
  const registry = await startRegistry(options);
  registry.putBlob('org/app', Buffer.from('{}'));
  registry.putManifest('org/app', '1.0', mediaType, manifest.bytes);
  return registry;
}

const error = (code: string, message = 'no') => ({ errors: [{ code, message }] });

describe('asking for a manifest', () => {
  it('head answers the descriptor, get the bytes, both undefined for what is not there', async () => {
    await using registry = await holding();
    const { repository } = await connect(registry);
    expect(await repository.head('1.0')).toEqual({ mediaType, digest, size });
    expect(await repository.get(digest)).toEqual({ descriptor: { mediaType, digest, size }, bytes: manifest.bytes });
    expect(await repository.head('2.0')).toBeUndefined();
    expect(await repository.get('2.0')).toBeUndefined();
  });

  it('42: every request names all four media types', async () => {
    await using registry = await holding();
    const { repository } = await connect(registry);
    await repository.head('1.0');
    await repository.get('1.0');
    for (const { headers } of registry.log) expect(headers.accept?.split(', ')).toEqual(MANIFEST_TYPES);
  });

  it.each<readonly [string, FaultAction, readonly string[]]>([
    ['32: without a digest', { headers: { 'docker-content-digest': null } }, ['HEAD', 'GET']],
    ['32: without a length', { headers: { 'content-length': null } }, ['HEAD', 'GET']],
    ['32: with another digest than asked for', { wrongDigest: true }, ['HEAD', 'GET']],
    ['33: that is answered with 405', { status: 405 }, ['HEAD', 'GET']],
    ['33: that is answered with 403', { status: 403 }, ['HEAD', 'GET']],
  ])('a HEAD %s is followed by a GET', async (_, action, methods) => {
    await using registry = await holding();
    registry.addFault({ match: { method: 'HEAD' }, action });
    const { repository } = await connect(registry);
    expect(await repository.head(digest)).toEqual({ mediaType, digest, size });
    expect(registry.log.map(({ method }) => method)).toEqual(methods);
  });

  it('47: a 403 to HEAD of a tag that is not there means that it is not there', async () => {
    await using registry = await holding({ faults: [{ match: { method: 'HEAD' }, action: { status: 403 } }] });
    const { repository } = await connect(registry);
    expect(await repository.head('2.0')).toBeUndefined();
  });

  it('46: 412 of a policy is "there, and not readable", never "not there"', async () => {
    const body = error('PROJECTPOLICYVIOLATION', 'current image with 3 vulnerabilities cannot be pulled');
    await using registry = await holding({
      faults: [{ match: { path: /manifests/, nth: 'all' }, action: { status: 412, body } }],
    });
    const { repository } = await connect(registry);
    const failed = repository.head('1.0');
    await expect(failed).rejects.toMatchObject({ facts: { status: 412 } });
    await expect(failed).rejects.toThrow('vulnerabilities');
  });

  it('a 401 that stays is not "not there"', async () => {
    await using registry = await holding({ auth: { basic: { username: 'a', password: 'b' } } });
    const { repository } = await connect(registry);
    await expect(repository.head('1.0')).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' });
  });

  it('41: parameters of the content type do not matter, and a manifest may be silent about its type', async () => {
    const silent = manifestOf({ mediaType: undefined });
    await using registry = await holding();
    registry.putManifest('org/app', 'silent', mediaType, silent.bytes);
    const charset = { headers: { 'content-type': `${mediaType}; charset=utf-8` } };
    registry.addFault({ match: { nth: 'all' }, action: charset });
    const { repository } = await connect(registry);
    expect((await repository.get('1.0'))?.descriptor.mediaType).toBe(mediaType);
    expect((await repository.head('1.0'))?.mediaType).toBe(mediaType);
    expect((await repository.get('silent'))?.descriptor.mediaType).toBe(mediaType);
  });

  it.each<readonly [string, FaultAction, string, string]>([
    ['other bytes than the digest says', { corrupt: 'answer' }, digest, 'DIGEST_MISMATCH'],
    ['other bytes than the header says', { wrongDigest: true }, '1.0', 'DIGEST_MISMATCH'],
    ['half of it', { truncate: true }, digest, 'DIGEST_MISMATCH'],
    ['a page of a proxy', { status: 200, body: '<html>Sign in</html>' }, '1.0', 'ANSWER_INVALID'],
    [
      'another type than it calls itself',
      { headers: { 'content-type': MANIFEST_TYPES[0] ?? '' } },
      '1.0',
      'ANSWER_INVALID',
    ],
    ['more than 4 MiB', { status: 200, body: 'x'.repeat(4 * 1024 * 1024 + 1) }, '1.0', 'ANSWER_INVALID'],
  ])('%s is refused', async (_, action, reference, code) => {
    await using registry = await holding({ faults: [{ match: { method: 'GET' }, action }] });
    const { repository } = await connect(registry);
    await expect(repository.get(reference)).rejects.toMatchObject({ code });
  });

  it('a connection that breaks within the answer is tried again', async () => {
    await using registry = await holding({ faults: [{ match: { method: 'GET' }, action: { reset: 'mid-answer' } }] });
    const { repository } = await connect(registry);
    expect((await repository.get('1.0'))?.descriptor.digest).toBe(digest);
  });

  it('16: a redirect of a manifest is followed without credentials, too', async () => {
    await using other = await holding();
    await using registry = await holding({
      faults: [
        {
          match: { method: 'GET' },
          action: { redirect: `http://${other.host}/v2/org/app/manifests/1.0`, status: 307 },
        },
      ],
    });
    const { repository } = await connect(registry);
    expect((await repository.get('1.0'))?.descriptor.digest).toBe(digest);
  });
});

describe('writing a manifest', () => {
  it('sends the bytes as they are, with their type', async () => {
    await using registry = await holding();
    const { repository } = await connect(registry);
    const other = manifestOf({ annotations: { a: 'b' } });
    await repository.put('2.0', other);
    expect(registry.manifest('org/app', '2.0')?.bytes.equals(other.bytes)).toBe(true);
    expect(registry.log[0]?.headers['content-type']).toBe(mediaType);
  });

  it('39: more than 4 MiB is refused before anything is sent, and 413 is the same', async () => {
    await using registry = await holding({ faults: [{ match: { method: 'PUT' }, action: { status: 413 } }] });
    const { repository } = await connect(registry);
    const large = manifestOf({ annotations: { a: 'x'.repeat(4 * 1024 * 1024) } });
    await expect(repository.put('2.0', large)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(registry.requests()).toBe(0);
    await expect(repository.put('2.0', manifest)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  it('a registry that confirms another digest has changed it', async () => {
    await using registry = await holding({ faults: [{ match: { method: 'PUT' }, action: { wrongDigest: true } }] });
    const { repository } = await connect(registry);
    await expect(repository.put('2.0', manifest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  it('a manifest whose blobs are not there is BLOB_UNKNOWN, with the words of the registry, once', async () => {
    await using registry = await startRegistry();
    const { repository } = await connect(registry);
    const failed = repository.put('1.0', manifest);
    await expect(failed).rejects.toMatchObject({ code: 'BLOB_UNKNOWN', facts: { reference: '1.0' } });
    await expect(failed).rejects.toThrow('MANIFEST_BLOB_UNKNOWN');
    expect(registry.requests()).toBe(1);
  });
});
