import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import type { PromotionRecord } from '../../../src/domain/promotion/record.ts';
import { readRecords, writeRecord } from '../../../src/evidence/promotion-records.ts';
import { fallbackTag } from '../../../src/oci/client/referrers.ts';
import { fill, SOURCE } from '../../support/copy-source.ts';
import { recordWith } from '../../support/promotion-record.ts';
import { type RegistryOptions, startRegistry } from '../../support/registry.ts';
import { connect } from '../../support/registry-client.ts';

const EMPTY = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';

const recordFor = (digest: Digest, more: Partial<PromotionRecord> = {}) =>
  recordWith({ digest, environment: 'production', ...more });

async function stocked(options: RegistryOptions = { referrers: true }) {
  const registry = await startRegistry(options);
  const { repository, repositoryOf } = await connect(registry, {}, SOURCE);
  const { image, referrer } = fill(registry);
  const { descriptor } = image(['1']);
  return { registry, repository, again: () => repositoryOf(SOURCE), image, referrer, descriptor };
}

const asked = (registry: Awaited<ReturnType<typeof startRegistry>>) =>
  registry.log.map(({ method, path, status }) => `${method} ${path.split('/')[4]} ${status}`);

describe('writing a record', () => {
  it('sends the empty blob only where it is not, and then the record again', async () => {
    const { registry, repository, descriptor } = await stocked();
    await using _ = registry;
    expect(registry.blob(SOURCE, EMPTY)).toBeUndefined();
    await writeRecord(repository, recordFor(descriptor.digest), descriptor, 'api');
    expect(asked(registry)).toEqual(['PUT manifests 400', 'POST blobs 202', 'PUT blobs 201', 'PUT manifests 201']);
    registry.clearLog();
    await writeRecord(repository, recordFor(descriptor.digest, { environment: 'canary' }), descriptor, 'api');
    expect(asked(registry)).toEqual(['PUT manifests 201']);
  });

  it('looks for it where the list is not known to be the API', async () => {
    const { registry, repository, descriptor } = await stocked();
    await using _ = registry;
    await writeRecord(repository, recordFor(descriptor.digest), descriptor);
    expect(asked(registry).slice(-2)).toEqual(['PUT manifests 201', 'GET referrers 200']);
    expect(registry.tags(SOURCE)).toEqual({});
  });

  it('P9: a registry that confirms the subject and never lists it gets the fallback tag', async () => {
    const { registry, repository, descriptor } = await stocked();
    await using _ = registry;
    const body = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] };
    registry.addFault({
      match: { method: 'GET', path: /referrers/, nth: 'all' },
      action: { status: 200, body, headers: { 'content-type': MEDIA_TYPES.ociIndex } },
    });
    await writeRecord(repository, recordFor(descriptor.digest), descriptor);
    expect(Object.keys(registry.tags(SOURCE))).toEqual([fallbackTag(descriptor.digest)]);
    const { records } = await readRecords(repository, descriptor.digest);
    expect(records).toMatchObject([recordFor(descriptor.digest)]);
  });

  it('fails when the registry takes it and lists it nowhere', async () => {
    const { registry, repository, descriptor } = await stocked({});
    await using _ = registry;
    registry.addFault({ match: { method: 'GET', path: /manifests\/sha256-/, nth: 'all' }, action: { status: 404 } });
    await expect(writeRecord(repository, recordFor(descriptor.digest), descriptor)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
  });

  it('two records of one image stand side by side under the fallback tag', async () => {
    const { registry, repository, again, descriptor } = await stocked({});
    await using _ = registry;
    for (const environment of ['staging', 'production']) {
      await writeRecord(repository, recordFor(descriptor.digest, { environment }), descriptor, 'fallback');
    }
    expect(Object.keys(registry.tags(SOURCE))).toEqual([fallbackTag(descriptor.digest)]);
    const { support, records } = await readRecords(again(), descriptor.digest);
    expect(support).toBe('fallback');
    expect(records.map(({ environment }) => environment)).toEqual(['staging', 'production']);
  });

  it('a refusal is not tried again with a blob', async () => {
    const { registry, repository, descriptor } = await stocked();
    await using _ = registry;
    registry.addFault({ match: { method: 'PUT' }, action: { status: 403 } });
    await expect(writeRecord(repository, recordFor(descriptor.digest), descriptor)).rejects.toMatchObject({
      code: 'DENIED',
    });
    expect(asked(registry)).toEqual(['PUT manifests 403']);
  });
});

