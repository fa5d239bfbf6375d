import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ManifestBytes } from '../../src/domain/manifest.ts';
import { recordBytes, type StoredRecord } from '../../src/domain/promotion/record.ts';
import { listedRecords } from '../../src/domain/promotion/record-manifest.ts';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { statementBytes } from '../../src/domain/trust/statement.ts';
import { writeRecord } from '../../src/evidence/promotion-records.ts';
import type { Repository } from '../../src/oci/client/repository.ts';
import type { ActionRun } from '../support/action.ts';
import { recordWith } from '../support/promotion-record.ts';
import { connect } from '../support/registry-client.ts';
import { pushEvent } from '../support/repository.ts';
import type { Claims } from './sigstore/issuer.ts';
import { useSigningJob } from './sigstore/job.ts';

const job = useSigningJob();
type Lines = Readonly<Record<string, string>>;

/** What GitHub says of the job that promotes, and of a repository that signs nothing else. */
const PRODUCTION: Claims = { environment: 'production', event_name: 'push' };
const BY_HAND: Claims = { environment: 'production', event_name: 'workflow_dispatch' };

/** A repository with several images, of which the newest is in production. */
async function createProduction(kind: 'api' | 'fallback' = 'fallback') {
  const { image, host, name } = job.fresh(kind);
  const { repositoryOf } = await connect({ host });
  const repository = repositoryOf(name, 'push');
  const start = async (inputs: Lines, claims: Claims | undefined, more: Lines = {}): Promise<ActionRun> => {
    const event = { ...(await pushEvent(job.setting.repository)), name: claims?.event_name ?? 'push' };
    return job.setting.publish(
      {
        ...{ source: '', 'db-repository': '', command: 'promote', environment: 'production', images: image },
        ...{ 'signer-issuer': job.scene.sigstore.issuer.url, 'trusted-root': 'trusted-root.json' },
        ...{ 'signing-config': 'signing-config.json', ...inputs },
      },
      {
        event,
        env: {
          ...{ GITHUB_REPOSITORY: 'acme/app', GITHUB_REPOSITORY_ID: '22' },
          ...(claims === undefined ? {} : job.token(claims)),
          ...more,
        },
      },
    );
  };
  const push = (tag: string) => putImage(repository, tag);
  const recordsOf = async (of: ManifestBytes) =>
    listedRecords((await repository.referrers(of.descriptor.digest)).manifests, of.descriptor.digest).records;
  /** Attaches a record that somebody else made, signed by a job with these claims. */
  const forge = async (
    of: ManifestBytes,
    record: Partial<StoredRecord>,
    claims: Claims | undefined,
    { about = of.descriptor.digest, type = PREDICATES.promotion as string, signed = {} as Partial<StoredRecord> } = {},
  ) => {
    const whole = recordWith({
      ...{ environment: 'production', repository: image, to: [`${image}:production`], digest: of.descriptor.digest },
      ...{ event: claims?.event_name ?? 'push', time: new Date().toISOString(), ...record },
    });
    const predicate: Record<string, unknown> = JSON.parse(
      new TextDecoder().decode(recordBytes({ ...whole, ...signed })),
    );
    const statement = statementBytes({ predicateType: type, subjects: [about], predicate });
    const bundle = claims === undefined ? undefined : await (await job.scene.signer(claims)).sign(statement);
    return writeRecord(repository, whole, of.descriptor, undefined, bundle);
  };
  return { image, repository, start, push, recordsOf, forge };
}

type Production = Awaited<ReturnType<typeof createProduction>>;

async function putImage(repository: Repository, tag: string): Promise<ManifestBytes> {
  const { digestOf } = await import('../../src/oci/image/digest-of.ts');
  const put = async (mediaType: string, bytes: Buffer) => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await repository.putBlob(descriptor, () => bytes);
    return descriptor;
  };
  const rootfs = { type: 'layers', diff_ids: [`sha256:${randomBytes(32).toString('hex')}`] };
  const config = await put(
    'application/vnd.oci.image.config.v1+json',
    Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs })),
  );
  const layer = await put('application/vnd.oci.image.layer.v1.tar', randomBytes(1024));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] }));
  const manifest = { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
  await repository.put(tag, manifest);
  return manifest;
}

interface Told {
  readonly records: string;
  readonly errors: readonly { readonly code: string; readonly message: string }[];
  readonly targets: readonly { readonly promotionRecordSigned?: boolean }[];
  readonly history: {
    readonly promotions: readonly { readonly signature?: { readonly identity: string } }[];
    readonly uncounted: readonly { readonly reason: string }[];
  };
}
const told = (run: ActionRun): Told => JSON.parse(run.outputs.json ?? '{}');

