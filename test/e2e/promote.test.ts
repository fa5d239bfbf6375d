import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROMOTION_TYPE } from '../../src/domain/promotion/record.ts';
import type { ActionRun } from '../support/action.ts';
import { tagEvent } from '../support/repository.ts';
import { run } from './programs.ts';
import { createPromotionScene, type Place, type PromotionScene, type Referrer } from './promotion.ts';
import { type Address, type LoggedRequest, type Registry, writes } from './registry.ts';
import { PLATFORMS } from './scene.ts';

type Name = 'first' | 'second' | 'api';

let scene: PromotionScene;
let registries: { readonly first: Registry; readonly second: Registry; readonly api: Address };
let root: string;
const place = (registry: Name, repository: string) => scene.place(registries[registry], repository);

/** Published once, by one build, and then signed and reported on by hand, where it lies. */
const SOURCES: readonly (readonly [Name, string])[] = [
  ['first', 'org/app'],
  ['first', 'dev/app'],
  ['api', 'org/app'],
];

beforeAll(async () => {
  scene = await createPromotionScene();
  const [first, second, api] = await Promise.all([scene.registry(), scene.registry(), scene.referrersRegistry()]);
  registries = { first, second, api };
  await scene.repository.tag('v1.2.3');
  const published = await scene.publish({
    inputs: {
      images: SOURCES.map((each) => place(...each).image).join('\n'),
      'driver-opts': 'network=host',
    },
    event: await tagEvent(scene.repository, 'v1.2.3'),
  });
  expect(published.exitCode, published.log).toBe(0);
  root = published.outputs.digest ?? '';
  await published.post();
  for (const each of SOURCES) {
    const source = place(...each);
    await source.sign(root);
    const report = await source.attach(root, '{"of":"the index"}');
    await source.attach(report, '{"of":"the report"}');
    await source.attach(await source.digest(root, 'linux/arm64'), '{"of":"a platform"}');
  }
});
afterAll(() => scene[Symbol.asyncDispose]());

/** `application/vnd.example.report sha256:… ← [ … ]`, so that two lists can be told apart at a glance. */
function withoutRecords(referrers: readonly Referrer[]): readonly Referrer[] {
  return referrers.filter(({ artifactType }) => artifactType !== PROMOTION_TYPE);
}

function shown(referrers: readonly Referrer[]): readonly string[] {
  return referrers
    .map(({ artifactType, digest, referrers: more }) =>
      [artifactType, digest, ...(more.length > 0 ? [`← [ ${shown(more).join(', ')} ]`] : [])].join(' '),
    )
    .toSorted();
}

/** Without repositories and digests: `GET manifests/sha256:… 200`. */
function asked(requests: readonly LoggedRequest[]): readonly string[] {
  return requests.map(({ method, path, status }) => {
    const [, what = path] = /\/((?:manifests|blobs|referrers|tags)\/.*)$/.exec(path) ?? [];
    return `${method} ${what.replace(/\?.*/, '').replace(/(sha256[-:])[a-f0-9]{64}/, '$1…')} ${status}`;
  });
}

interface Route {
  readonly name: string;
  readonly from: readonly [Name, string];
  readonly to: readonly [Name, string];
  /** Of all promotions, the last one being that which is looked at. */
  readonly inputs: (from: Place, to: Place) => readonly Readonly<Record<string, string>>[];
  readonly tags: readonly string[];
}

const ROUTES: readonly Route[] = [
  {
    name: 'from tag to tag of one repository',
    from: ['first', 'org/app'],
    to: ['first', 'org/app'],
    inputs: ({ image: images }) => [
      { images, from: root, environment: 'staging' },
      { images, from: 'env:staging', to: '{{env}}\n{{version}}-{{env}}', environment: 'production' },
    ],
    tags: ['staging', 'production', '1.2.3-production'],
  },
  {
    name: 'from repository to repository of one registry',
    from: ['first', 'dev/app'],
    to: ['first', 'prod/app'],
    inputs: (from, to) => [{ from: from.at('1.2.3'), to: to.image, environment: 'production' }],
    tags: ['production'],
  },
  {
    name: 'from one registry to another',
    from: ['first', 'org/app'],
    to: ['second', 'org/app'],
    inputs: across,
    tags: ['1.2.3', 'production'],
  },
  {
    name: 'from a registry with the referrers API to one without',
    from: ['api', 'org/app'],
    to: ['second', 'api/app'],
    inputs: across,
    tags: ['1.2.3', 'production'],
  },
  {
    name: 'from a registry without the referrers API to one with it',
    from: ['first', 'org/app'],
    to: ['api', 'prod/app'],
    inputs: across,
    tags: ['1.2.3', 'production'],
  },
];

