import { describe, expect, test } from 'vitest';
import { runCleanup } from '../../support/cleanup/command.ts';
import { plainScene } from '../../support/cleanup/scene.ts';
import { vendorCommand } from '../../support/cleanup/vendor-command.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';
import type { CloudReply, CloudRequest } from '../../support/cloud.ts';
import { errorReply, type Received } from '../../support/registry-exchange.ts';

const POLICY = `
defaults: { limits: off, min-age: 0h }
rules:
  - { select: { tags: ["pr-*"] }, remove: { older-than: 0d } }
`;
const rowsOf = (...ids: readonly string[]) => VENDOR_ROWS.filter(({ id }) => ids.includes(id));
const rowOf = (id: string) => {
  const [row] = rowsOf(id);
  if (row === undefined) throw new Error(id);
  return row;
};
const apply = { policy: POLICY, 'dry-run': 'false' };

test.each(rowsOf('ecr', 'ecr-public', 'artifact-registry', 'harbor', 'docker-hub'))(
  '$id: what a new index lists by digest alone is refused by the registry, and the rest is done',
  async (row) => {
    let onWrite: (() => void) | undefined;
    const { content, stored, run } = await vendorCommand(row, undefined, () => onWrite?.());
    const own = content.image('own');
    const old = content.index([own, content.image('other')], 'pr-1');
    content.image('release', 'v1');
    onWrite = () => {
      onWrite = undefined;
      // Without a tag, so that nothing but the registry knows.
      content.index([own, content.image('amd64')]);
    };
    const applied = await run(apply);
    expect(applied.exitCode, applied.log).toBe(0);
    expect(applied.outputs).toMatchObject({ outcome: 'cleaned', 'blocked-steps': '1' });
    expect(applied.log).toMatch(/blocked: /);
    const left = stored().map(({ digest }) => digest);
    expect(left).toContain(own);
    expect(left).not.toContain(old);
  },
);

test.each(rowsOf('ecr', 'ecr-public', 'nexus', 'artifactory'))(
  '$id: the last tag of a platform that an index lists is not removed, because the image would go with it',
  async (row) => {
    const { content, stored, run } = await vendorCommand(row);
    content.index([content.image('amd64', 'pr-1-amd64'), content.image('arm64', 'pr-1-arm64')], 'v1');
    const before = stored();
    const applied = await run(apply);
    expect(applied.exitCode, applied.log).toBe(0);
    expect(applied.log).toContain('other images need these');
    expect(stored()).toEqual(before);
  },
);

/** Answers to deletions, by vendor: each is about one image, so that the others still go. */
const REFUSALS: readonly (readonly [string, string, CloudReply])[] = [
  [
    'acr',
    'a locked tag',
    {
      status: 405,
      body: { errors: [{ code: 'REGISTRY_DISALLOWED_OPERATION', message: 'the operation is disallowed' }] },
    },
  ],
  ['docker-hub', 'an immutable tag', { status: 403, body: { message: 'tag pr-1 is immutable' } }],
  [
    'harbor',
    'an immutable tag',
    {
      status: 412,
      body: { errors: [{ code: 'PRECONDITION', message: 'the tag pr-1 configured as immutable, cannot be deleted' }] },
    },
  ],
  [
    'artifact-registry',
    'immutable tags',
    {
      status: 400,
      body: { error: { code: 400, status: 'FAILED_PRECONDITION', message: 'Tags of this repository are immutable.' } },
    },
  ],
];

test.each(REFUSALS)('%s: %s is reported as blocked, and the rest is done', async (id, _, reply) => {
  const row = rowOf(id);
  const isFirst = ({ method, url }: CloudRequest) => method === 'DELETE' && url.pathname.endsWith('/pr-1');
  const { content, registry, run } = await vendorCommand(row, (request) => (isFirst(request) ? reply : undefined));
  const kept = content.image('kept', 'v1', 'pr-1', 'pr-2');
  content.image('newest', 'v2');
  const applied = await run(apply);
  expect(applied.exitCode, applied.log).toBe(0);
  expect(applied.outputs).toMatchObject({ outcome: 'cleaned', 'blocked-steps': '1', 'untagged-tags': '1' });
  expect(registry.tags(row.repository)).toMatchObject({ v1: kept, 'pr-1': kept });
  expect(registry.tags(row.repository)).not.toHaveProperty('pr-2');
});

