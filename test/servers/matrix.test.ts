import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ActionRun } from '../support/action.ts';
import { askPlainly } from '../support/plain-client.ts';
import type { Exchange } from './front.ts';
import { secret } from './loopback.ts';
import { createScene, errorCodes, errorText, type Scene, warnings } from './scene.ts';
import { type Server, serversOf } from './server.ts';

const servers = serversOf(process.env);
/** Images come to each server from this one too. */
const [first] = servers;

/** How a missing right to push is reported, by the first word of the server's name. */
const REFUSALS: Readonly<Record<string, { readonly code: string; readonly says: RegExp }>> = {
  distribution: { code: 'SCOPE_TOO_NARROW', says: /push/ },
  Gitea: { code: 'DENIED', says: /reqPackageAccess/ },
  Pulp: { code: 'SCOPE_TOO_NARROW', says: /push/ },
};

/** Requests per server and step: answered, all, for tokens. */
const table = new Map<string, Map<string, string>>();

const answered = (scene: Scene) => scene.front.requests().filter(({ status }) => status !== 401);
const writes = (exchanges: readonly Exchange[]) =>
  exchanges.filter(({ method, path }) => method !== 'GET' && method !== 'HEAD' && !/\/blobs\/uploads\//.test(path));
const blobWrites = (exchanges: readonly Exchange[]) =>
  exchanges.filter(({ method, path }) => /^(PUT|PATCH)$/.test(method) && path.includes('/blobs/uploads/'));
const shown = (scene: Scene) =>
  scene.front
    .requests()
    .map(({ method, path, query, status }) => `${method} ${path}${query} ${status}`)
    .join('\n');

function count(scene: Scene, step: string): void {
  const row = table.get(scene.server.name) ?? new Map<string, string>();
  row.set(step, `${answered(scene).length} (${scene.front.requests().length}+${scene.front.tokenRequests()})`);
  table.set(scene.server.name, row);
}

function expectOutcome(run: ActionRun, outcome: string): void {
  expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome } });
}

afterAll(() => {
  const steps = [...new Set([...table.values()].flatMap((row) => [...row.keys()]))];
  const lines = [...table].map(
    ([name, row]) => `| ${[name, ...steps.map((step) => row.get(step) ?? '–')].join(' | ')} |`,
  );
  console.log('Requests with a token in hand (all of the registry API + for tokens):');
  console.log([`| server | ${steps.join(' | ')} |`, `|${'---|'.repeat(steps.length + 1)}`, ...lines].join('\n'));
});

