import { describe, expect, test } from 'vitest';
import { startCloud } from '../../support/cloud.ts';
import { mirrorScene, rowsOf, runMirror, SOURCE_NAME } from '../../support/mirror/scene.ts';
import { startRegistry } from '../../support/registry.ts';
import { oidcDouble } from '../../support/vendors/oidc.ts';
import { ROWS, type Row } from '../registries/vendors.ts';

/** Vendors whose pushes do not create what is missing. */
const CREATED = ROWS.filter(({ id }) => ['ecr', 'ecr-public', 'harbor', 'artifact-registry'].includes(id));

/** A mirror from a plain registry to a vendor that does not have the repository yet. */
async function vendorScene(row: Row) {
  await using stack = new AsyncDisposableStack();
  const scene = stack.use(await mirrorScene({ targets: [] }));
  scene.image(['one'], {}, 'v1');
  scene.image(['two'], {}, 'v2');
  const running = await row.start();
  const registry = stack.use(
    await startRegistry({ auth: running.auth, origin: `https://${row.host}`, referrers: true }),
  );
  const oidc = oidcDouble();
  const cloud = stack.use(await startCloud({ ...running.hosts(registry), ...oidc.hosts }));
  const kept = stack.move();
  const config = [
    'version: 1',
    'mirrors:',
    `  - {from: ${scene.source.host}/${SOURCE_NAME}, to: ${row.host}/${row.repository}, tags: ["*"]}`,
  ].join('\n');
  return {
    registry,
    cloud,
    problems: () => running.checks.flatMap(({ problems }) => problems),
    run: (inputs: Readonly<Record<string, string>> = {}) =>
      runMirror({ config, ...row.inputs, ...inputs }, { env: { ...cloud.env, ...oidc.env, ...running.env } }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

describe.each(CREATED)('$id: a target repository that does not exist', (row) => {
  test('is created when asked for, once, and then mirrored to; the next run changes nothing', async () => {
    await using scene = await vendorScene(row);
    const run = await scene.run({ 'create-repository': 'true' });
    expect(run.exitCode, run.log).toBe(0);
    expect(run.outputs.outcome).toBe('mirrored');
    expect(run.log.match(/Created the repository/g)).toHaveLength(1);
    expect(Object.keys(scene.registry.tags(row.repository)).toSorted()).toEqual(['v1', 'v2']);
    const before = scene.cloud.requests.length;
    const again = await scene.run({ 'create-repository': 'true' });
    expect(again.outputs.outcome, again.log).toBe('unchanged');
    const more = scene.cloud.requests
      .slice(before)
      .map(({ headers, body }) => `${String(headers['x-amz-target'])} ${body}`);
    expect(more.filter((each) => /CreateRepository/.test(each))).toEqual([]);
    expect(scene.problems()).toEqual([]);
  });

  test('a plan creates nothing', async () => {
    await using scene = await vendorScene(row);
    const run = await scene.run({ 'create-repository': 'true', 'dry-run': 'true' });
    expect(run.exitCode, run.log).toBe(0);
    expect(rowsOf(run)).toEqual(['v1 copy', 'v2 copy']);
    expect(scene.registry.tags(row.repository)).toEqual({});
    const sent = scene.cloud.requests.map(({ method, url, headers, body }) =>
      [method, url.pathname, String(headers['x-amz-target']), body].join(' '),
    );
    expect(sent.filter((each) => /CreateRepository|^POST \/(?:api\/v2\.0\/projects|v1\/projects)/.test(each))).toEqual(
      [],
    );
  });
});

test.each(CREATED.filter(({ id }) => id !== 'ecr-public'))(
  '$id: the plan says what the vendor does by itself',
  async (row) => {
    await using scene = await vendorScene(row);
    const run = await scene.run({ 'create-repository': 'true', 'dry-run': 'true' });
    const { sources } = JSON.parse(run.outputs.json ?? '{}');
    if (row.id === 'ecr') expect(sources[0].hints).toEqual([]);
    else {
      expect(sources[0].hints).toHaveLength(1);
      expect(run.summary).toContain(String(sources[0].hints[0]).slice(0, 40));
    }
  },
);
