import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startRegistry } from '../support/registry.ts';
import { pullRequestEvent } from '../support/repository.ts';
import { createSetting, GOOD, VULNERABLE } from './setting.ts';

const CANARY = 'canary-7f3a9c1e5b';

/** Every file below a folder, with its bytes as text. */
async function filesBelow(folder: string): Promise<readonly (readonly [string, string])[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path, await readFile(path, 'latin1')] as const;
      }),
  );
}

describe('P8: no secret leaks', () => {
  test.each([
    ['basic', { basic: { username: 'me', password: CANARY } }],
    ['bearer', { bearer: { username: 'me', password: CANARY } }],
  ] as const)(
    'a password (%s) is in no log line, output, summary or file, also when the run fails',
    async (_kind, auth) => {
      for (const spec of [GOOD, VULNERABLE]) {
        await using setting = await createSetting();
        await using registry = await startRegistry({ auth });
        await setting.image(spec);
        const secrets = { password: CANARY, 'github-token': `${CANARY}-token` };
        const run = await setting.publish(
          { images: `${registry.host}/org/app`, registry: registry.host, username: 'me', ...secrets },
          { env: { ACTIONS_STEP_DEBUG: 'true', RUNNER_DEBUG: '1' } },
        );
        expect(run.outputs.outcome).toBe(spec === GOOD ? 'published' : 'findings');
        // The runner takes the value out of the log because of these very lines.
        expect(run.masks).toContain(CANARY);
        const encoded = Buffer.from(`me:${CANARY}`).toString('base64');
        const said = run.log.split('\n').filter((line) => !line.startsWith('::add-mask::'));
        for (const secret of [CANARY, encoded]) {
          expect(said.filter((line) => line.includes(secret))).toEqual([]);
          expect(Object.values(run.commandFiles).join('\n')).not.toContain(secret);
          expect(run.summary).not.toContain(secret);
          expect((await filesBelow(setting.repository.directory)).filter(([, text]) => text.includes(secret))).toEqual(
            [],
          );
        }
        await run.post();
        for (const [path, text] of await filesBelow(run.runnerTemp))
          expect([path, text.includes(CANARY)]).toEqual([path, false]);
      }
    },
  );

  test('the post step removes the directory of the run', async () => {
    await using setting = await createSetting();
    await setting.image();
    const run = await setting.publish({ push: 'false' });
    expect(existsSync(run.state.temp ?? '')).toBe(true);
    expect((await run.post()).exitCode).toBe(0);
    expect(existsSync(run.state.temp ?? '')).toBe(false);
  });
});

describe('P6: plan before apply', () => {
  test('`dry-run` shows what would be written and writes nothing', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    await setting.image();
    const run = await setting.publish({ images: `${registry.host}/org/app`, 'dry-run': 'true' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'planned' } });
    expect(run.log).toMatch(/create +127\.0\.0\.1:\d+\/org\/app:main/);
    expect(run.summary).toMatch(/to&nbsp;create/);
    expect(registry.writes()).toEqual([]);
  });

  test('`dry-run` with `push: false` needs no Docker, registry, scanner or network, and names everything', async () => {
    await using setting = await createSetting();
    const event = await setting.tag('v1.2.3');
    const run = await setting.publish(
      {
        source: '',
        images: 'ghcr.io/Org/App\nregistry.example:5000/app',
        'dry-run': 'true',
        push: 'false',
        'github-token': 'x',
      },
      { event, env: { PATH: '/usr/bin:/bin', GITHUB_API_URL: 'http://127.0.0.1:1' } },
    );
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'planned', version: '1.2.3' } });
    const tags = ['1.2.3', '1.2', '1', `sha-${event.sha.slice(0, 7)}`, 'latest'];
    expect(run.outputs.tags?.split('\n')).toEqual(
      ['ghcr.io/org/app', 'registry.example:5000/app'].flatMap((image) => tags.map((tag) => `${image}:${tag}`)),
    );
    expect(run.outputs.labels).toContain(`org.opencontainers.image.revision=${event.sha}`);
    expect(run.outputs.labels).toContain('org.opencontainers.image.created=2026-01-02T03:00:00.000Z');
    const json = JSON.parse(run.outputs.json ?? '');
    expect(json).toMatchObject({ schemaVersion: 1, outcome: 'planned', 'tag-names': tags, version: '1.2.3' });
  });
});

