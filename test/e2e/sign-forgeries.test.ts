import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import type { VerificationResult, WantedSigner } from '../../src/domain/trust/verification.ts';
import { attachBundles } from '../../src/evidence/attach-bundle.ts';
import { claimsOfJob } from './sigstore/issuer.ts';
import { createSigningScene, IDENTITY, type SigningScene } from './sigstore/scene.ts';

let scene: SigningScene;
beforeAll(async () => {
  scene = await createSigningScene();
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const trust = () => ['--trusted-root', scene.sigstore.trustedRoot, '--allow-insecure-registry'];
const by = (identity = IDENTITY) => [
  ...['--certificate-identity', identity, '--certificate-oidc-issuer', scene.sigstore.issuer.url],
];
const us = (changes: Partial<Extract<WantedSigner, { kind: 'identity' }>> = {}): readonly WantedSigner[] => [
  { kind: 'identity', issuer: scene.sigstore.issuer.url, identity: { kind: 'exact', text: IDENTITY }, ...changes },
];
const reasons = ({ requirements }: VerificationResult) => requirements.flatMap((each) => each.reasons).join('\n');

describe('a forgery is refused, and says why', () => {
  it('a right signature of another image', async () => {
    const [genuine, other] = [await scene.image('fallback'), await scene.image('fallback')];
    const bundle = await genuine.attach();
    await attachBundles(other.repository, [{ ...bundle, subject: other.subject }]);
    expect((await genuine.verify()).verified).toBe(true);
    expect(reasons(await other.verify())).toContain('it is about sha256:');
    await expect(other.cosign('verify', ...trust(), ...by(), other.name)).rejects.toThrow();
  });

  const edited = (edit: (bundle: Bundle) => void) => (bytes: Buffer) => {
    const bundle: Bundle = JSON.parse(bytes.toString());
    edit(bundle);
    return Buffer.from(JSON.stringify(bundle));
  };
  interface Bundle {
    readonly dsseEnvelope: { payload: string; signatures: { sig: string }[] };
    readonly verificationMaterial: {
      tlogEntries: unknown[];
      readonly timestampVerificationData: { rfc3161Timestamps: unknown[] };
      certificate: { rawBytes: string };
    };
  }

  it.each<[string, (bundle: Bundle) => void, RegExp]>([
    [
      'a changed statement',
      ({ dsseEnvelope }) => {
        const text = Buffer.from(dsseEnvelope.payload, 'base64')
          .toString()
          .replace('"predicate":{}', '"predicate":{"a":1}');
        dsseEnvelope.payload = Buffer.from(text).toString('base64');
      },
      /digest mismatch|signature/,
    ],
    [
      'a swapped signature',
      ({ dsseEnvelope }) => {
        const [signature] = dsseEnvelope.signatures;
        if (signature)
          signature.sig = `${signature.sig.slice(0, 30)}${signature.sig[30] === 'A' ? 'B' : 'A'}${signature.sig.slice(31)}`;
      },
      /timestamp|signature/,
    ],
    [
      'no timestamp, so that there is no trusted time',
      ({ verificationMaterial }) => {
        verificationMaterial.timestampVerificationData.rfc3161Timestamps = [];
      },
      /it has no trusted time/,
    ],
    [
      'no log entry',
      ({ verificationMaterial }) => {
        verificationMaterial.tlogEntries = [];
      },
      /it is not in the transparency log/,
    ],
    [
      'the same log entry twice',
      ({ verificationMaterial }) => {
        verificationMaterial.tlogEntries.push(...verificationMaterial.tlogEntries);
      },
      /duplicate tlog entry/,
    ],
    [
      'two signatures in the envelope',
      ({ dsseEnvelope }) => {
        dsseEnvelope.signatures.push(...dsseEnvelope.signatures);
      },
      /it is no valid bundle/,
    ],
  ])('%s', async (_what, edit, reason) => {
    const image = await scene.image('api');
    await image.attach({ change: edited(edit) });
    const result = await image.verify();
    expect(result.verified).toBe(false);
    expect(reasons(result)).toMatch(reason);
  });

  it.each<[string, boolean, RegExp]>([
    ['another Sigstore', false, /timestamp could not be verified/],
    ['another Sigstore with a trusted timestamp', true, /was not issued by a trusted authority/],
  ])('a signature of %s', async (_, sharesTimestamps, reason) => {
    const other = await createSigningScene(sharesTimestamps ? { tsa: scene.sigstore.urls.tsa } : {});
    try {
      const image = await scene.image('api');
      const foreign = await (await other.signer()).sign(Buffer.from('{}'));
      await attachBundles(image.repository, [
        { bytes: foreign, predicateType: PREDICATES.signature, subject: image.subject, created: new Date() },
      ]);
      expect(reasons(await image.verify())).toMatch(reason);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });

  it.each<[string, Record<string, string>, Parameters<typeof us>[0], RegExp]>([
    [
      'another workflow of the repository',
      { job_workflow_ref: 'acme/app/.github/workflows/pr.yml@refs/heads/main' },
      {},
      /its identity is .*pr\.yml/,
    ],
    [
      'a repository that calls our reusable workflow, and so has our identity',
      {
        repository: 'evil/fork',
        repository_id: '66',
        job_workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/main',
      },
      { repository: 'https://github.com/acme/app' },
      /its repository is "https:\/\/github.com\/evil\/fork"/,
    ],
    [
      'a pull request target',
      { event_name: 'pull_request_target' },
      { triggers: ['push'] },
      /its trigger is "pull_request_target"/,
    ],
    ['a workflow_run', { event_name: 'workflow_run' }, { triggers: ['push', 'workflow_dispatch'] }, /its trigger/],
    ['a self-hosted runner', { runner_environment: 'self-hosted' }, { runner: 'github-hosted' }, /its runner/],
    ['a run without the environment', {}, { environment: { name: 'production' } }, /its environment is absent/],
    [
      'a run in another environment',
      { environment: 'staging' },
      { environment: { name: 'production' } },
      /its environment is "staging"/,
    ],
    ['a run of another commit', { sha: 'b'.repeat(40) }, { commit: claimsOfJob().sha ?? '' }, /its commit is/],
  ])('a signature by %s', async (_what, claims, wanted, reason) => {
    const image = await scene.image('api');
    await image.attach({ claims });
    expect(reasons(await image.verify({ signers: us(wanted) }))).toMatch(reason);
    await image.attach({ claims: wanted?.environment === undefined ? {} : { environment: 'production' } });
    expect((await image.verify({ signers: us(wanted) })).verified).toBe(true);
  });

  it('a new form of the subject claim changes nothing', async () => {
    const image = await scene.image('api');
    await image.attach({ claims: { sub: 'repo:acme@11/app@22:ref:refs/heads/main' } });
    expect((await image.verify()).verified).toBe(true);
  });
});
