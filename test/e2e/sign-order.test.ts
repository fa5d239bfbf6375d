import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { GOOD, VULNERABLE } from '../integration/setting.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { manifestOf } from '../support/registry-client.ts';
import { useSigningJob } from './sigstore/job.ts';

const job = useSigningJob();
/** With authority, log and timestamp authority behind {@link watch}. */
const watched = { sign: 'keyless', 'signing-config': 'watched.json' };
/** Requests to Sigstore, each with what the registry had then. */
const requests: { readonly service: string; readonly manifests: readonly string[]; readonly tags: number }[] = [];
let registry: TestRegistry;

beforeAll(async () => {
  const { signingConfig, urls } = job.scene.sigstore;
  const text = await readFile(signingConfig, 'utf8');
  const addresses = await Promise.all(
    Object.entries(urls).map(async ([service, url]) => [url, await watch(service, url)]),
  );
  const changed = addresses.reduce((config, [from = '', to = '']) => config.replaceAll(from, to), text);
  await writeFile(join(job.setting.repository.directory, 'watched.json'), changed);
});

/** Notes each request, and passes it on. */
async function watch(service: string, url: string): Promise<string> {
  const server = createServer((request, response) => {
    const manifests = registry.digests(REPOSITORY);
    requests.push({ service, manifests, tags: Object.keys(registry.tags(REPOSITORY)).length });
    const { method = 'GET', headers } = request;
    const pass = async () => {
      const { 'content-type': type = 'application/json', accept = '*/*' } = headers;
      const body = method === 'GET' ? null : new Uint8Array(await buffer(request));
      const answer = await fetch(`${url}${request.url}`, { method, headers: { 'content-type': type, accept }, body });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    };
    pass().catch(() => response.writeHead(500).end());
  }).listen(0, '127.0.0.1');
  server.unref();
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

const REPOSITORY = 'acme/app';

async function publish(inputs: Readonly<Record<string, string>> = {}, images = [`${registry.host}/${REPOSITORY}`]) {
  requests.length = 0;
  return job.setting.publish(
    { images: images.join('\n'), ...watched, ...inputs },
    { env: job.token({ repository_visibility: 'private' }) },
  );
}

it('11: a registry that refuses the empty config: its own outcome, no tag moves, and the run names what was refused', async () => {
  await using target = await startRegistry({ referrers: true });
  registry = target;
  // Attestations of BuildKit have this config as well.
  const { digest } = await job.setting.image({ ...GOOD, attestations: 'none' });
  const error = { code: 'BLOB_UPLOAD_INVALID', message: 'an empty JSON object is not accepted' };
  // https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidance-for-an-empty-descriptor
  target.addFault({
    match: { method: 'PUT', path: /44136fa355b3678a/, nth: 'all' },
    action: { status: 400, body: { errors: [error] } },
  });
  const failed = await publish();
  expect(failed.exitCode, failed.log).toBe(1);
  expect(failed.outputs.outcome, failed.log).toMatch(/^(?:registry-failed|signing-failed)$/);
  expect(failed.log).toContain('an empty JSON object is not accepted');
  expect(target.tags(REPOSITORY)).toEqual({});
  expect(target.digests(REPOSITORY)).toContain(digest);
});

/** An issued certificate is in a public log like a signature: it names the repository and the workflow. */
describe('no request goes to Sigstore', () => {
  it('before all content is in the registry, so that the time of the upload is none of the certificate', async () => {
    await using target = await startRegistry({ referrers: true });
    registry = target;
    await job.setting.image();
    const published = await publish();
    expect(published.outputs.outcome, published.log).toBe('published');
    expect(requests.map(({ service }) => service)).toEqual(expect.arrayContaining(['fulcio', 'rekor', 'tsa']));
    expect(requests.filter(({ service }) => service === 'fulcio')).toHaveLength(1);
    for (const { manifests, tags } of requests) {
      expect(manifests).toContain(published.outputs.digest);
      expect(tags).toBe(0);
    }
  });

  it('P1: by an image that does not pass the gate', async () => {
    await using target = await startRegistry({ referrers: true });
    registry = target;
    await job.setting.image(VULNERABLE);
    const failed = await publish();
    expect(failed.outputs.outcome, failed.log).toBe('findings');
    expect(requests).toEqual([]);
    expect(registry.writes()).toEqual([]);
  });

  it('while one of several registries cannot take a signature', async () => {
    await using target = await startRegistry({ referrers: true });
    await using other = await startRegistry();
    registry = target;
    const { digest } = await job.setting.image();
    const { bytes, descriptor } = manifestOf();
    other.putBlob(REPOSITORY, Buffer.from('{}'));
    other.putManifest(REPOSITORY, digest.replace(':', '-'), descriptor.mediaType, bytes);
    const failed = await publish({}, [`${target.host}/${REPOSITORY}`, `${other.host}/${REPOSITORY}`]);
    expect(failed.exitCode, failed.log).toBe(1);
    expect(failed.log).toContain('points to the image');
    expect(requests).toEqual([]);
    expect(target.tags(REPOSITORY)).toEqual({});
  });

  it('in a private repository whose job does not configure signing', async () => {
    await using target = await startRegistry({ referrers: true });
    registry = target;
    await job.setting.image();
    const published = await publish({ sign: 'auto', 'signing-config': '' });
    expect(published.outputs.outcome, published.log).toBe('published');
    expect(published.log).toContain('The image is not signed: the repository is not public');
    expect(requests).toEqual([]);
  });
});
