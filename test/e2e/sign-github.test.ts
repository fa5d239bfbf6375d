import { compress } from 'snappyjs';
import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../src/domain/fields.ts';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { type CloudReply, startCloud } from '../support/cloud.ts';
import { checked } from '../support/contract/checked.ts';
import { readContract } from '../support/contract/read.ts';
import { connect } from '../support/registry-client.ts';
import { useSigningJob } from './sigstore/job.ts';
import { IDENTITY } from './sigstore/scene.ts';

const job = useSigningJob();
const TOKEN = 'ghs_attestations_token';
const PATH = /\/attestations$/;
const LISTED = /\/attestations\/sha256:/;
const BLOBS = 'attestations.blob.example';

/** GitHub's attestations API as its REST description has it, which answers with `reply`. */
async function publishTo(reply: CloudReply, inputs: Readonly<Record<string, string>> = {}) {
  await using stack = new AsyncDisposableStack();
  const stored: { path: string; type: string; authorization: unknown }[] = [];
  const bundles: unknown[] = [];
  const api = checked(
    ({ url, body, headers }) => {
      if (!PATH.test(url.pathname)) return { status: 404, body: { message: 'Not Found' } };
      const { bundle }: { bundle: { dsseEnvelope: { payload: string } } } = JSON.parse(body);
      const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString());
      bundles.push(bundle);
      stored.push({ path: url.pathname, type: statement.predicateType, authorization: headers.authorization });
      return reply;
    },
    await readContract('github'),
    ({ url }) => PATH.test(url.pathname),
  );
  const cloud = stack.use(await startCloud({ 'api.github.com': api }));
  const { image, host, name } = job.fresh('fallback');
  const run = await job.publish(
    image,
    { ...job.keyless, 'github-token': TOKEN, 'github-attestations': 'true', ...inputs },
    { ...job.token(), ...cloud.env, GITHUB_API_URL: 'https://api.github.com' },
  );
  expect(api.problems).toEqual([]);
  const { repositoryOf } = await connect({ host });
  const tags = await repositoryOf(name).listTags();
  return { run, stored, bundles, tags: tags.filter((tag) => !tag.startsWith('sha256-')) };
}

it('stores every attestation and no mere signature, once, with the token of the job', async () => {
  const { run, stored } = await publishTo({ status: 201, body: { id: 7 } });
  expect(run.outputs.outcome, run.log).toBe('published');
  expect(stored.map(({ type }) => type).toSorted()).toEqual([
    ...[PREDICATES.vulnerabilities, PREDICATES.vulnerabilities, PREDICATES.gateResult],
    ...[PREDICATES.provenance, PREDICATES.sbom, PREDICATES.sbom],
  ]);
  expect(new Set(stored.map(({ path, authorization }) => `${path} ${String(authorization)}`))).toEqual(
    new Set([`/repos/org/app/attestations Bearer ${TOKEN}`]),
  );
  expect(JSON.parse(run.outputs.json ?? '{}').signing.storedOnGitHub).toBe(6);
  expect(run.log.replaceAll(/::add-mask::.*/g, '')).not.toContain(TOKEN);
});

it.each<[number, string, RegExp, RegExp]>([
  [403, 'Resource not accessible by integration', /the job may not store attestations/, /attestations: write/],
  [403, 'Feature not available for the org organization.', /the plan of the repository/, /Enterprise Cloud/],
  [404, 'Not Found', /does not exist for this token/, /GitHub Enterprise Server has no attestations API/],
  [500, 'Server Error', /500/, /remove `github-attestations`/],
  [422, 'Validation Failed', /does not accept this bundle \(Validation Failed\)/, /signing-config: public/],
])('names what %i (%s) means, and moves no tag', async (status, message, means, step) => {
  const { run, tags } = await publishTo({ status, body: { message } });
  expect(run.outputs.outcome, run.log).toBe('signing-failed');
  expect(run.log).toContain('ATTESTATION_NOT_STORED');
  expect(run.log).toMatch(means);
  expect(run.log).toMatch(step);
  expect(tags).toEqual([]);
});

