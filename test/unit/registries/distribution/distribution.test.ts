import { expect, test } from 'vitest';
import { ActionError } from '../../../../src/errors/action-error.ts';
import type { ErrorCode } from '../../../../src/errors/catalogue.ts';
import { registryError } from '../../../../src/http/registry-error.ts';
import { distribution } from '../../../../src/registries/distribution/distribution.ts';
import { manage } from '../../../../src/registries/management-port.ts';
import type { ImageStore } from '../../../../src/registries/vendor.ts';
import { vendorOf } from '../../../../src/registries/vendors.ts';
import { collect, refusal, vendorPlace } from '../../../support/vendor-place.ts';

const digest = (number: number) => `sha256:${String(number).padStart(64, '0')}` as const;
const MEDIA = 'application/vnd.oci.image.index.v1+json';

interface Refusal {
  readonly status: number;
  readonly code: string;
}

/** A registry of version 3; `tags` and `digests` are what other ones say to deletions. */
function storeOf(refuse: { readonly tags?: Refusal; readonly digests?: Refusal } = {}) {
  const tags = new Map([
    ['1.0', digest(1)],
    ['2.0', digest(2)],
    ['latest', digest(1)],
  ]);
  const listed = [...tags.keys(), 'gone'];
  const store: ImageStore = {
    listTags: async () => listed,
    head: async (reference) => {
      const found = tags.get(reference);
      return found === undefined ? undefined : { mediaType: MEDIA, digest: found, size: 500 };
    },
    deleteManifest: async (reference) => {
      const answer = reference.includes(':') ? refuse.digests : refuse.tags;
      if (answer !== undefined) {
        const { status, code } = answer;
        throw registryError({ host: 'r.example.com', operation: 'delete', status, code }, `it answered ${status}`, {});
      }
      const gone = [...tags].filter(([tag, of]) => tag === reference || of === reference);
      for (const [tag] of gone) tags.delete(tag);
      return gone.length > 0;
    },
  };
  return { store, tags };
}

async function setting(refuse: Parameters<typeof storeOf>[0] = {}) {
  const { store, tags } = storeOf(refuse);
  const { cloud, place } = await vendorPlace(
    { 'r.example.com': () => ({ status: 500 }) },
    {
      host: 'r.example.com',
      repository: 'team/app',
      keyless: { 'oidc-provider-name': 'github', 'role-to-assume': 'role' },
      store,
    },
  );
  return { images: manage(distribution, place), tags, cloud };
}

test('tagged images are listed by digest, and deleted by tag or digest', async () => {
  const { images, tags, cloud } = await setting();
  expect(await collect(images.list())).toEqual([
    { digest: digest(1), mediaType: MEDIA, tags: ['1.0', 'latest'] },
    { digest: digest(2), mediaType: MEDIA, tags: ['2.0'] },
  ]);
  expect(await images.deleteTag('latest')).toBe('deleted');
  expect(await images.deleteTag('latest')).toBe('absent');
  expect([...tags.keys()]).toEqual(['1.0', '2.0']);
  expect(await images.deleteDigest(digest(2))).toBe('deleted');
  expect(await images.deleteDigest(digest(2))).toBe('absent');
  expect([...tags.keys()]).toEqual(['1.0']);
  expect(cloud.requests).toEqual([]);
});

test.each([
  { status: 400, code: 'DIGEST_INVALID' },
  { status: 405, code: 'UNSUPPORTED' },
])('a registry that answers $status to the deletion of a tag lacks it, and what to do is said', async (tags) => {
  const { images, tags: left } = await setting({ tags });
  await expect(images.deleteTag('1.0')).rejects.toEqual(refusal('CAPABILITY_MISSING', 'Delete the digest'));
  expect(left.size).toBe(3);
});

test.each<[ErrorCode, Refusal]>([
  ['DENIED', { status: 403, code: 'DENIED' }],
  ['UNAUTHORIZED', { status: 401, code: 'UNAUTHORIZED' }],
  ['REGISTRY_UNAVAILABLE', { status: 503, code: 'UNAVAILABLE' }],
])('another refusal keeps its own row: %s', async (name, answer) => {
  const { images } = await setting({ tags: answer, digests: answer });
  await expect(images.deleteTag('1.0')).rejects.toEqual(refusal(name));
  await expect(images.deleteDigest(digest(1))).rejects.toEqual(refusal(name));
});

test('deletions that are switched off are said to be', async () => {
  const { images } = await setting({ digests: { status: 405, code: 'UNSUPPORTED' } });
  await expect(images.deleteDigest(digest(1))).rejects.toEqual(refusal('UNSUPPORTED', 'storage.delete.enabled'));
});

test('what the registry lacks is said with what to do instead, and every host is one of this kind', async () => {
  const { images } = await setting();
  expect(() => images.create({})).toThrow(refusal('CAPABILITY_MISSING', 'The first push'));
  expect(() => images.create({})).toThrow(ActionError);
  expect(vendorOf('127.0.0.1:5000')).toBe(distribution);
  expect(vendorOf('x.jfrog.io.evil.example')).toBe(distribution);
  expect(distribution.login).toBeUndefined();
});