describe('limits of requests', () => {
  test.each([
    ['docker-hub', { status: 429, headers: { 'retry-after': '1' }, body: { message: 'Too many requests' } }],
    [
      'ghcr',
      {
        status: 403,
        headers: { 'retry-after': '1' },
        body: { message: 'You have exceeded a secondary rate limit.' },
      },
    ],
    ['ecr', { status: 400, body: { __type: 'ThrottlingException', message: 'Rate exceeded' } }],
    [
      'artifact-registry',
      { status: 429, headers: { 'retry-after': '1' }, body: { error: { code: 429, status: 'RESOURCE_EXHAUSTED' } } },
    ],
    ['acr', { status: 429, headers: { 'retry-after': '1' }, body: { errors: [{ code: 'TOOMANYREQUESTS' }] } }],
  ] as const)('%s: they are waited for, in lists and in deletions', { timeout: 60_000 }, async (id, reply) => {
    const row = rowOf(id);
    let limited = 0;
    const seen = new Set<string>();
    const { content, registry, run } = await vendorCommand(row, ({ method, url, headers }) => {
      const what = String(
        headers['x-amz-target'] ?? `${method} ${/tags|versions|dockerImages|_manifests/.exec(url.pathname)?.[0]}`,
      );
      // Each kind of request meets the limit once.
      if (seen.has(what) || /GetAuthorization|undefined|POST/.test(what)) return undefined;
      seen.add(what);
      limited += 1;
      return reply;
    });
    content.image('old', 'pr-1');
    content.image('kept', 'v1');
    const applied = await run(apply);
    expect(applied.outputs.outcome, applied.log).toBe('cleaned');
    expect(limited).toBeGreaterThanOrEqual(id === 'acr' ? 1 : 2);
    expect(Object.keys(registry.tags(row.repository))).toEqual(['v1']);
  });
});

describe('rights', () => {
  test.each([403, 404] as const)(
    'GHCR: without the role Admin (%i) the first refusal ends it, with the steps',
    async (status) => {
      const row = rowOf('ghcr');
      let deletions = 0;
      const { content, stored, run } = await vendorCommand(row, ({ method }) => {
        if (method !== 'DELETE') return undefined;
        deletions += 1;
        return {
          status,
          body: { message: status === 403 ? 'Must have admin rights to Repository.' : 'Package not found.' },
        };
      });
      for (const tag of ['pr-1', 'pr-2', 'pr-3', 'v1']) content.image(tag, tag);
      const before = stored();
      const applied = await run(apply);
      expect(applied.exitCode).toBe(1);
      expect(applied.outputs['deleted-manifests']).toBe('0');
      expect(applied.log).toMatch(/Admin/);
      expect(deletions).toBe(1);
      expect(stored()).toEqual(before);
    },
  );

  test('Docker Hub: a token that may only read is told from a tag that is gone', async () => {
    const row = rowOf('docker-hub');
    const { content, run } = await vendorCommand(row, ({ method }) =>
      method === 'DELETE' ? { status: 404, body: { message: 'tag not found' } } : undefined,
    );
    content.image('old', 'pr-1');
    content.image('kept', 'v1');
    const applied = await run(apply);
    expect(applied.exitCode).toBe(1);
    expect(applied.log).toContain('Read, Write & Delete');
  });
});

/** Registries that protect the parts of an index in their own words. */
describe.each([
  ['GitLab', 409, 'MANIFEST_REFERENCED', 'manifest referenced by a manifest list'],
  ['zot', 405, 'DENIED', 'requested access to the resource is denied'],
] as const)('%s', (_, status, code, message) => {
  test('what a new index lists is refused by the registry, and the rest is done', async () => {
    let onDelete: (() => void) | undefined;
    const decides = (_authorization: string, _needs: unknown, { method, url }: Received) => {
      if (method !== 'DELETE') return undefined;
      onDelete?.();
      const digest = url.pathname.split('/').at(-1) ?? '';
      const isPart = scene.stored().some(({ children }) => children.some((child) => child === digest));
      return isPart ? errorReply(status, code, message) : undefined;
    };
    const scene = await plainScene({ auth: { decides } });
    const { content, target, stored, registry } = scene;
    const own = content.image('own');
    const old = content.index([own, content.image('other')], 'pr-1');
    const kept = content.image('kept', 'v1', 'pr-2');
    onDelete = () => {
      onDelete = undefined;
      content.index([own, content.image('amd64')]);
    };
    const applied = await runCleanup({ images: target.image.name, ...apply });
    expect(applied.exitCode, applied.log).toBe(0);
    expect(applied.outputs).toMatchObject({ outcome: 'cleaned', 'blocked-steps': '1' });
    const left = stored().map(({ digest }) => digest);
    expect(left).toContain(own);
    expect(left).not.toContain(old);
    expect(registry.tags('team/app')).toEqual({ v1: kept });
  });
});