function across(from: Place, to: Place): readonly Readonly<Record<string, string>>[] {
  return [{ from: from.at('1.2.3'), to: `${to.image}:{{version}}\n${to.image}`, environment: 'production' }];
}

describe.each(ROUTES)('A signed image of two platforms, promoted $name', ({ from, to, inputs, tags }) => {
  let source: Place;
  let target: Place;
  let before: readonly Referrer[];
  let requests: readonly LoggedRequest[];
  let ran: ActionRun;
  const isWithin = () => from.join() === to.join();
  const mark = () => Promise.all([registries.first.mark(), registries.second.mark()]);

  beforeAll(async () => {
    source = place(...from);
    target = place(...to);
    const steps = inputs(source, target);
    for (const each of steps.slice(0, -1)) {
      const made = await scene.promote(each);
      expect(made.exitCode, made.log).toBe(0);
    }
    // Promotion records count only where they were written, and stay there.
    before = isWithin() ? await source.referrers(root) : withoutRecords(await source.referrers(root));
    await mark();
    ran = await scene.promote(steps.at(-1) ?? {});
    expect(ran.exitCode, ran.log).toBe(0);
    requests = await registries.first.requests();
  });

  it('is said to be promoted, with no warning but that nothing was required', () => {
    expect(ran.outputs).toMatchObject({ outcome: 'promoted', digest: root });
    expect(ran.annotations).toEqual([
      { level: 'warning', message: expect.stringContaining('Nothing is required of production') },
    ]);
  });

  it('has the same digest under each tag, and for each platform', async () => {
    for (const tag of tags) {
      expect(await target.digest(tag)).toBe(root);
      for (const platform of PLATFORMS) {
        expect(await target.digest(tag, platform)).toBe(await source.digest('1.2.3', platform));
      }
    }
  });

  it('is there byte for byte: each manifest, and each manifest that refers to one', async () => {
    const all = (list: readonly Referrer[]): readonly string[] =>
      list.flatMap(({ digest, referrers }) => [digest, ...all(referrers)]);
    const digests = [...(await source.digests(root)), ...all(before)];
    // Two platforms with attestations, the root; a signature, three reports, at least.
    expect(digests.length).toBeGreaterThanOrEqual(9);
    for (const digest of digests) expect(await target.manifest(digest)).toBe(await source.manifest(digest));
  });

  it('has everything attached that it had before, recursively, and the record of its promotion', async () => {
    const after = await target.referrers(root);
    const known = new Set(before.map(({ digest }) => digest));
    expect(shown(after.filter(({ digest }) => known.has(digest)))).toEqual(shown(before));
    expect(after.filter(({ digest }) => !known.has(digest)).map(({ artifactType }) => artifactType)).toEqual([
      PROMOTION_TYPE,
    ]);
    expect(shown(before).join('\n')).toMatch(/vnd\.example\.report \S+ ← \[ application\/vnd\.example\.report/);
    expect((await target.records(root)).at(-1)).toMatchObject({
      kind: 'promotion',
      environment: 'production',
      digest: root,
      forced: false,
      held: [],
    });
  });

  it('is verified by cosign with the key that it was signed with', async () => {
    await target.verify(root);
    // The same look fails where nobody has signed.
    await expect(target.verify(await target.digest(root, 'linux/arm64'))).rejects.toThrow(
      /no (?:matching )?signatures/,
    );
  });

  it('can be pulled by docker, and runs', async () => {
    const name = target.at('production');
    await run('docker', ['pull', '--quiet', name]);
    expect(await run('docker', ['run', '--rm', '--network', 'none', name])).toBe('built for amd64\n');
    await run('docker', ['image', 'rm', '--force', name]);
  });

  it.each(PLATFORMS)('has SBOM and provenance of %s with it', async (platform) => {
    const digest = (await target.digest('production', platform)).replace('sha256:', '');
    const statements = await target.statements(root, platform);
    const ofType = (type: string) => statements.find(({ predicateType }) => predicateType.startsWith(type));
    const sbom = ofType('https://spdx.dev/');
    const provenance = ofType('https://slsa.dev/provenance/');
    for (const each of [sbom, provenance]) {
      expect(each?.subject.map((subject) => subject.digest.sha256)).toContain(digest);
    }
    expect(sbom?.predicate.packages).toBeInstanceOf(Array);
    expect(JSON.stringify(provenance?.predicate)).toContain(await scene.repository.head());
  });

  it('meets what is required of its content where it is now, and not what it has not', async () => {
    const { image: images } = target;
    const check = async (require: string) =>
      scene.promote({ images, from: 'env:production', environment: 'next', require, 'dry-run': 'true' });
    const met = await check(`platforms=${PLATFORMS.join(',')}\nsbom\nprovenance`);
    expect(met.outputs.outcome, met.log).toBe('planned');
    expect((await check('sbom\nplatforms=linux/s390x')).outputs.outcome).toBe('refused');
  });

  it('has moved no byte of a blob where it stayed in one registry', () => {
    if (from[0] !== to[0]) return;
    const blobs = asked(requests).filter((each) => each.includes(' blobs/'));
    expect(blobs.filter((each) => /^(?:GET|PUT|PATCH) /.test(each))).toEqual([]);
    // Between repositories, they are mounted.
    expect(blobs.some((each) => each === 'POST blobs/uploads/ 201')).toBe(from[1] !== to[1]);
  });

  it('is left alone by the same promotion again, with at most 6 requests to each registry', async () => {
    await mark();
    const again = await scene.promote(inputs(source, target).at(-1) ?? {});
    expect(again.exitCode, again.log).toBe(0);
    expect(again.outputs).toMatchObject({ outcome: 'unchanged', digest: root });
    for (const registry of [registries.first, registries.second]) {
      const made = await registry.requests();
      expect(writes(made)).toEqual([]);
      expect(made.length, asked(made).join('\n')).toBeLessThanOrEqual(6);
    }
  });
});

describe('The requests of a promotion from tag to tag, by the log of the registry', () => {
  const requestsOf = async (inputs: Readonly<Record<string, string>>) => {
    await registries.first.mark();
    const ran = await scene.promote({ images: place('first', 'org/app').image, from: root, ...inputs });
    expect(ran.exitCode, ran.log).toBe(0);
    expect(ran.outputs.outcome).toBe('promoted');
    return asked(await registries.first.requests());
  };
  const read = 'GET manifests/sha256:… 200';
  const list = 'GET manifests/sha256-… 200';

  it('are three without a record: read, look, write, which the registry confirms with the digest', async () => {
    expect(await requestsOf({ environment: 'quiet', record: 'false' })).toEqual([
      ...[read, 'HEAD manifests/quiet 404', 'PUT manifests/quiet 201'],
    ]);
  });

  it('are ten more with a record, where lists of referrers are kept under a tag', async () => {
    const requests = await requestsOf({ environment: 'noted' });
    // Both lists of referrers are requested at once.
    expect([...requests.slice(0, 2), ...requests.slice(2, 4).toSorted(), ...requests.slice(4)]).toEqual([
      ...[read, 'HEAD manifests/noted 404'],
      // Cosign does not list its signature as what it is, so that it has to be looked at.
      ...[list, 'GET referrers/sha256:… 404', read],
      // Whether the list may change is tried before anything depends on it.
      ...[list, 'PUT manifests/sha256-… 201'],
      // That took time, in which another run may have moved the tag.
      'HEAD manifests/noted 404',
      'PUT manifests/noted 201',
      ...['PUT manifests/sha256:… 201', list, 'PUT manifests/sha256-… 201', list],
    ]);
  });
});
