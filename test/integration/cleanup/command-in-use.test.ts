import { expect, test } from 'vitest';
import type { Digest } from '../../../src/domain/digest.ts';
import { MEDIA_TYPES } from '../../../src/domain/manifest.ts';
import { writeRecord } from '../../../src/evidence/promotion-records.ts';
import { runCleanup } from '../../support/cleanup/command.ts';
import { NAME } from '../../support/cleanup/command-scene.ts';
import { plainScene } from '../../support/cleanup/scene.ts';
import type { Service } from '../../support/cloud.ts';
import { startService } from '../../support/loopback.ts';
import { recordWith } from '../../support/promotion-record.ts';

const EMPTY = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';

/** Promoted to production one after the other: v1, v2, v3. */
async function promoted(referrers: boolean) {
  const scene = await plainScene({ referrers });
  const { content, registry, target } = scene;
  await target.repository.putBlob({ mediaType: MEDIA_TYPES.ociEmpty, digest: EMPTY, size: 2 }, () => Buffer.from('{}'));
  const images = ['1', '2', '3'].map((text) => content.index([content.image(text)], `v${text}`));
  let before: { readonly digest: Digest; readonly record: Digest } | undefined;
  for (const [at, digest] of images.entries()) {
    const record = recordWith({
      digest,
      repository: target.image.name,
      environment: 'production',
      to: [`${target.image.name}:production`],
      time: `2026-01-0${at + 1}T00:00:00.000Z`,
      ...(before === undefined ? {} : { previousDigest: before.digest, previousRecord: before.record }),
    });
    const size = registry.manifest(NAME, digest)?.bytes.length ?? 0;
    const subject = { mediaType: MEDIA_TYPES.ociIndex, digest, size };
    before = { digest, record: await writeRecord(target.repository, record, subject) };
  }
  const now = registry.manifest(NAME, images[2] ?? '');
  registry.putManifest(NAME, 'production', now?.mediaType ?? '', now?.bytes ?? Buffer.alloc(0));
  return { ...scene, images, image: target.image.name };
}

/** The greediest policy that there is. */
const EVERYTHING = `
protect: { tags: [] }
defaults: { limits: off, multi-tag: any }
rules:
  - { name: everything, select: { tags: ["**"] }, remove: { older-than: 0d } }
  - { name: untagged, select: { tagged: false }, remove: { older-than: 0d } }
`;

test.each([true, false])(
  'what production points to and could roll back to survives every policy (referrers API: %s)',
  async (referrers) => {
    const { registry, images, image } = await promoted(referrers);
    const run = await runCleanup({ images: image, policy: EVERYTHING, 'dry-run': 'false' });
    expect(run.exitCode).toBe(0);
    expect(run.outputs.outcome).toBe('cleaned');
    expect(run.summary).toContain('in use: environment production');
    const tags = registry.tags(NAME);
    expect(tags.production).toBe(images[2]);
    expect(tags.v2).toBe(images[1]);
    expect(tags).not.toHaveProperty('v1');
    expect(registry.digests(NAME)).not.toContain(images[0]);
  },
);

test.each([500, 403])('lists of referrers that answer %i stop the cleanup: records may be there', async (status) => {
  const { registry, image } = await promoted(true);
  registry.addFault({ match: { path: /\/referrers\//, nth: 'all' }, action: { status } });
  const run = await runCleanup({ images: image, policy: EVERYTHING, 'dry-run': 'false' });
  expect(run.exitCode).toBe(1);
  expect(run.outputs['deleted-manifests']).toBe('0');
  expect(registry.tags(NAME)).toHaveProperty('v1');
});

/** GitHub with two pages of pull requests, of which 1 is closed and 2 is open, and some branches. */
const gitHub: Service = ({ url }) => {
  const [, , , what] = url.pathname.split('/').slice(1);
  if (what === undefined) return { status: 404, body: { message: url.pathname } };
  const pull = (number: number, closed: string | null) => ({
    number,
    state: closed === null ? 'open' : 'closed',
    closed_at: closed,
  });
  if (what === 'branches') return { status: 200, body: [{ name: 'main' }, { name: 'feat/y' }] };
  if (what !== 'pulls') return { status: 404, body: { message: 'Not Found' } };
  if (url.searchParams.get('page') === '2') return { status: 200, body: [pull(1, '2026-01-01T00:00:00Z')] };
  const next = new URL(url);
  next.searchParams.set('page', '2');
  return { status: 200, headers: { link: `<${next}>; rel="next"` }, body: [pull(2, null)] };
};

test('images of closed pull requests and deleted branches go, and those of open ones stay', async () => {
  const { content, registry, target } = await plainScene({ referrers: true });
  for (const tag of ['pr-1', 'pr-2', 'branch-feat-y', 'branch-feat-z']) content.image(tag, tag);
  await using server = await startService(gitHub);
  const policy = `
defaults: { limits: off }
rules:
  - { name: closed, select: { tags: ["pr-*"], gone: { pull-request: closed } }, remove: { older-than: 0d } }
  - { name: deleted, select: { tags: ["branch-*"], gone: { branch: deleted } }, remove: { older-than: 0d } }
`;
  const env = { GITHUB_API_URL: server.url, GITHUB_REPOSITORY: 'org/app' };
  const inputs = { images: target.image.name, policy, 'github-token': 'ghs_test', 'dry-run': 'false' };
  const run = await runCleanup(inputs, { env });
  expect(run.outputs.outcome, run.log).toBe('cleaned');
  expect(Object.keys(registry.tags(NAME))).toEqual(['pr-2', 'branch-feat-y']);
});
