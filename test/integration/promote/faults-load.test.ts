import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { refusedWrites } from '../../support/recorded-answers.ts';
import { type FaultAction, startRegistry } from '../../support/registry.ts';
import { createScene, expectError, expectPromoted, PROD, recordsAt, tagWrites } from './scene.ts';

const PUT_TAG = { method: 'PUT', path: /manifests\/production$/ };

function refusal(status: number, code: string, message: string): FaultAction {
  return { status, body: { errors: [{ code, message }] } };
}

describe('too many requests', () => {
  const wait = (after: string | undefined) => ({
    ...refusal(429, 'TOOMANYREQUESTS', 'slow down'),
    headers: after === undefined ? {} : { 'retry-after': after },
  });

  test.each([
    ['in seconds', () => '2', 2000],
    ['as a date', () => new Date(Date.now() + 4000).toUTCString(), 0],
    ['0', () => '0', 0],
    ['negative', () => '-5', 0],
    ['without a time', () => undefined, 0],
  ])('case 59: 429, %s: the tag is written after the wait', async (_, after, least) => {
    await using scene = await createScene();
    const { digest } = scene.source.image(['1'], {}, 'v1').descriptor;
    const header = after();
    scene.registry.addFault({ match: PUT_TAG, action: wait(header) });
    expectPromoted(await scene.promote());
    expect(scene.held()).toBe(digest);
    const [first, second, ...more] = scene.registry.writes().filter(({ path }) => PUT_TAG.path.test(path));
    expect(more).toEqual([]);
    const waited = (second?.time ?? 0) - (first?.time ?? 0);
    expect(waited).toBeGreaterThanOrEqual(Math.max(200, least));
    expect(waited).toBeLessThan(8000);
    // The date was set before the process started, which may take seconds of it on a busy machine.
    if (/GMT/.test(header ?? '')) expect(second?.time ?? 0).toBeGreaterThanOrEqual(Date.parse(header ?? ''));
  });

  test('case 59: an hour is too long: it fails at once, and tells until when', async () => {
    await using scene = await createScene();
    scene.source.image(['1'], {}, 'v1');
    scene.registry.addFault({ match: { ...PUT_TAG, nth: 'all' }, action: wait('3600') });
    const begun = Date.now();
    const message = expectError(await scene.promote(), 'registry-failed', 'TOO_MANY_REQUESTS');
    const [until = ''] = /\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(message) ?? [];
    expect(Math.abs(Date.parse(until) - begun - 3_600_000)).toBeLessThan(30_000);
    expect(tagWrites(scene.registry)).toEqual(['production']);
    expect(recordsAt(scene.registry)).toBe(0);
  });

  test('case 60: a 503 of each kind of request', async () => {
    await using scene = await createScene();
    const { root } = scene.source.usual();
    for (const [method, path] of [
      ['GET', /manifests\/v1$/],
      ['HEAD', /manifests\/production$/],
      ['GET', /referrers/],
      ['POST', /uploads/],
      ['PUT', /manifests\/sha256:/],
      ['PUT', /manifests\/production$/],
    ] as const) {
      scene.registry.addFault({ match: { method, path }, action: { status: 503 } });
    }
    expectPromoted(await scene.promote());
    expect(scene.held()).toBe(root.descriptor.digest);
    expect(recordsAt(scene.registry)).toBe(1);
    expect(scene.registry.openUploads()).toBe(0);
  });

  test('case 61: the pull limit of Docker Hub is told as what it is, without tries in vain', async () => {
    await using scene = await createScene();
    scene.source.image(['1'], {}, 'v1');
    const words = 'You have reached your pull rate limit. You may increase the limit by authenticating and upgrading';
    scene.registry.addFault({
      match: { method: 'GET', path: /manifests\/v1$/ },
      action: refusal(429, 'TOOMANYREQUESTS', words),
    });
    expect(expectError(await scene.promote(), 'registry-failed', 'PULL_LIMIT')).toContain('pull rate limit');
    expect(scene.registry.requests()).toBe(1);
  });
});