describe.each(['api', 'fallback'] as const)('a job in its environment, referrers by %s', (kind) => {
  let production: Production;
  let one: ManifestBytes;
  let two: ManifestBytes;
  beforeAll(async () => {
    production = await createProduction(kind);
    one = await production.push('one');
    two = await production.push('two');
  });

  it('signs the record of a promotion, and chains it to the one before', async () => {
    const { start, recordsOf } = production;
    const first = await start({ from: 'one' }, PRODUCTION);
    expect(first.outputs.outcome, first.log).toBe('promoted');
    expect(told(first)).toMatchObject({ records: 'signed', targets: [{ promotionRecordSigned: true }] });
    expect(first.summary).toContain('(signed)');
    const second = await start({ from: 'two' }, PRODUCTION);
    expect(second.outputs.outcome, second.log).toBe('promoted');
    const [before] = await recordsOf(one);
    const [after] = await recordsOf(two);
    expect(before?.bundle).toBeDefined();
    expect(after).toMatchObject({ previousRecord: before?.manifest, previousDigest: one.descriptor.digest });
    expect(second.log.replaceAll(/::add-mask::.*/g, '')).not.toMatch(/eyJ[\w-]{20,}\./);
  });

  it('goes back by signed records, puts the image on hold, and lifts it only by hand', async () => {
    const { start } = production;
    const back = await start({ rollback: 'true' }, PRODUCTION);
    expect(back.outputs, back.log).toMatchObject({ outcome: 'rolled-back', digest: one.descriptor.digest });
    expect(back.log).toContain('by the signed promotion records');
    const held = await start({ from: 'two' }, PRODUCTION);
    expect(held.outputs.outcome, held.log).toBe('refused');
    expect(held.log).toContain('on hold');
    const forced = await start({ from: 'two', force: 'true' }, BY_HAND);
    expect(forced.outputs.outcome, forced.log).toBe('promoted');
    const history = await start({ from: 'env:production', 'dry-run': 'true' }, PRODUCTION);
    const { promotions } = told(history).history;
    expect(promotions.map(({ signature }) => signature?.identity.includes('release.yml'))).toEqual([
      ...[true, true, true, true],
    ]);
    expect(history.summary).toContain('by signed promotion records');
  });
});

