import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fieldsOf } from '../../../src/domain/fields.ts';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { writeRecord } from '../../../src/evidence/promotion-records.ts';
import { runAction } from '../../support/action.ts';
import { recordWith } from '../../support/promotion-record.ts';
import { connect } from '../../support/registry-client.ts';
import { reportScene, runReport } from '../../support/report/scene.ts';
import { createRepository, pushEvent } from '../../support/repository.ts';

const kindsOf = (json = '{}') => {
  const { drift } = fieldsOf(JSON.parse(json));
  return Array.isArray(drift) ? drift.map((each: unknown) => fieldsOf(each).kind) : [];
};

async function scene() {
  const found = await reportScene();
  const { content } = found;
  const built = (name: string, annotations: Readonly<Record<string, string>>, ...tags: string[]) => {
    const child = content.image(name);
    return content.put(
      MEDIA_TYPES.ociIndex,
      {
        manifests: [
          {
            mediaType: MEDIA_TYPES.ociManifest,
            digest: child,
            size: found.registry.manifest(found.name, child)?.bytes.length ?? 0,
            platform: { os: 'linux', architecture: 'amd64' },
          },
        ],
        annotations,
      },
      tags,
    );
  };
  return { ...found, built };
}

const REVISION = 'org.opencontainers.image.revision';
const VERSION = 'org.opencontainers.image.version';

/** A trusted root without anything to trust. */
const TRUSTED_ROOT = JSON.stringify({
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  certificateAuthorities: [{ certChain: { certificates: [] } }],
});