it('is asked for nothing by default, and refused for keys', async () => {
  const { stored, run } = await publishTo({ status: 500 }, { 'github-attestations': 'false' });
  expect(run.outputs.outcome, run.log).toBe('published');
  expect(stored).toEqual([]);
  const key = await publishTo({ status: 500 }, { sign: 'key', 'sign-key': 'env://KEY', 'signing-config': '' });
  expect(key.run.outputs.outcome).toBe('invalid-input');
  expect(key.run.log).toContain('`github-attestations` is for keyless signing');
});

/** The subject of a bundle. */
function subjectOf(bundle: unknown): string {
  const { payload } = fieldsOf(fieldsOf(bundle).dsseEnvelope);
  const statement: { subject: [{ digest: { sha256: string } }] } = JSON.parse(
    Buffer.from(String(payload), 'base64').toString(),
  );
  return `sha256:${statement.subject[0].digest.sha256}`;
}

/**
 * GitHub's attestations API as it answers since July 2026: `bundle` is null, and its bytes, compressed with Snappy, are at an
 * address that contains its own authorization. https://docs.github.com/rest/repos/attestations#list-attestations
 */
async function startStore(bundles: readonly unknown[], refusal?: CloudReply, isPublic = false) {
  const api = checked(
    ({ url, headers }) => {
      // What else a promotion asks GitHub for does not exist.
      if (!LISTED.test(url.pathname)) return { status: 404, body: { message: 'Not Found' } };
      const isAnonymous = headers.authorization === undefined;
      if (isAnonymous && !isPublic) return { status: 404, body: { message: 'Not Found' } };
      if (!isAnonymous && headers.authorization !== `Bearer ${TOKEN}`)
        return { status: 401, body: { message: 'Bad credentials' } };
      if (refusal !== undefined && !(isAnonymous && isPublic)) return refusal;
      const found = [...bundles.entries()].filter(([, bundle]) => url.pathname.endsWith(`/${subjectOf(bundle)}`));
      if (found.length === 0) return { status: 404, body: { message: 'Not Found' } };
      const page = Number(url.searchParams.get('after') ?? '0');
      const attestations = found.slice(page, page + 2).map(([at]) => ({
        ...{ bundle: null, repository_id: 22, initiator: 'user' },
        bundle_url: `https://${BLOBS}/${at}.json.sn?sig=secret`,
      }));
      const next = `<https://api.github.com${url.pathname}?per_page=100&after=${page + 2}>; rel="next"`;
      return { status: 200, headers: page + 2 < found.length ? { link: next } : {}, body: { attestations } };
    },
    await readContract('github'),
    ({ url }) => LISTED.test(url.pathname),
  );
  const credentials: unknown[] = [];
  const cloud = await startCloud({
    'api.github.com': api,
    [BLOBS]: ({ url, headers }) => {
      credentials.push(headers.authorization);
      const bundle = bundles[Number(/^\/(\d+)\./.exec(url.pathname)?.[1])];
      const body = Buffer.from(compress(Buffer.from(JSON.stringify(bundle))));
      return { status: 200, headers: { 'content-type': 'application/x-snappy' }, body };
    },
  });
  return { api, cloud, credentials, env: { ...cloud.env, GITHUB_API_URL: 'https://api.github.com' } };
}