describe('reading records', () => {
  it('takes one request to the API and one for the fallback tag, and tells signatures and SBOMs from records', async () => {
    const { registry, repository, descriptor, referrer } = await stocked();
    await using _ = registry;
    const sbom = referrer({ descriptor, bytes: Buffer.alloc(0) }, 'sbom').descriptor.digest;
    await writeRecord(repository, recordFor(descriptor.digest), descriptor);
    registry.clearLog();
    const { records, referrers, problems } = await readRecords(repository, descriptor.digest);
    expect(records).toEqual([{ ...recordFor(descriptor.digest), manifest: expect.stringMatching(/^sha256:/) }]);
    expect(referrers.map(({ digest }) => digest)).toEqual([sbom]);
    expect(problems).toEqual([]);
    expect(asked(registry).toSorted()).toEqual(['GET manifests 404', 'GET referrers 200']);
  });

  it('opens what a list without annotations and types does not tell', async () => {
    const { registry, repository, descriptor, referrer } = await stocked({});
    await using _ = registry;
    const sbom = referrer({ descriptor, bytes: Buffer.alloc(0) }, 'sbom').descriptor;
    const record = await writeRecord(repository, recordFor(descriptor.digest), descriptor);
    const entries = [record, sbom.digest].map((digest) => ({
      mediaType: MEDIA_TYPES.ociManifest,
      digest,
      size: registry.manifest(SOURCE, digest)?.bytes.length,
    }));
    const bare = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: entries };
    registry.putManifest(
      SOURCE,
      fallbackTag(descriptor.digest),
      MEDIA_TYPES.ociIndex,
      Buffer.from(JSON.stringify(bare)),
    );
    const { records, referrers, problems } = await readRecords(repository, descriptor.digest);
    expect(records).toEqual([{ ...recordFor(descriptor.digest), manifest: expect.stringMatching(/^sha256:/) }]);
    expect(referrers.map(({ digest }) => digest)).toEqual([sbom.digest]);
    expect(problems).toEqual([]);
  });

  it('says of a record of another image that it is a problem, and does not take it', async () => {
    const { registry, repository, descriptor, image, referrer } = await stocked();
    await using _ = registry;
    const other = image(['other']).descriptor;
    await writeRecord(repository, recordFor(other.digest), other);
    const [listed] = (await repository.referrers(other.digest)).manifests;
    const { annotations } = listed ?? {};
    referrer({ descriptor, bytes: Buffer.alloc(0) }, 'stolen', { annotations });
    const { records, referrers, problems } = await readRecords(repository, descriptor.digest);
    expect(records).toEqual([]);
    expect(referrers).toEqual([]);
    expect(problems).toEqual([expect.stringContaining(`is of ${other.digest}`)]);
  });

  it('opens no more than 50, and says so', async () => {
    const { registry, repository, descriptor, referrer } = await stocked({});
    await using _ = registry;
    const manifests = Array.from({ length: 53 }, (_each, at) => {
      const { mediaType, digest, size } = referrer({ descriptor, bytes: Buffer.alloc(0) }, `${at}`).descriptor;
      return { mediaType, digest, size };
    });
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
    registry.putManifest(SOURCE, fallbackTag(descriptor.digest), MEDIA_TYPES.ociIndex, bytes);
    const { problems } = await readRecords(repository, descriptor.digest);
    expect(problems).toEqual([expect.stringContaining('3 of what refers to')]);
    expect(registry.log.filter(({ path }) => /manifests\/sha256:/.test(path))).toHaveLength(50);
  });
});