describe('drift between environments', () => {
  it('takes the order of commits from the clone', async () => {
    const { built, image } = await scene();
    await using repository = await createRepository();
    const first = await repository.commit('one', { a: '1' });
    const second = await repository.commit('two', { a: '2' });
    built('new', { [REVISION]: second }, 'staging');
    built('old', { [REVISION]: first }, 'production');
    const run = await runReport(
      { images: image, environments: 'staging,production', 'fail-on': 'drift', 'metrics-file': '../m.prom' },
      { workspace: repository.directory },
    );
    expect(kindsOf(run.outputs.json)).toEqual(['behind']);
    expect(run.outputs).toMatchObject({ outcome: 'reported', drift: '0' });
    const metrics = await readFile(join(repository.directory, '../m.prom'), 'utf8');
    expect(metrics).toMatch(/registry_environment_drift\{.*kind="behind"\} 1/);
    expect(metrics).toMatch(/registry_environment_drift\{.*kind="diverged"\} 0/);
    const strict = await runReport(
      { images: image, environments: 'staging,production', 'fail-on': 'behind' },
      { workspace: repository.directory },
    );
    expect(strict.outputs.outcome).toBe('condition-met');
  });

  it('falls back to versions, and sees a rebuild of one commit', async () => {
    const { built, image } = await scene();
    built('a', { [VERSION]: '1.2.0' }, 'dev');
    built('b', { [VERSION]: '1.10.0', [REVISION]: 'c'.repeat(40) }, 'staging');
    built('c', { [REVISION]: 'c'.repeat(40) }, 'production');
    const run = await runReport({ images: image, environments: 'dev,staging,production' });
    expect(kindsOf(run.outputs.json)).toEqual(['ahead', 'rebuilt']);
  });

  it('an environment moved past its promotion is the alarm that it is', async () => {
    const { built, image, registry, name } = await scene();
    const good = built('good', {}, 'v1');
    await using repository = await createRepository();
    await repository.commit('one', { a: '1' });
    const promotion = await runAction({
      inputs: { command: 'promote', images: image, from: 'v1', environment: 'production' },
      workspace: repository.directory,
      event: await pushEvent(repository),
    });
    expect(promotion.outputs.outcome, promotion.log).toBe('promoted');
    await promotion.dispose();
    const fine = await runReport({ images: image, environments: 'production' });
    expect(kindsOf(fine.outputs.json)).toEqual([]);
    expect(fine.summary).toContain('No difference between the environments');
    const bad = built('bad', {});
    const stored = registry.manifest(name, bad);
    registry.putManifest(name, 'production', stored?.mediaType ?? '', stored?.bytes ?? Buffer.of());
    expect(good).not.toBe(bad);
    const run = await runReport({ images: image, environments: 'production', 'fail-on': 'drift' });
    // The image that is there now has no record of its own: the one of the image before it is found all the same.
    const environments = fieldsOf(JSON.parse(run.outputs.json ?? '{}')).environments;
    expect(Array.isArray(environments) ? environments[0] : undefined).toMatchObject({ state: 'present', digest: bad });
    expect(kindsOf(run.outputs.json)).toEqual(['moved']);
    // Once in the error, and once in the table of the summary.
    expect(run.outputs.outcome).toBe('condition-met');
    expect(run.summary).toMatch(/^## ❌ Condition met: /);
    expect(run.log.split('its last promotion record')).toHaveLength(2);
    expect(run.summary.split('its last promotion record')).toHaveLength(2);
    // This job signs nothing: its record counts, and is not shown as more than it is.
    expect(run.log).toContain('its last promotion record (not verified), of');
    expect(run.summary).toContain(', not verified');
    const strict = await runReport({ images: image, environments: 'production', records: 'signed' });
    expect(kindsOf(strict.outputs.json)).toEqual([]);
    expect(strict.log).toContain('A promotion record of production is unsigned and does not count.');
    expect(strict.summary).not.toContain(' UTC by ');
  });

  it('a record that claims to be signed makes unsigned ones count no more, and verifies or does not count', async () => {
    const { built, image, registry, name } = await scene();
    const good = built('good', {}, 'production');
    const { repositoryOf } = await connect({ host: registry.host });
    const write = async (actor: string, bundle?: Buffer) => {
      const stored = registry.manifest(name, good);
      const subject = { mediaType: stored?.mediaType ?? '', digest: good, size: stored?.bytes.length ?? 0 };
      const record = recordWith({
        digest: good,
        environment: 'production',
        repository: image,
        to: [`${image}:production`],
        actor,
      });
      await writeRecord(repositoryOf(name, 'push'), record, subject, undefined, bundle);
    };
    await write('mallory');
    const plain = await runReport({ images: image, environments: 'production' });
    expect(plain.summary).toContain('by mallory, not verified');
    await write('eve', Buffer.from('{}'));
    const root = join(plain.workspace, 'root.json');
    await writeFile(root, TRUSTED_ROOT);
    const run = await runReport({ images: image, environments: 'production', 'trusted-root': root });
    expect(run.outputs.outcome, run.log).toBe('reported');
    expect(run.summary).not.toContain('by mallory');
    expect(run.summary).not.toContain('by eve');
    expect(run.log).toContain('is unsigned and does not count');
    // Without trust material nothing is known of the records, and the report says so.
    const offline = await runReport(
      { images: image, environments: 'production' },
      { env: { HTTPS_PROXY: 'http://127.0.0.1:9' } },
    );
    expect(offline.outputs.outcome, offline.log).toBe('partial');
    expect(offline.log).toContain(`${image}:production: promotion records: `);
    expect(offline.summary).not.toContain('by mallory');
    // A file of the user that is no trusted root fails the run.
    await writeFile(root, 'nonsense');
    const wrong = await runReport({ images: image, environments: 'production', 'trusted-root': root });
    expect(wrong.exitCode).toBe(1);
    expect(wrong.log).toContain('trusted-root');
  });

  it('with a signer named, only a signature of that signer counts', async () => {
    const { built, image } = await scene();
    built('good', {}, 'staging');
    const directory = await mkdtemp(join(tmpdir(), 'signer-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = join(directory, 'key.pub');
    await writeFile(key, publicKey.export({ type: 'spki', format: 'pem' }));
    const run = await runReport({ images: image, environments: 'staging', 'signer-key': key, 'fail-on': 'drift' });
    expect(kindsOf(run.outputs.json)).toEqual(['unsigned']);
    expect(run.summary).toContain('❌ not verified');
    expect(run.outputs.outcome).toBe('condition-met');
    const wrong = await runReport({ images: image, environments: 'staging', 'signer-key': join(directory, 'none') });
    expect(wrong.outputs.outcome).toBe('invalid-input');
    const unused = await runReport({ images: image, 'signer-key': key });
    expect(unused.log).toContain('`signer-key` has no effect without `environments`');
  });

  it('an environment in another repository, and one that does not exist', async () => {
    const { built, image, registry } = await scene();
    built('a', {}, 'staging');
    const run = await runReport({
      images: image,
      environments: `staging,production=${registry.host}/org/prod:live`,
      'fail-on': 'drift',
    });
    expect(kindsOf(run.outputs.json)).toEqual(['missing']);
    expect(run.outputs.outcome).toBe('condition-met');
  });

  it('replicas with another image under the same tag', async () => {
    const [a, b] = [await scene(), await scene()];
    a.built('a', {}, 'v1');
    b.built('b', {}, 'v1');
    const run = await runReport({ images: `${a.image}\n${b.image}`, environments: 'v1' });
    expect(kindsOf(run.outputs.json)).toEqual(['replica']);
  });
});
