import { expect, it } from 'vitest';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { type CloudReply, startCloud } from '../support/cloud.ts';
import { checked } from '../support/contract/checked.ts';
import { readContract } from '../support/contract/read.ts';
import { connect } from '../support/registry-client.ts';
import { useSigningJob } from './sigstore/job.ts';

const job = useSigningJob();
const TOKEN = 'ghs_attestations_token';
const PATH = /\/attestations$/;

/** GitHub's attestations API as its REST description has it, which answers with `reply`. */
async function publishTo(reply: CloudReply, inputs: Readonly<Record<string, string>> = {}) {
  await using stack = new AsyncDisposableStack();
  const stored: { path: string; type: string; authorization: unknown }[] = [];
  const api = checked(
    ({ url, body, headers }) => {
      if (!PATH.test(url.pathname)) return { status: 404, body: { message: 'Not Found' } };
      const { bundle }: { bundle: { dsseEnvelope: { payload: string } } } = JSON.parse(body);
      const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString());
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
  return { run, stored, tags: tags.filter((tag) => !tag.startsWith('sha256-')) };
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