describe('a record that the right job did not sign does not count, and the run says why', () => {
  const FOREIGN: Claims = { ...PRODUCTION, repository: 'evil/fork', repository_id: '66' };
  const cases: readonly [string, Claims | undefined, Parameters<Production['forge']>[3], RegExp][] = [
    ['an unsigned one', undefined, {}, /is unsigned/],
    ['one of a run without the environment', { event_name: 'push' }, {}, /a job without the environment "production"/],
    ['one of another environment', { ...PRODUCTION, environment: 'dev' }, {}, /in the environment "dev", not/],
    ['one of another repository', FOREIGN, {}, /its repository is "https:\/\/github.com\/evil\/fork"/],
    [
      'one of a repository that took over the name',
      { ...PRODUCTION, repository_id: '99' },
      {},
      /repository id is "99"/,
    ],
    ['one of a pull request', { ...PRODUCTION, event_name: 'pull_request_target' }, {}, /run of pull_request_target/],
    ['one signed for another image', PRODUCTION, { about: `sha256:${'a'.repeat(64)}` }, /signature is for sha256:aaaa/],
    ['another statement of the right job', PRODUCTION, { type: PREDICATES.signature }, /for another statement/],
    ['one that was changed', PRODUCTION, { signed: { actor: 'somebody' } }, /it differs from what is signed/],
    ['one whose run was not by hand', PRODUCTION, { signed: {} }, /it names the event "workflow_dispatch"/],
  ];

  it.each(cases)('%s', async (what, claims, how, reason) => {
    const { start, push, forge } = await createProduction();
    const [one, two] = [await push('one'), await push('two')];
    expect((await start({ from: 'one' }, PRODUCTION)).outputs.outcome).toBe('promoted');
    expect((await start({ from: 'two' }, PRODUCTION)).outputs.outcome).toBe('promoted');
    expect((await start({ rollback: 'true' }, PRODUCTION)).outputs.outcome).toBe('rolled-back');
    const event = what.includes('by hand') ? 'workflow_dispatch' : (claims?.event_name ?? 'push');
    await forge(two, { forced: true, event, time: new Date().toISOString() }, claims, how);
    const run = await start({ from: 'two' }, PRODUCTION);
    expect(run.outputs.outcome, run.log).toBe('refused');
    expect(run.log).toContain('on hold');
    expect(run.log).toMatch(reason);
    expect(run.summary).toMatch(/does not count|do not count/i);
    expect(told(run).history.uncounted).toHaveLength(1);
    expect(one).toBeDefined();
  });

  it('a replayed `forced` lifts nothing again', async () => {
    const { start, push, recordsOf, repository } = await createProduction();
    const [one, two] = [await push('one'), await push('two')];
    for (const [inputs, claims] of [
      [{ from: 'one' }, PRODUCTION],
      [{ from: 'two', force: 'true' }, BY_HAND],
      [{ rollback: 'true' }, PRODUCTION],
    ] as const) {
      const run = await start(inputs, claims);
      expect(run.exitCode, run.log).toBe(0);
    }
    const [forced] = await recordsOf(two);
    if (forced?.bundle === undefined) throw new Error('The forced promotion has no signed record.');
    const bundle = Buffer.concat(await (await repository.getBlob(forced.bundle)).toArray());
    // The same signature in another manifest.
    await writeRecord(repository, forced, { ...two.descriptor, annotations: {} }, undefined, Buffer.from(`${bundle} `));
    const run = await start({ from: 'two' }, PRODUCTION);
    expect(run.outputs.outcome, run.log).toBe('refused');
    expect(run.log).toContain('on hold');
    expect(one).toBeDefined();
  });

  it('a record copied from another repository', async () => {
    const from = await createProduction();
    const to = await createProduction();
    const image = await from.push('one');
    await from.start({ from: 'one' }, PRODUCTION);
    const [record] = await from.recordsOf(image);
    if (record?.bundle === undefined) throw new Error('There is no signed record.');
    const other = await to.push('one');
    await to.start({ from: 'one' }, PRODUCTION);
    const bundle = Buffer.concat(await (await from.repository.getBlob(record.bundle)).toArray());
    await writeRecord(
      to.repository,
      { ...record, digest: other.descriptor.digest },
      other.descriptor,
      undefined,
      bundle,
    );
    const run = await to.start({ from: 'env:production', 'dry-run': 'true' }, PRODUCTION);
    expect(run.log).toContain('written to another repository');
  });
});

describe('a job that cannot sign', () => {
  it('goes on with unsigned records and says why, unless signed ones are demanded', async () => {
    const { start, push } = await createProduction();
    await push('one');
    const strict = await start({ from: 'one', records: 'signed' }, { event_name: 'push' });
    expect(strict.outputs.outcome, strict.log).toBe('signing-failed');
    expect(strict.log).toContain('SIGNING_NOT_PERMITTED');
    expect(strict.log).toContain('the job has no `environment: production`');
    const auto = await start({ from: 'one' }, { event_name: 'push' });
    expect(auto.outputs.outcome, auto.log).toBe('promoted');
    expect(auto.log).toContain('Promotion records are not signed: the job has no `environment: production`');
    expect(told(auto)).toMatchObject({ records: 'any', targets: [{ promotionRecordSigned: false }] });
  });

  it('keeps the holds of unsigned records when signed ones begin, until a person lifts them', async () => {
    const { start, push } = await createProduction();
    const [one, two] = [await push('one'), await push('two')];
    for (const inputs of [{ from: 'one' }, { from: 'two' }, { rollback: 'true' }]) {
      const run = await start(inputs, undefined);
      expect(run.exitCode, run.log).toBe(0);
    }
    const held = await start({ from: 'two' }, PRODUCTION);
    expect(held.outputs.outcome, held.log).toBe('refused');
    expect(held.log).toContain('on hold');
    const back = await start({ rollback: 'true' }, PRODUCTION);
    expect(back.outputs.outcome, back.log).toBe('refused');
    expect(back.log).toMatch(/unsigned and do(?:es)? not count/);
    expect(back.log).toContain('records: any');
    const forced = await start({ from: 'two', force: 'true' }, BY_HAND);
    expect(forced.outputs.outcome, forced.log).toBe('promoted');
    const again = await start({ from: 'two' }, PRODUCTION);
    expect(again.outputs.outcome, again.log).toBe('unchanged');
    const rolled = await start({ rollback: 'true' }, PRODUCTION);
    expect(rolled.outputs, rolled.log).toMatchObject({ outcome: 'rolled-back', digest: one.descriptor.digest });
    expect(two).toBeDefined();
  });

  it('P9: moves no tag when Sigstore is unreachable, and `records: any` goes on without it', async () => {
    const { start, push, repository } = await createProduction();
    await push('one');
    const { readFile, writeFile } = await import('node:fs/promises');
    const config: Record<string, unknown> = JSON.parse(await readFile(job.scene.sigstore.signingConfig, 'utf8'));
    const rekorTlogUrls = [
      { url: 'http://127.0.0.1:9', majorApiVersion: 2, validFor: { start: '2024-01-01T00:00:00Z' }, operator: 'x' },
    ];
    await writeFile(
      `${job.setting.repository.directory}/unreachable.json`,
      JSON.stringify({ ...config, rekorTlogUrls }),
    );
    const failed = await start({ from: 'one', 'signing-config': 'unreachable.json' }, PRODUCTION);
    expect(failed.outputs.outcome, failed.log).toBe('signing-failed');
    expect(failed.log).toContain('No tag was moved');
    expect(await repository.head('production')).toBeUndefined();
    const any = await start({ from: 'one', records: 'any', 'signing-config': '' }, PRODUCTION);
    expect(any.outputs.outcome, any.log).toBe('promoted');
    expect(any.summary).toContain('(unsigned)');
  });
});

