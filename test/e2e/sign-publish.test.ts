import { createHash } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { VULNERABLE } from '../integration/setting.ts';
import type { ActionRun } from '../support/action.ts';
import { connect } from '../support/registry-client.ts';
import { find, run } from './programs.ts';
import { useSigningJob } from './sigstore/job.ts';
import { IDENTITY } from './sigstore/scene.ts';

const job = useSigningJob();
const { cosign, fresh, keyless, publish, token, trust, verify } = job;

describe.each(['api', 'fallback'] as const)('a publish that signs without a key, referrers by %s', (kind) => {
  let image = '';
  let published: ActionRun;
  beforeAll(async () => {
    ({ image } = fresh(kind));
    published = await publish(image, keyless, token());
  });

  it('ends well, says who signed and what, and keeps the token to itself', () => {
    expect(published.exitCode, published.log).toBe(0);
    expect(published.outputs.outcome).toBe('published');
    const { signing }: { signing: { description: string; statements: { predicateType: string }[] } } = JSON.parse(
      published.outputs.json ?? '',
    );
    expect(signing.description).toContain('acme/app/.github/workflows/release.yml@refs/heads/main');
    expect(signing.statements.map(({ predicateType }) => predicateType).toSorted()).toEqual([
      ...[PREDICATES.vulnerabilities, PREDICATES.vulnerabilities, PREDICATES.gateResult],
      ...[PREDICATES.signature, PREDICATES.provenance, PREDICATES.sbom, PREDICATES.sbom],
    ]);
    expect(published.summary).toContain('Signed');
    const shown = published.log.replaceAll(/::add-mask::.*/g, '');
    expect(shown).not.toMatch(/eyJ[\w-]{20,}\./);
  });

  it('is accepted by cosign, with each attestation', async () => {
    const reference = `${image}@${published.outputs.digest}`;
    expect(await cosign('verify', reference, ...trust())).toContain(published.outputs.digest);
    for (const type of [PREDICATES.gateResult, PREDICATES.provenance]) {
      expect(await cosign('verify-attestation', reference, ...trust(), '--type', type)).toContain('payload');
    }
  });

  it('is verified by `command: verify`, and by no other identity', async () => {
    const tag = `${image}:main`;
    await using good = await verify(tag, {
      require: 'signature, gate-result, provenance, sbom, vulnerabilities',
      'max-age': '1h',
    });
    expect(good.exitCode, good.log).toBe(0);
    expect(good.outputs).toMatchObject({ outcome: 'verified', digest: published.outputs.digest });
    expect(good.outputs.verified).toBe(`${image}@${published.outputs.digest}`);
    await using bad = await verify(tag, { 'signer-identity': IDENTITY.replace('release', 'nightly') });
    expect(bad.exitCode).toBe(1);
    expect(bad.outputs.outcome).toBe('unverified');
    expect(bad.log).toContain('its identity is');
    await using claims = await verify(tag, { 'signer-claims': 'environment=production' });
    expect(claims.outputs.outcome).toBe('unverified');
    await using missing = await verify(tag, { require: 'https://openvex.dev/ns' });
    expect(missing.outputs.outcome).toBe('unverified');
  });

  it('is left alone by the same publish again', async () => {
    const again = await publish(image, keyless, token());
    expect(again.outputs, again.log).toMatchObject({ outcome: 'unchanged', digest: published.outputs.digest });
  });
});

describe('what must not be signed is not', () => {
  it('P1: an image with findings', async () => {
    const { image, host, name } = fresh('fallback');
    await job.setting.image(VULNERABLE);
    const failed = await job.setting.publish({ images: image, ...keyless }, { env: token() });
    expect(failed.outputs.outcome, failed.log).toBe('findings');
    const { repositoryOf } = await connect({ host });
    expect(await repositoryOf(name).head('main')).toBeUndefined();
    expect(failed.log).not.toContain('signed as');
  });

  it('anything in a job without the permission: `auto` says so and publishes, `keyless` stops before the build', async () => {
    const [one, other] = [fresh('api'), fresh('api')];
    const auto = await publish(one.image, { sign: 'auto' }, {});
    expect(auto.outputs.outcome, auto.log).toBe('published');
    expect(auto.log).toContain('The image is not signed: the job may not request an OIDC token');
    await using unsigned = await verify(`${one.image}:main`);
    expect(unsigned.outputs.outcome).toBe('unverified');
    expect(unsigned.log).toContain('It is not signed.');
    const stopped = await publish(other.image, keyless, {});
    expect(stopped.outputs.outcome, stopped.log).toBe('signing-failed');
    expect(stopped.log).toContain('SIGNING_NOT_PERMITTED');
  });
});

