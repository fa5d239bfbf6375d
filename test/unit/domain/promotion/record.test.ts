import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../../src/domain/digest.ts';
import type { Descriptor } from '../../../../src/domain/manifest.ts';
import {
  PROMOTION_TYPE,
  type PromotionRecord,
  parseRecord,
  RECORD_LIMIT,
  readRecord,
  recordBytes,
} from '../../../../src/domain/promotion/record.ts';
import { EMPTY, listedRecords, recordArtifact, recordOf } from '../../../../src/domain/promotion/record-manifest.ts';

const A: Digest = `sha256:${'a'.repeat(64)}`;
const B: Digest = `sha256:${'b'.repeat(64)}`;
const sha256 = (bytes: Uint8Array): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const SUBJECT: Descriptor = { mediaType: 'application/vnd.oci.image.index.v1+json', digest: A, size: 1234 };

const RECORD: PromotionRecord = {
  kind: 'promotion',
  environment: 'staging',
  from: 'ghcr.io/org/app:sha-abc1234',
  to: ['ghcr.io/org/app:staging'],
  digest: A,
  previousDigest: B,
  actor: 'octocat',
  run: 'https://github.com/org/app/actions/runs/1/attempts/1',
  event: 'push',
  time: '2026-01-31T12:00:00.000Z',
  commit: 'c'.repeat(40),
  forced: false,
  requirements: [{ name: 'sbom', detail: 'linux/amd64 has one' }],
  held: [B],
};

const json = (): Record<string, unknown> => JSON.parse(new TextDecoder().decode(recordBytes(RECORD)));

describe('the JSON of a record', () => {
  test('is these bytes', () => {
    expect(new TextDecoder().decode(recordBytes(RECORD))).toBe(
      `{"schemaVersion":1,"kind":"promotion","environment":"staging","from":"ghcr.io/org/app:sha-abc1234","to":["ghcr.io/org/app:staging"],"digest":"${A}","previousDigest":"${B}","actor":"octocat","run":"https://github.com/org/app/actions/runs/1/attempts/1","event":"push","time":"2026-01-31T12:00:00.000Z","commit":"${'c'.repeat(40)}","forced":false,"requirements":[{"name":"sbom","detail":"linux/amd64 has one"}],"held":["${B}"]}`,
    );
  });
  test('does not depend on the order in which the record was put together', () => {
    const backwards = parseRecord(Object.fromEntries(Object.entries(json()).toReversed()));
    if (!backwards.ok) throw new Error(backwards.problems.join());
    expect(recordBytes(backwards.value)).toEqual(recordBytes(RECORD));
  });
  test('keeps everything that made a scan less strict', () => {
    const scan = {
      severity: ['HIGH'],
      scanners: ['vuln'],
      ignoreUnfixed: true,
      failOnEol: false,
      allowUnknownOs: true,
      baseline: true,
      acceptUnscanned: ['lock-file=app/yarn.lock'],
    };
    expect(readRecord(recordBytes({ ...RECORD, scan }))).toEqual({ ok: true, value: { ...RECORD, scan } });
  });
  test('can be read back', () => {
    expect(readRecord(recordBytes(RECORD))).toEqual({ ok: true, value: RECORD });
    const { previousDigest: _, commit: __, ...first } = RECORD;
    expect(readRecord(recordBytes(first))).toEqual({ ok: true, value: first });
  });
  test('fields of tomorrow are left aside', () => {
    expect(parseRecord({ ...json(), approver: 'hubot' })).toEqual({ ok: true, value: RECORD });
  });
});