describe.each(servers)('$name', (server: Server) => {
  let scene: Scene;
  let repository: string;
  let app: string;
  beforeAll(async () => {
    scene = await createScene(server);
    // Of its own for each run, so that a server that was left running can be used again.
    repository = `team/app-${secret().slice(0, 8)}`;
    app = `${scene.front.host}/${repository}`;
    await scene.nextImage();
  });
  afterAll(() => scene.close());

  const { owner, reader } = server;
  const refusal = REFUSALS[server.name.replace(/ .*/, '')] ?? { code: '', says: /never/ };
  const unchanged = async (step: string, again: () => Promise<ActionRun>) => {
    scene.front.mark();
    expectOutcome(await again(), 'unchanged');
    count(scene, step);
    expect(writes(scene.front.requests())).toEqual([]);
    expect(answered(scene).length, shown(scene)).toBeLessThanOrEqual(6);
  };

  test.runIf(owner)('login: right credentials are saved, a wrong password is UNAUTHORIZED', async () => {
    const right = await scene.run({ command: 'login', 'registry-auth': scene.auth() });
    expectOutcome(right, 'logged-in');
    expect(right.log).toContain(`Logged in to ${scene.front.host}`);
    if (owner === undefined) return;
    const wrong = await scene.run({ command: 'login', 'registry-auth': scene.auth({ ...owner, password: 'wrong' }) });
    expect(errorCodes(wrong), wrong.log).toEqual(['UNAUTHORIZED']);
  });

  test('publish: a new image is pushed, and a repetition writes nothing', async () => {
    scene.front.mark();
    const run = await scene.publish({ images: app });
    expectOutcome(run, 'published');
    count(scene, 'publish');
    expect(warnings(run)).toEqual([]);
    scene.front.mark();
    const again = await scene.publish({ images: app });
    expectOutcome(again, 'unchanged');
    count(scene, 'publish again');
    expect(again.outputs.digest).toBe(run.outputs.digest);
    expect(writes(scene.front.requests()), shown(scene)).toEqual([]);
    expect(blobWrites(scene.front.requests())).toEqual([]);
  });

  test.runIf(owner)('publish: a wrong password is UNAUTHORIZED, before a byte is sent', async () => {
    if (owner === undefined) return;
    scene.front.mark();
    const run = await scene.publish({ images: app, 'registry-auth': scene.auth({ ...owner, password: 'wrong' }) });
    expect(errorCodes(run), run.log).toEqual(['UNAUTHORIZED']);
    expect(blobWrites(scene.front.requests())).toEqual([]);
  });

  test.runIf(reader)('publish: a missing right to push is found before anything is scanned or sent', async () => {
    const loggedIn = await scene.run({ command: 'login', 'registry-auth': scene.auth(reader) });
    expectOutcome(loggedIn, 'logged-in');
    await scene.nextImage();
    scene.front.mark();
    // No scanner can be had here: a run that came to the scan would fail with another code.
    const gate = { scan: 'gate', 'trivy-version': '0.0.1', 'registry-auth': scene.auth(reader) };
    const run = await scene.publish({ images: app, ...gate });
    expect(errorCodes(run), run.log).toEqual([refusal.code]);
    expect(errorText(run)).toMatch(refusal.says);
    expect(blobWrites(scene.front.requests()), shown(scene)).toEqual([]);
    count(scene, 'right missing');
  });

  test('publish: a repository that does not exist is created by the push, an owner that does not exist is an error', async () => {
    const images = `${scene.front.host}/no-such-owner/${repository.split('/')[1]}`;
    const run = await scene.publish({ images });
    if (/^Gitea/.test(server.name)) {
      expect(errorCodes(run), run.log).toEqual(['REPOSITORY_UNKNOWN']);
      expect(errorText(run)).toContain('must exist');
    } else expectOutcome(run, 'published');
  });

  test('report: finds the repositories that a pattern names', async () => {
    expect((await scene.publish({ images: app })).exitCode).toBe(0);
    const images = `${scene.front.host}/team/*\n!${scene.front.host}/team/other*`;
    const run = await scene.run({ command: 'report', images, scans: 'none', 'registry-auth': scene.auth() });
    expect(run.exitCode, run.log).toBe(0);
    expect(run.summary).toContain(app);
    expect(run.log).toMatch(/repositories listed/);
  });

  test.runIf(reader && /^distribution/.test(server.name))(
    'report: the right to list is another one than that to read',
    async () => {
      const report = { command: 'report', scans: 'none', 'registry-auth': scene.auth(reader) };
      const named = await scene.run({ ...report, images: app });
      expect(named.exitCode, named.log).toBe(0);
      const listed = await scene.run({ ...report, images: `${scene.front.host}/*` });
      expect(listed.exitCode, listed.log).toBe(1);
      expect(errorText(listed)).toMatch(
        /cannot be listed[\s\S]*registry:catalog:\*[\s\S]*name the repositories in `images`/,
      );
    },
  );

  test('promote: a tag in one repository moves in 3 requests without a record, and with one', async () => {
    const at = { images: app, environment: 'production', from: 'main' };
    scene.front.mark();
    expectOutcome(await scene.promote({ ...at, environment: 'bare', record: 'false' }), 'promoted');
    count(scene, 'tag without record');
    expect(answered(scene).length, shown(scene)).toBeLessThanOrEqual(3);
    expect(scene.front.requests().length + scene.front.tokenRequests(), shown(scene)).toBeLessThanOrEqual(5);
    scene.front.mark();
    expectOutcome(await scene.promote(at), 'promoted');
    count(scene, 'tag with record');
    await unchanged('tag again', () => scene.promote(at));
  });

  test('promote: the record is listed by a fallback tag exactly where the server has no referrers API', async () => {
    const ask = (path: string) => askPlainly(scene.front.host, 'GET', `/v2/${repository}/${path}`, { login: owner });
    const { digest } = (await scene.promote({ images: app, environment: 'production', from: 'main' })).outputs;
    const api = await ask(`referrers/${digest}`);
    const tags: { readonly tags: readonly string[] } = JSON.parse((await ask('tags/list?n=100')).body);
    const fallback = (digest ?? '').replace(':', '-');
    expect([200, 404]).toContain(api.status);
    expect(tags.tags.includes(fallback), tags.tags.join(' ')).toBe(api.status === 404);
  });

  test('promote: to another repository, and again', async () => {
    const at = { from: `${app}:main`, to: `${app}-released`, environment: 'production' };
    scene.front.mark();
    expectOutcome(await scene.promote(at), 'promoted');
    count(scene, 'other repository');
    await unchanged('other repository again', () => scene.promote(at));
  });

  test.runIf(server !== first)('promote: from another server, and again', async () => {
    if (first === undefined) return;
    const other = await createScene(first);
    try {
      await other.nextImage();
      const published = await other.publish({ images: `${other.front.host}/${repository}` });
      expect(published.exitCode, published.log).toBe(0);
      const at = {
        from: `${other.front.host}/${repository}:main`,
        to: `${app}-imported`,
        environment: 'production',
        'registry-auth': other.auth() + scene.auth(),
      };
      scene.front.mark();
      const run = await scene.promote(at);
      expectOutcome(run, 'promoted');
      expect(run.outputs.digest).toBe(published.outputs.digest);
      count(scene, 'from another server');
      await unchanged('from another server again', () => scene.promote(at));
    } finally {
      await other.close();
    }
  });

  test('promote: a rollback returns to the image before', async () => {
    const at = { images: app, environment: 'production' };
    const before = (await scene.publish({ images: app })).outputs.digest;
    await scene.promote({ ...at, from: 'main' });
    await scene.nextImage();
    expectOutcome(await scene.publish({ images: app }), 'published');
    expectOutcome(await scene.promote({ ...at, from: 'main' }), 'promoted');
    scene.front.mark();
    const run = await scene.promote({ ...at, rollback: 'true' });
    expectOutcome(run, 'rolled-back');
    count(scene, 'rollback');
    expect(run.outputs.digest).toBe(before);
  });
});