describe('`sign: auto`, the default', () => {
  it('signs where the job may and an instance is named', async () => {
    const { image } = fresh('api');
    const signed = await publish(image, { 'signing-config': 'signing-config.json' }, token());
    expect(signed.outputs.outcome, signed.log).toBe('published');
    await using verified = await verify(`${image}:main`);
    expect(verified.outputs.outcome, verified.log).toBe('verified');
  });

  it('does not sign in a private repository without one, and says why', async () => {
    const { image } = fresh('api');
    const unsigned = await publish(image, {}, token());
    expect(unsigned.outputs.outcome, unsigned.log).toBe('published');
    expect(unsigned.log).toContain('The image is not signed: the repository is not public');
    expect(unsigned.annotations.filter(({ level }) => level === 'notice')).toEqual([]);
    await using verified = await verify(`${image}:main`);
    expect(verified.log).toContain('It is not signed.');
    const again = await publish(image, {}, token());
    expect(again.outputs.outcome, again.log).toBe('unchanged');
  });

  it('publishes nothing in a public repository while Sigstore is unreachable', async () => {
    const { image, host, name } = fresh('fallback');
    const env = { ...token({ repository_visibility: 'public' }), HTTPS_PROXY: 'http://127.0.0.1:9' };
    const failed = await publish(image, {}, env);
    expect(failed.outputs.outcome, failed.log).toBe('trust-unavailable');
    const { repositoryOf } = await connect({ host });
    expect(
      await repositoryOf(name)
        .listTags()
        .catch(() => []),
    ).toEqual([]);
    const off = await publish(image, { sign: 'off' }, env);
    expect(off.outputs.outcome, off.log).toBe('published');
  });
});

describe('signing that fails', () => {
  const broken = async (image: string, change: Readonly<Record<string, unknown>>) => {
    const config: Record<string, unknown> = JSON.parse(await readFile(job.scene.sigstore.signingConfig, 'utf8'));
    await writeFile(join(job.setting.repository.directory, 'broken.json'), JSON.stringify({ ...config, ...change }));
    return publish(image, { sign: 'keyless', 'signing-config': 'broken.json' }, token());
  };
  const unreachable = (majorApiVersion: number) => [
    { url: 'http://127.0.0.1:9', majorApiVersion, validFor: { start: '2024-01-01T00:00:00Z' }, operator: 'x' },
  ];

  it('P9: moves no tag when the log is unreachable, and leaves untagged content only', async () => {
    const { image, host, name } = fresh('fallback');
    const failed = await broken(image, { rekorTlogUrls: unreachable(2) });
    expect(failed.exitCode).toBe(1);
    expect(failed.outputs.outcome, failed.log).toBe('signing-failed');
    expect(failed.log).toContain('SIGSTORE_UNAVAILABLE');
    const { repositoryOf } = await connect({ host });
    expect(await repositoryOf(name).listTags()).toEqual([]);
    expect(await repositoryOf(name).head(failed.outputs.digest ?? '')).toBeDefined();
    const repaired = await publish(image, keyless, token());
    expect(repaired.outputs.outcome, repaired.log).toBe('published');
  });

  it('is no reason to publish unsigned when the config names nothing that is valid', async () => {
    const failed = await broken(fresh('api').image, { caUrls: [] });
    expect(failed.outputs.outcome, failed.log).toBe('invalid-input');
    expect(failed.log).toContain('names no certificate authority');
  });
});

it('verification without trust material has an outcome of its own', async () => {
  const { image } = fresh('api');
  await publish(image, keyless, token());
  await using failed = await verify(`${image}:main`, { 'trusted-root': 'none.json' });
  expect(failed.outputs.outcome).toBe('invalid-input');
  expect(failed.log).toContain('TRUSTED_ROOT_INVALID');
});