describe('a record that somebody else wrote', () => {
  test.each([null, undefined, 7, 'text', [], [RECORD]])('%j is none', (value) => {
    expect(parseRecord(value).ok).toBe(false);
  });
  test.each([2, '1', undefined])('of schemaVersion %j is not guessed at', (schemaVersion) => {
    expect(parseRecord({ ...json(), schemaVersion })).toEqual({
      ok: false,
      problems: [expect.stringContaining('supports 1')],
    });
  });
  test.each([
    ['kind', 'undo'],
    ['environment', ''],
    ['environment', 'a\nb'],
    ['environment', 'x'.repeat(2049)],
    ['from', 7],
    ['to', 'ghcr.io/org/app:staging'],
    ['to', [7]],
    ['digest', 'sha256:abc'],
    ['previousDigest', 'latest'],
    ['actor', undefined],
    ['run', 'javascript:alert(1)'],
    ['run', 'https://x.example/<b>'],
    ['event', 'push; rm'],
    ['time', 'yesterday'],
    ['time', '2026-01-31T12:00:00+02:00'],
    ['time', '2026-13-31T12:00:00Z'],
    ['commit', 'main'],
    ['forced', 'true'],
    ['requirements', [{ name: 'sbom' }]],
    ['requirements', ['sbom']],
    ['held', ['staging']],
    ['held', new Array(1001).fill(B)],
  ])('with %s %j is refused by the name of the field', (field, value) => {
    expect(parseRecord({ ...json(), [field]: value })).toEqual({
      ok: false,
      problems: [expect.stringMatching(new RegExp(`^${field} of the promotion record`))],
    });
  });
  test('gives all its problems at once', () => {
    const read = parseRecord({ schemaVersion: 1 });
    expect(read.ok ? [] : read.problems).toHaveLength(12);
  });
  test.each([
    ['no JSON', new TextEncoder().encode('{')],
    ['no text', new Uint8Array([0xff, 0xfe])],
    ['nested without end', new TextEncoder().encode('['.repeat(200_000))],
    ['too large', new Uint8Array(RECORD_LIMIT + 1)],
  ])('%s', (_, bytes) => {
    expect(readRecord(bytes).ok).toBe(false);
  });
});

describe('the artifact of a record', () => {
  const written = (record = RECORD) => {
    const artifact = recordArtifact(record, { ...SUBJECT, annotations: { a: 'b' } }, sha256);
    if (!artifact.ok) throw new Error(artifact.problems.join());
    return artifact.value;
  };
  test('is an OCI 1.1 manifest with a subject and the record in its annotations, and needs no blob but the empty one', () => {
    const { descriptor, bytes } = written();
    const annotations = {
      'org.opencontainers.image.created': RECORD.time,
      'io.github.registry-action.promotion.kind': 'promotion',
      'io.github.registry-action.promotion.environment': 'staging',
      'io.github.registry-action.promotion.record': new TextDecoder().decode(recordBytes(RECORD)),
    };
    const empty = { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256(EMPTY.bytes), size: 2 };
    expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: PROMOTION_TYPE,
      config: empty,
      layers: [empty],
      subject: SUBJECT,
      annotations,
    });
    expect(descriptor).toEqual({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: sha256(bytes),
      size: bytes.length,
      artifactType: PROMOTION_TYPE,
      annotations,
    });
  });
  test('has the same bytes each time, and others for another record', () => {
    expect(written()).toEqual(written());
    expect(written({ ...RECORD, environment: 'production' }).descriptor.digest).not.toBe(written().descriptor.digest);
  });
  test('is not made of a record that could not be read back, or that speaks of another image', () => {
    expect(recordArtifact({ ...RECORD, actor: '' }, SUBJECT, sha256).ok).toBe(false);
    expect(recordArtifact(RECORD, { ...SUBJECT, digest: B }, sha256).ok).toBe(false);
  });
  test('can be read from a list of referrers without a read of each, and from its manifest where the list has lost it', () => {
    const one = written();
    const { annotations: _, ...bare } = one.descriptor;
    const sbom = { ...SUBJECT, artifactType: 'application/spdx+json' };
    expect(listedRecords([sbom, one.descriptor, bare], A)).toEqual({
      records: [{ ...RECORD, manifest: one.descriptor.digest }],
      unread: [bare],
      others: [sbom],
      problems: [],
    });
    expect(recordOf(one, A)).toEqual({ ok: true, value: { ...RECORD, manifest: one.descriptor.digest } });
    expect(recordOf(one, B)).toBeUndefined();
  });
  test.each([
    ['no type', { artifactType: undefined }],
    ['the type of the empty config', { artifactType: 'application/vnd.oci.empty.v1+json' }],
  ])('a list that tells %s of something leaves open whether it is one', (_, lost) => {
    const { mediaType, digest, size } = written().descriptor;
    const { artifactType } = lost;
    const entry = { mediaType, digest, size, ...(artifactType === undefined ? {} : { artifactType }) };
    expect(listedRecords([entry], A).unread).toEqual([entry]);
  });
  test('one of another image, or that cannot be understood, is said and not counted', () => {
    const { descriptor } = written();
    const broken = {
      ...descriptor,
      annotations: { ...descriptor.annotations, 'io.github.registry-action.promotion.record': '{}' },
    };
    expect(listedRecords([descriptor], B)).toMatchObject({ records: [], problems: [expect.stringContaining(A)] });
    expect(listedRecords([broken], A)).toMatchObject({
      records: [],
      problems: expect.arrayContaining([expect.stringContaining('schemaVersion')]),
    });
  });
});