describe('what a job sees', () => {
  test('a pull request gives pr-<n> and nothing else', async () => {
    await using setting = await createSetting();
    await setting.image();
    const event = await pullRequestEvent(setting.repository, 15);
    const run = await setting.publish({ images: 'ghcr.io/org/app', push: 'false' }, { event });
    expect(run.outputs).toMatchObject({ outcome: 'built', tags: 'ghcr.io/org/app:pr-15' });
  });

  test('all problems with the inputs come at once, with a hint for the slip of the pen', async () => {
    await using setting = await createSetting();
    const run = await setting.publish({
      source: '',
      images: 'ghcr.io/org/app',
      platfroms: 'linux/amd64',
      severity: 'HIHG',
      'dry-run': 'yes',
    });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(run.log).toMatch(/`platfroms`.*Did you mean `platforms`/);
    expect(run.log).toMatch(/`severity`.*HIHG/);
    expect(run.log).toMatch(/`dry-run`.*yes/);
  });

  test('no tag for the event: the run fails before anything else and says which event', async () => {
    await using setting = await createSetting();
    await setting.image();
    const run = await setting.publish({ images: 'ghcr.io/org/app', tags: 'type=semver,pattern={{version}}' });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(run.log).toMatch(/No rule of `tags` fits the event push of refs\/heads\/main/);
  });

  test('SARIF has one run for each platform, written also when the gate is closed', async () => {
    await using setting = await createSetting();
    await setting.image(VULNERABLE);
    const run = await setting.publish({ push: 'false', images: 'ghcr.io/org/app', 'sarif-file': 'out/trivy.sarif' });
    expect(run.outputs).toMatchObject({ outcome: 'findings', 'sarif-file': 'out/trivy.sarif' });
    const sarif = JSON.parse(await readFile(join(setting.repository.directory, 'out/trivy.sarif'), 'utf8'));
    expect(sarif.runs.map((each: { automationDetails: { id: string } }) => each.automationDetails.id)).toEqual([
      'registry-action/ghcr.io/org/app/linux-amd64/',
      'registry-action/ghcr.io/org/app/linux-arm64/',
    ]);
  });
});

describe('registry faults: right result, or a clear failure and no tag moved wrongly', () => {
  const busy = (headers: Record<string, string> = {}) => ({
    status: 429,
    headers,
    body: { errors: [{ code: 'TOOMANYREQUESTS', message: 'slow down' }] },
  });
  test.each([
    ['429 with Retry-After', { match: { method: 'POST' }, action: busy({ 'retry-after': '1' }) }],
    ['429 without', { match: { method: 'POST' }, action: busy() }],
    ['503 once', { match: { method: 'PUT', path: /manifests\/main/ }, action: { status: 503 } }],
    [
      'a reset in the middle of a body',
      { match: { method: 'PUT', path: /blobs\/uploads/ }, action: { reset: 'mid-body' as const } },
    ],
    ['a reset before an answer', { match: { method: 'HEAD', nth: 2 }, action: { reset: 'before' as const } }],
  ])('%s: waited out', async (_what, fault) => {
    await using setting = await createSetting();
    await using registry = await startRegistry({ faults: [fault] });
    const image = await setting.image();
    const run = await setting.publish({ images: `${registry.host}/org/app` });
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
    expect(registry.tags('org/app').main).toBe(image.digest);
  });

  test('tokens that run out between POST and PUT are replaced', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry({
      auth: { bearer: { username: 'me', password: 'secret' } },
      faults: [{ match: { method: 'PUT', path: /blobs\/uploads/ }, action: { expireTokens: true } }],
    });
    const image = await setting.image();
    const run = await setting.publish({
      images: `${registry.host}/org/app`,
      registry: registry.host,
      username: 'me',
      password: 'secret',
    });
    expect(run.exitCode).toBe(0);
    expect(registry.tags('org/app').main).toBe(image.digest);
  });

  test.each([
    [
      'a wrong digest for the manifest',
      { match: { method: 'PUT', path: /manifests\/sha256/ }, action: { wrongDigest: true as const } },
      /returned another digest/,
    ],
    [
      'a limit that outlasts the job',
      { match: { method: 'POST' }, action: busy({ 'retry-after': '3600' }) },
      /requests no retries before/,
    ],
    [
      'a redirect to the inside of a network',
      { match: { method: 'POST' }, action: { redirect: 'http://169.254.169.254/latest/meta-data', status: 307 } },
      /Refusing plain HTTP to 169\.254\.169\.254/,
    ],
    [
      'no right to push',
      { match: { method: 'POST' }, action: { status: 403, body: { errors: [{ code: 'DENIED', message: 'no' }] } } },
      /Missing permission at the registry/,
    ],
  ])('%s: a clear failure, no tag', async (_what, fault, said) => {
    await using setting = await createSetting();
    await using registry = await startRegistry({ faults: [fault] });
    await setting.image();
    const run = await setting.publish({ images: `${registry.host}/org/app` });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
    expect(run.log).toMatch(said);
    expect(run.log).toMatch(/What to do \([A-Z_]+\):/);
    expect(registry.tags('org/app')).toEqual({});
  });

  test('wrong credentials are told before anything is scanned', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry({ auth: { basic: { username: 'me', password: 'right' } } });
    await setting.image();
    const run = await setting.publish({
      images: `${registry.host}/org/app`,
      registry: registry.host,
      username: 'me',
      password: 'wrong',
    });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
    expect(run.log).toMatch(/rejected the credentials/);
    expect(run.log).not.toMatch(/Trivy 0\./);
  });
});

test('names that are all switched off are no success: there is nothing to push to', async () => {
  await using setting = await createSetting();
  await setting.image();
  const images = 'name=ghcr.io/org/app,enable=false';
  const run = await setting.publish({ images });
  expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
  expect(run.log).toMatch(/every line has `enable=false`/);
  const kept = await setting.publish({ images, push: 'false' });
  expect(kept).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
});

test('what is wrong with names, rules and flavor is said at once', async () => {
  await using setting = await createSetting();
  const run = await setting.publish({ images: 'ghcr.io/org/app:1', tags: 'type=semver', flavor: 'latest=maybe' });
  expect(run.outputs.outcome).toBe('invalid-input');
  expect(run.annotations).toHaveLength(1);
  expect(run.log).toMatch(/`images`, line 1.*`tags`, line 1.*`flavor`, line 1/);
});