it('Docker Content Trust is answered with what to use instead', async () => {
  const refused = await publish(fresh('api').image, {}, { DOCKER_CONTENT_TRUST: '1' });
  expect(refused.outputs.outcome).toBe('invalid-input');
  expect(refused.log).toContain('Docker Content Trust, which is retired');
});

describe('keys', () => {
  const sumOf = async (program: string) =>
    createHash('sha256')
      .update(await readFile(find(program, process.env.PATH ?? '') ?? ''))
      .digest('hex');

  it('of cosign sign index and platforms, verified by cosign and by `command: verify`', async () => {
    const { image } = fresh('fallback');
    const password = 'a pass word of some length';
    const prefix = join(job.setting.repository.directory, 'release');
    await run('cosign', ['generate-key-pair', '--output-key-prefix', prefix], {
      env: { ...process.env, HOME: job.scene.directory, COSIGN_PASSWORD: password },
    });
    const inputs = {
      ...{ sign: 'key', 'sign-key': 'release.key', 'sign-key-password': password, 'sign-recursive': 'true' },
      'cosign-sha256': await sumOf('cosign'),
    };
    const published = await publish(image, inputs, {});
    expect(published.outputs.outcome, published.log).toBe('published');
    expect(published.log.replaceAll(/::add-mask::.*/g, '')).not.toContain(password);
    const byKey = ['--key', `${prefix}.pub`, '--insecure-ignore-tlog'];
    const { image: facts }: { image: { platforms: { digest: string }[] } } = JSON.parse(published.outputs.json ?? '');
    for (const digest of [published.outputs.digest, ...facts.platforms.map((platform) => platform.digest)]) {
      expect(await cosign('verify', `${image}@${digest}`, ...byKey)).toContain(digest);
    }
    const none = { 'signer-identity': '', 'signer-issuer': '', 'trusted-root': '' };
    await using good = await verify(`${image}:main`, {
      ...none,
      'signer-key': 'release.pub',
      require: 'signature, gate-result',
    });
    expect(good.outputs.outcome, good.log).toBe('verified');
    const wrong = await publish(fresh('api').image, { ...inputs, 'sign-key-password': 'another one' }, {});
    expect(wrong.outputs.outcome).toBe('signing-failed');
    expect(wrong.log).toContain('SIGNING_KEY_UNUSABLE');
  });

  it('of notation sign, verified by a strict trust policy', async () => {
    const { image } = fresh('api');
    const home = join(job.scene.directory, 'notation-publish');
    const env = { ...process.env, HOME: job.scene.directory, XDG_CONFIG_HOME: home };
    await run('notation', ['cert', 'generate-test', 'release.example'], { env });
    const made = join(home, 'notation', 'localkeys', 'release.example');
    const into = (name: string) => join(job.setting.repository.directory, name);
    await cp(`${made}.key`, into('notation.key'));
    await cp(`${made}.crt`, into('notation.crt'));
    await cp(`${made}.crt`, into('stores/ca/acme/release.crt'));
    const sha256 = await sumOf('notation');
    const published = await publish(
      image,
      { sign: 'notation', 'sign-key': 'key=notation.key,certificate=notation.crt', 'notation-sha256': sha256 },
      {},
    );
    expect(published.outputs.outcome, published.log).toBe('published');
    const entry = {
      ...{ name: 'app', registryScopes: [image], signatureVerification: { level: 'strict' }, trustStores: ['ca:acme'] },
      trustedIdentities: ['x509.subject: C=US, ST=WA, L=Seattle, O=Notary, CN=release.example'],
    };
    await writeFile(into('trustpolicy.json'), JSON.stringify({ version: '1.0', trustPolicies: [entry] }));
    const none = { 'signer-identity': '', 'signer-issuer': '', 'trusted-root': '' };
    const policy = { 'trust-policy': 'trustpolicy.json', 'trust-stores': 'stores', 'notation-sha256': sha256 };
    await using good = await verify(`${image}:main`, { ...none, ...policy });
    expect(good.outputs.outcome, good.log).toBe('verified');
  });
});
