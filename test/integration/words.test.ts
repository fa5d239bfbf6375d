import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildingDocker } from '../support/building-docker.ts';
import { fakeDocker } from '../support/fake-docker.ts';
import { startRegistry } from '../support/registry.ts';
import { createSetting, VULNERABLE } from './setting.ts';

const errors = (run: { readonly outputs: Readonly<Record<string, string>> }) =>
  JSON.parse(run.outputs.json ?? '{}').errors.map(({ code, message }: { code: string; message: string }) => [
    code,
    message,
  ]);

/** A folder that goes with the test. */
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'words-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe('the summary of a publish', () => {
  test('names the image in its heading, and has the command that pulls exactly it', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    await setting.image();
    const image = `${registry.host}/org/app`;
    const { summary, outputs } = await setting.publish({ images: image });
    expect(summary).toMatch(/^## ✅ Published org\/app:main \([0-9a-f]{12}\)/);
    expect(summary).toContain(`\`\`\`sh\ndocker pull ${image}@${outputs.digest}\n\`\`\``);
    expect(summary.indexOf('docker pull')).toBeLessThan(summary.indexOf('mermaid'));
  });

  test('of an unreachable registry shows the pre-flight as what failed, and neither a build nor a push', async () => {
    await using setting = await createSetting();
    await setting.image();
    const { summary, outputs } = await setting.publish({ images: '127.0.0.1:9/org/app' });
    expect(outputs.outcome).toBe('registry-failed');
    expect(summary).toContain('["✗ pre-flight"]:::failed');
    expect(summary).toContain('Nothing was published.');
    for (const step of ['build', 'gate', 'push', 'tags']) {
      expect(summary).not.toMatch(new RegExp(`"[✓✗] ${step}`));
    }
  });

  test('of a first run with findings says how to start', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    await setting.image(VULNERABLE);
    const { summary, outputs } = await setting.publish({ images: `${registry.host}/org/app` });
    expect(outputs.outcome).toBe('findings');
    for (const way of ['scan: report', 'baseline', 'ignorefile']) expect(summary).toContain(way);
    expect(summary).toMatch(/- id: CVE-\d+-\d+/);
  });
});

describe('inputs', () => {
  test('an annotation of the index is filled in as any other', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const directory = await folder();
    const docker = await buildingDocker(directory);
    await setting.repository.commit('the app', { Dockerfile: 'FROM scratch\n' });
    const run = await setting.publish(
      { source: '', images: `${registry.host}/org/app`, scan: 'off', annotations: 'index:w={{sha}}' },
      { env: { PATH: `${docker.directory}:/usr/bin:/bin` } },
    );
    expect(run.exitCode, run.log).toBe(0);
    const index = JSON.parse(registry.manifest('org/app', 'main')?.bytes.toString() ?? '{}');
    expect(index.annotations.w).toBe((await setting.repository.head()).slice(0, 7));
  });

  test('a build cache that cannot be written is its own error, which names `ignore-error=true`', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    await setting.repository.commit('the app', { Dockerfile: 'FROM scratch\n' });
    const { path } = await fakeDocker(await folder(), {
      'buildx-build': [
        "echo '#9 exporting cache to registry' >&2",
        "echo '#9 ERROR: failed to solve: error writing manifest blob: failed to copy: denied: requested access to the resource is denied' >&2",
        "echo 'ERROR: failed to build: failed to solve: failed to configure registry cache exporter: error writing manifest blob: denied' >&2",
        'exit 1',
      ].join('\n'),
    });
    const run = await setting.publish(
      { source: '', images: `${registry.host}/org/app`, 'cache-to': 'type=registry,ref=ghcr.io/org/cache:main' },
      { env: { PATH: `${path}:${process.env.TEST_TRIVY_DIR}` } },
    );
    expect(errors(run)).toMatchObject([['CACHE_FAILED', expect.stringContaining('denied')]]);
    expect(run.summary).toContain('ignore-error=true');
  });

  test('a role without an image at AWS is not ignored', async () => {
    await using setting = await createSetting();
    await setting.image();
    const role = 'arn:aws:iam::123456789012:role/publish';
    const run = await setting.publish({
      images: 'ghcr.io/org/app',
      'role-to-assume': role,
      'dry-run': 'true',
      push: 'false',
    });
    expect(run.annotations.map(({ message }) => message).join('\n')).toMatch(/`role-to-assume`/);
  });

  test('a Dockerfile that was not checked out', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    const { path } = await fakeDocker(await folder());
    const run = await setting.publish(
      { source: '', images: `${registry.host}/org/app` },
      { workspace: await folder(), env: { PATH: `${path}:${process.env.TEST_TRIVY_DIR}` } },
    );
    expect(errors(run)).toMatchObject([['INPUT_INVALID', expect.stringContaining('Dockerfile')]]);
    expect(run.summary).toContain('actions/checkout');
  });
});

describe('an error that is not of the registry', () => {
  test('a firewall that answers with a web page is named as such, and not as a missing right alone', async () => {
    await using setting = await createSetting();
    const page = '<!DOCTYPE html><html><title>Attention Required! | Cloudflare</title></html>';
    const action = { status: 403, body: page, headers: { 'content-type': 'text/html' } };
    await using registry = await startRegistry({ faults: [{ match: { method: 'POST', nth: 'all' }, action }] });
    await setting.image();
    const run = await setting.publish({ images: `${registry.host}/org/app`, scan: 'off', 'db-repository': '' });
    expect(errors(run)).toMatchObject([['DENIED', expect.stringContaining('Attention Required!')]]);
    expect(run.summary).toContain('what is between the runner and');
  });

  test('a token service that cannot be reached is named, and the registry that names it', async () => {
    await using setting = await createSetting();
    const challenge = 'Bearer realm="http://127.0.0.1:9/token",service="x"';
    const action = { status: 401, headers: { 'www-authenticate': challenge } };
    await using registry = await startRegistry({ faults: [{ match: { path: /^\/v2/, nth: 'all' }, action }] });
    await setting.image();
    const run = await setting.publish({ images: `${registry.host}/org/app`, scan: 'off', 'db-repository': '' });
    const text = `127.0.0.1:9, the token service of ${registry.host}, failed`;
    expect(errors(run)).toMatchObject([['REGISTRY_UNREACHABLE', expect.stringContaining(text)]]);
  });
});