it('`deployed=` is shown by a signed record, and by no unsigned one', async () => {
  const { start, push, forge } = await createProduction();
  const [one, two] = [await push('one'), await push('two')];
  const staging = { ...PRODUCTION, environment: 'staging' };
  for (const from of ['one', 'two']) {
    expect((await start({ from, environment: 'staging' }, staging)).outputs.outcome).toBe('promoted');
  }
  const promoted = await start({ from: 'one', require: 'deployed=staging' }, PRODUCTION);
  expect(promoted.outputs.outcome, promoted.log).toBe('promoted');
  expect(promoted.log).toContain('by a promotion record signed by https://github.com/acme/app/');
  const three = await push('three');
  await forge(three, { environment: 'staging' }, undefined);
  const refused = await start({ from: 'three', require: 'deployed=staging' }, PRODUCTION);
  expect(refused.outputs.outcome, refused.log).toBe('refused');
  expect(refused.log).toContain('there is one that does not count: it is unsigned');
  expect([one, two]).toHaveLength(2);
});

describe('a report shows who promoted, and what something else moved, by the records that verify', () => {
  it.each(['api', 'fallback'] as const)('referrers by %s', async (kind) => {
    const { start, push, forge, repository } = await createProduction(kind);
    const [one, two] = [await push('one'), await push('two')];
    expect((await start({ from: 'one' }, PRODUCTION)).outputs.outcome).toBe('promoted');
    const report = () =>
      start(
        { command: 'report', environment: '', 'signing-config': '', environments: 'production', scans: 'none' },
        undefined,
      );
    interface Reported {
      readonly drift: readonly { readonly kind: string; readonly detail: string }[];
      readonly environments: readonly {
        readonly promoted: { readonly digest: string; readonly isVerified: boolean; readonly signedBy?: string };
        readonly uncountedRecords?: readonly string[];
      }[];
    }
    const read = (run: ActionRun): Reported => JSON.parse(run.outputs.json ?? '{}');
    const before = await report();
    expect(before.outputs.outcome, before.log).toBe('reported');
    expect(read(before).drift).toEqual([]);
    expect(read(before).environments[0]?.promoted).toMatchObject({
      ...{ digest: one.descriptor.digest, isVerified: true, signedBy: expect.stringContaining('.github/workflows/') },
    });
    expect(before.summary).toContain(', signed |');
    // Somebody moves the tag, and adds records that say a promotion did it.
    await repository.put('production', two);
    await forge(two, { actor: 'mallory' }, undefined);
    await forge(two, { actor: 'mallory' }, { ...PRODUCTION, environment: 'dev' });
    const after = await report();
    expect(read(after).drift).toMatchObject([{ kind: 'moved', detail: expect.stringContaining('names sha256:') }]);
    const [environment] = read(after).environments;
    expect(environment?.promoted).toMatchObject({ digest: one.descriptor.digest, isVerified: true });
    expect(environment?.uncountedRecords).toEqual([
      'A promotion record of production is unsigned and does not count.',
      expect.stringContaining('signed by a job in the environment "dev"'),
    ]);
    expect(after.summary).not.toContain('by mallory');
  });
});