describe('what the target does not take', () => {
  const QUOTA = refusedWrites('QUOTA_EXCEEDED').map((each) => [`${each.status} ${each.from}`, each] as const);

  test.each(QUOTA)('case 62: a full quota (%s): the tag stays', async (_, { status, body }) => {
    await using scene = await createScene();
    scene.source.usual();
    scene.registry.addFault({
      match: { method: 'PUT', path: /manifests\/sha256:/, nth: 'all' },
      action: { status, body },
    });
    expectError(await scene.promote(), 'registry-failed', 'QUOTA_EXCEEDED');
    expect(scene.registry.tags(PROD)).toEqual({});
  });

  test('case 64: a repository that is not there: what to do is told', async () => {
    await using scene = await createScene();
    scene.source.usual();
    scene.registry.addFault({
      match: { method: 'POST', path: /prod\/app\/blobs\/uploads/, nth: 'all' },
      action: refusal(404, 'NAME_UNKNOWN', 'repository name not known to registry'),
    });
    const run = await scene.promote();
    expect(expectError(run, 'registry-failed', 'REPOSITORY_UNKNOWN')).toContain(PROD);
    expect(run.annotations.find(({ level }) => level === 'error')?.message).toContain(
      '`create-repository` can create it',
    );
    expect(scene.registry.tags(PROD)).toEqual({});
  });

  test('case 65: a host that has no address', async () => {
    await using scene = await createScene();
    const { digest } = scene.source.image(['1'], {}, 'v1').descriptor;
    const run = await scene.promote('v1', { to: 'registry.invalid/prod/app' });
    expect(expectError(run, 'registry-failed', 'REGISTRY_UNREACHABLE')).toContain('registry.invalid');
    // What was to be promoted is known by then.
    expect(run.outputs.digest).toBe(digest);
    expect(run.summary).toContain(`${digest}</code> from <code>${scene.registry.host}/dev/app:v1</code>`);
    expect(scene.registry.writes()).toEqual([]);
  });

  test('case 65: a certificate of an authority of its own: with `registry-ca`, and not without', async () => {
    await using scene = await createScene();
    const folder = scene.job.repository.directory;
    const file = (name: string) => join(folder, '.git', name);
    const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=test'];
    const output = ['-keyout', file('key.pem'), '-out', file('cert.pem')];
    await promisify(execFile)('openssl', [
      'req',
      '-x509',
      ...fresh,
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      ...output,
    ]);
    const tls = { key: await readFile(file('key.pem'), 'utf8'), cert: await readFile(file('cert.pem'), 'utf8') };
    await using target = await startRegistry({ referrers: true, tls });
    const { digest } = scene.source.image(['1'], {}, 'v1').descriptor;
    const to = `${target.host}/${PROD}`;
    expectError(await scene.promote('v1', { to }), 'registry-failed', 'TLS_UNTRUSTED');
    expect(target.log).toEqual([]);
    expectPromoted(await scene.promote('v1', { to, 'registry-ca': '.git/cert.pem' }));
    expect(target.tags(PROD).production).toBe(digest);
  });

  test('case 66: a cancelled copy: the tag stays, and so do no uploads', async () => {
    await using scene = await createScene({}, {});
    const { target } = scene;
    scene.source.image(['1'.repeat(1000)], {}, 'v1');
    target.addFault({ match: { method: 'PUT', path: /uploads/, nth: 'all' }, action: { hang: 'before' } });
    const run = await scene.promote(
      'v1',
      {},
      {
        onSpawn: (child) => {
          const timer = setInterval(() => {
            if (!target.log.some(({ method, path }) => method === 'PUT' && path.includes('uploads'))) return;
            clearInterval(timer);
            child.kill('SIGTERM');
          }, 20);
          child.once('exit', () => clearInterval(timer));
        },
      },
    );
    expectError(run, 'cancelled', 'CANCELLED');
    expect(target.tags(PROD)).toEqual({});
    expect(target.digests(PROD)).toEqual([]);
    expect(target.openUploads()).toBe(0);
  });
});

describe('case 68: what the log shows', () => {
  test('a warning of the registry once, however often it comes', async () => {
    await using scene = await createScene();
    scene.source.usual();
    const headers = { warning: '299 - "this registry closes in May"' };
    scene.registry.addFault({ match: { path: /manifests/, nth: 'all' }, action: { headers } });
    const run = await scene.promote();
    expectPromoted(run);
    expect(run.annotations.filter(({ message }) => message.includes('closes in May'))).toHaveLength(1);
  });

  test('no token, no password, and no signature of a storage address', async () => {
    await using storage = await startRegistry();
    const bearer = { username: 'me', password: 'canary-password' };
    await using scene = await createScene({ auth: { bearer } }, {});
    const { registry } = scene;
    scene.source.image(['1'], {}, 'v1');
    const signed = `http://${storage.host}/bucket/blob?X-Amz-Signature=canary-signature&X-Amz-Credential=canary-key`;
    registry.addFault({
      match: { method: 'GET', path: /\/blobs\//, nth: 'all' },
      action: { status: 307, redirect: signed },
    });
    storage.addFault({
      match: { nth: 'all' },
      // Storage likes to quote the address that it was asked for.
      action: { status: 403, body: `<Error><Code>AccessDenied</Code><Resource>${signed}</Resource></Error>` },
    });
    const run = await scene.promote('v1', {
      'registry-auth': `- registry: ${registry.host}\n  username: me\n  password: canary-password`,
    });
    expect(expectError(run, 'registry-failed', 'DENIED')).toContain('AccessDenied');
    expect(storage.log.length).toBeGreaterThan(0);
    expect(storage.log.filter(({ authorization }) => authorization)).toEqual([]);
    const shown = `${run.log.replace(/^::add-mask::.*$/gm, '')}${run.summary}${run.commandFiles.output}`;
    expect(shown).not.toMatch(/canary/);
    expect(registry.tokenRequests()).toBeGreaterThan(0);
    expect(shown).not.toMatch(/token-[\w-]{20}/);
  });
});