describe('attestations that only GitHub has', () => {
  const STORED = { 'github-attestations': 'true', 'github-token': TOKEN };

  /** Signs an image, and publishes the same bytes unsigned elsewhere. */
  async function storedOnly() {
    const { bundles } = await publishTo({ status: 201, body: { id: 7 } });
    const { image } = job.fresh('api');
    const unsigned = await job.publish(image, { sign: 'off' }, {});
    expect(unsigned.outputs.outcome, unsigned.log).toBe('published');
    return { bundles, image: `${image}@${unsigned.outputs.digest}` };
  }

  it('are found there, by address and compressed, over several pages, without a token for the storage', async () => {
    const { bundles, image } = await storedOnly();
    const store = await startStore(bundles);
    await using _ = store.cloud;
    const policy = { require: 'gate-result, provenance, sbom, vulnerabilities' };
    await using without = await job.verify(image, policy, store.env);
    expect(without.outputs.outcome, without.log).toBe('unverified');
    expect(store.api.problems).toEqual([]);
    expect(store.credentials).toEqual([]);
    const claims = 'repository=https://github.com/acme/app';
    await using run = await job.verify(image, { ...policy, ...STORED, 'signer-claims': claims }, store.env);
    expect(run.outputs.outcome, run.log).toBe('verified');
    expect(store.api.problems).toEqual([]);
    expect(store.credentials.length).toBeGreaterThanOrEqual(6);
    expect(store.credentials.every((sent) => sent === undefined)).toBe(true);
    expect(run.log.replaceAll(/::add-mask::.*/g, '')).not.toMatch(/sig=secret|ghs_/);
    expect(run.summary).toContain('GitHub attestation');
    // It is the signature that counts, not who stored it.
    const other = { 'signer-identity': 'https://github.com/acme/other/.github/workflows/release.yml@refs/heads/main' };
    await using foreign = await job.verify(image, { ...policy, ...STORED, ...other }, store.env);
    expect(foreign.outputs.outcome, foreign.log).toBe('unverified');
    expect(foreign.log).toContain('The GitHub attestation sha256:');
  });

  it('are read without the token where a public repository refuses that', async () => {
    const { bundles, image } = await storedOnly();
    const message = 'Resource protected by organization SAML enforcement.';
    const store = await startStore(bundles, { status: 403, body: { message } }, true);
    await using _ = store.cloud;
    await using run = await job.verify(image, { require: 'provenance', ...STORED }, store.env);
    expect(run.outputs.outcome, run.log).toBe('verified');
  });

  it('meet the requirements of a promotion', async () => {
    const { bundles, image } = await storedOnly();
    const store = await startStore(bundles);
    await using _ = store.cloud;
    const { image: target } = job.fresh('fallback');
    const run = await job.setting.publish(
      {
        ...{ source: '', command: 'promote', from: image, to: `${target}:production`, 'db-repository': '' },
        ...{ require: 'provenance,signed\nsbom,signed\nscan,max-age=1d,signed', 'trusted-root': 'trusted-root.json' },
        ...{ 'signer-identity': IDENTITY, 'signer-issuer': job.scene.sigstore.issuer.url, ...STORED },
        'signer-claims': 'repository=https://github.com/acme/app',
      },
      { env: store.env },
    );
    expect(run.outputs.outcome, run.log).toBe('promoted');
    expect(run.log).toContain('gate result signed by');
    expect(run.log).toContain('SBOM signed by');
  });

  it.each<[CloudReply, RegExp, RegExp]>([
    [
      { status: 403, body: { message: 'Resource not accessible by integration' } },
      /the job may not read attestations \(Resource not accessible/,
      /attestations: read/,
    ],
    [{ status: 500, body: { message: 'Server Error' } }, /could not be read: .*500/, /remove `github-attestations`/],
    [{ status: 200, body: { attestations: 'none' } }, /could not be read/, /remove `github-attestations`/],
    [
      { status: 200, body: { attestations: [{ bundle: null, bundle_url: 'http://169.254.169.254/x' }] } },
      /no bundle/,
      /./,
    ],
  ])('%o: its own outcome, never unsigned', async (refusal, reason, step) => {
    const { bundles, image } = await storedOnly();
    const store = await startStore(bundles, refusal);
    await using _ = store.cloud;
    await using run = await job.verify(image, { require: 'provenance', ...STORED }, store.env);
    expect(run.outputs.outcome, run.log).toBe('trust-unavailable');
    expect(run.log).toContain('ATTESTATIONS_UNREADABLE');
    expect(run.log).toMatch(reason);
    expect(run.log).toMatch(step);
  });
});
