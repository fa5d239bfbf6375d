import { describe, expect, test } from 'vitest';
import { type ManifestBytes, MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { fallbackTag } from '../../../src/oci/client/referrers.ts';
import { fill } from '../../support/copy-source.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { createPromotionJob } from './job.ts';

const bearer = { bearer: { username: 'me', password: 'secret-password' } };
const login = (...registries: readonly TestRegistry[]) => ({
  'registry-auth': registries
    .map(({ host }) => `- registry: ${host}\n  username: me\n  password: secret-password`)
    .join('\n'),
});

/** What the registry was asked, as its own log has it, without digests and repositories. */
const asked = ({ log }: TestRegistry) =>
  log
    .filter(({ path }) => path.startsWith('/v2/'))
    .map(({ method, path, status }) => {
      const [, kind = '', reference = ''] = /\/(manifests|referrers|blobs|tags)\/(.*)$/.exec(path) ?? [];
      const shown = /^sha256-/.test(reference) ? ' fallback' : /^sha256:/.test(reference) ? '' : ` ${reference}`;
      return `${method} ${kind.replace('manifests', 'manifest')}${shown} ${status}`;
    });

/** The bytes of blobs that went through the runner, in either direction. */
const blobBytes = ({ log }: TestRegistry) =>
  log.filter(
    ({ path, method }) => path.includes('/blobs/') && (method === 'GET' || method === 'PUT' || method === 'PATCH'),
  ).length;

/** As cosign and oras list a manifest: with the type of its empty config, and without annotations. */
const bare = ({ bytes, descriptor: { mediaType, digest, size } }: ManifestBytes): ManifestBytes => ({
  bytes,
  descriptor: { mediaType, digest, size, artifactType: MEDIA_TYPES.ociEmpty },
});

const MOVE = ['GET manifest one 200', 'HEAD manifest staging 404', 'PUT manifest staging 201'];

describe('requests of a promotion, by the log of the registry', () => {
  test('a tag in one repository: 3 to move it, 1 more for the challenge, 1 more to read it back where the digest is not confirmed', async () => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers: true });
    await using guarded = await startRegistry({ referrers: true, auth: bearer });
    await using silent = await startRegistry({ referrers: true });
    silent.addFault({
      match: { method: 'PUT', path: /manifests\/staging/ },
      action: { headers: { 'docker-content-digest': null } },
    });
    for (const each of [registry, guarded, silent]) {
      fill(each, 'org/app').image(['1'], {}, 'one');
      const at = { images: `${each.host}/org/app`, environment: 'staging', from: 'one', record: 'false' };
      const run = await job.promote({ ...at, ...(each === guarded ? login(each) : {}) });
      expect(run.outputs.outcome).toBe('promoted');
      expect(blobBytes(each)).toBe(0);
    }
    expect(asked(registry)).toEqual(MOVE);
    expect(asked(guarded)).toEqual(['GET manifest one 401', ...MOVE]);
    expect(asked(silent)).toEqual([...MOVE, 'HEAD manifest staging 200']);
    expect(guarded.tokenRequests()).toBe(1);
  });

  test('the records cost a look at API and fallback for each of two images, one more at the tag and one write', async () => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ referrers: true });
    const { image } = fill(registry, 'org/app');
    image(['1'], {}, 'one');
    image(['2'], {}, 'two');
    const at = { images: `${registry.host}/org/app`, environment: 'staging' };
    await job.promote({ ...at, from: 'two' });
    await job.promote({ ...at, from: 'one' });
    registry.clearLog();
    await job.promote({ ...at, from: 'two' });
    const requests = asked(registry);
    // Both lists of both images are requested at once.
    expect([...requests.slice(0, 2), ...requests.slice(2, 6).toSorted(), ...requests.slice(6)]).toEqual([
      'GET manifest two 200',
      'HEAD manifest staging 200',
      'GET manifest fallback 404',
      'GET manifest fallback 404',
      'GET referrers 200',
      'GET referrers 200',
      'HEAD manifest staging 200',
      'PUT manifest staging 201',
      'PUT manifest 201',
    ]);
    registry.clearLog();
    const back = await job.promote({ ...at, rollback: 'true' });
    expect(back.outputs.outcome).toBe('rolled-back');
    const [first, ...others] = asked(registry);
    expect([first, ...others.slice(0, 2).toSorted(), ...others.slice(2)]).toEqual([
      'HEAD manifest staging 200',
      'GET manifest fallback 404',
      'GET referrers 200',
      'GET manifest 200',
      'PUT manifest staging 201',
      'PUT manifest 201',
    ]);
  });

  test('two platforms of eight layers with two referrers across repositories: at most 51, two of which ask for the right to push; no byte of a blob', async () => {
    await using job = await createPromotionJob();
    await using registry = await startRegistry({ auth: bearer, referrers: true });
    const { root } = fill(registry, 'dev/app').usual();
    const run = await job.promote({
      from: `${registry.host}/dev/app:v1`,
      to: `${registry.host}/prod/app`,
      environment: 'production',
      ...login(registry),
    });
    expect(run.outputs).toMatchObject({ outcome: 'promoted', digest: root.descriptor.digest });
    expect(registry.tags('prod/app').production).toBe(root.descriptor.digest);
    expect(registry.requests()).toBeLessThanOrEqual(51);
    expect(registry.tokenRequests()).toBeLessThanOrEqual(3);
    expect(blobBytes(registry)).toBe(0);
  });

  test.each([
    ['with the API', true],
    ['without the API', false],
  ])(
    'a repeated promotion at registries %s: at most 6 at each with a token in hand, and nothing is written',
    async (_, referrers) => {
      await using job = await createPromotionJob();
      await using registry = await startRegistry({ auth: bearer, referrers });
      await using other = await startRegistry({ auth: bearer, referrers });
      const { usual, referrer, index } = fill(registry, 'org/app');
      const { root } = usual();
      if (!referrers) index([bare(referrer(root, 'bundle'))], {}, fallbackTag(root.descriptor.digest));
      const from = `${registry.host}/org/app:v1`;
      const auth = login(registry, other);
      for (const to of [`${registry.host}/org/app`, `${registry.host}/prod/app`, `${other.host}/org/app`]) {
        const at = { from, to, environment: 'production', ...auth };
        expect((await job.promote(at)).outputs.outcome).toBe('promoted');
        registry.clearLog();
        other.clearLog();
        expect((await job.promote(at)).outputs.outcome).toBe('unchanged');
        for (const each of [registry, other]) {
          const answered = asked(each).filter((line) => !line.endsWith(' 401'));
          expect(answered.length, asked(each).join('\n')).toBeLessThanOrEqual(6);
          expect(each.writes()).toEqual([]);
        }
      }
    },
  );
});
