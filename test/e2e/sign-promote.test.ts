import { expect, it } from 'vitest';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { useSigningJob } from './sigstore/job.ts';
import { IDENTITY } from './sigstore/scene.ts';

const job = useSigningJob();
const { cosign, fresh, keyless, publish, token, trust, verify } = job;

it('a promotion that requires a signature takes what the right workflow signed, and nothing else', async () => {
  const { image } = fresh('fallback');
  const promote = (inputs: Readonly<Record<string, string>>) =>
    job.setting.publish({
      ...{ source: '', command: 'promote', images: image, from: 'main', environment: 'staging', 'db-repository': '' },
      ...{ 'trusted-root': 'trusted-root.json', 'signer-issuer': job.scene.sigstore.issuer.url, require: 'signature' },
      ...inputs,
    });
  await publish(image, {}, {});
  const unsigned = await promote({ 'signer-identity': IDENTITY });
  expect(unsigned.outputs.outcome, unsigned.log).toBe('refused');
  expect(unsigned.log).toContain('It is not signed.');
  await publish(image, keyless, token());
  const nobody = await promote({});
  expect(nobody.outputs.outcome).toBe('refused');
  expect(nobody.log).toContain('no signer is named');
  const other = await promote({ require: `signature,identity=${IDENTITY.replace('release', 'nightly')}` });
  expect(other.outputs.outcome).toBe('refused');
  expect(other.log).toContain('its identity is');
  const promoted = await promote({
    'signer-identity': IDENTITY,
    require: 'signature,statement=gate-result,statement=sbom',
  });
  expect(promoted.outputs.outcome, promoted.log).toBe('promoted');
  await using verified = await verify(`${image}:staging`);
  expect(verified.outputs.outcome, verified.log).toBe('verified');
});

it('`sbom`, `provenance` and `scan` are met by signed statements, and shown as unsigned without', async () => {
  const { image } = fresh('fallback');
  const promote = (require: string, inputs: Readonly<Record<string, string>> = {}) =>
    job.setting.publish({
      ...{ source: '', command: 'promote', images: image, from: 'main', environment: 'staging', 'db-repository': '' },
      ...{ 'trusted-root': 'trusted-root.json', 'signer-issuer': job.scene.sigstore.issuer.url, require, ...inputs },
      'dry-run': 'true',
    });
  const byUs = { 'signer-identity': IDENTITY };
  const proven = 'sbom,signed\nprovenance,signed,repository=acme/app\nscan,max-age=1d,signed';
  await publish(image, { sign: 'off' }, {});
  const unsigned = await promote(proven, byUs);
  expect(unsigned.outputs.outcome, unsigned.log).toBe('refused');
  expect(unsigned.log).toContain('no SBOM is signed as required');
  expect(unsigned.log).toContain('no gate result is signed as required');
  await publish(image, keyless, token());
  const signed = await promote(proven, byUs);
  expect(signed.outputs.outcome, signed.log).toBe('planned');
  expect(signed.log).toContain(`gate result signed by ${IDENTITY}`);
  const nobody = await promote(proven);
  expect(nobody.outputs.outcome).toBe('refused');
  expect(nobody.log).toContain('no signer is named');
  const other = await promote(`sbom,identity=${IDENTITY.replace('release', 'nightly')}`);
  expect(other.outputs.outcome).toBe('refused');
  expect(other.log).toContain('its identity is');
  const preferred = await promote('scan,max-age=1d', byUs);
  expect(preferred.outputs.outcome, preferred.log).toBe('planned');
  expect(preferred.log).toContain('gate result signed by');
  const stricter = await promote('scan,max-age=1d,signed', { ...byUs, severity: 'LOW, HIGH, CRITICAL' });
  expect(stricter.outputs.outcome, stricter.log).toBe('refused');
  expect(stricter.log).toContain('its scan let LOW pass');
});

it.each([
  ['to a registry with the API', 'fallback', 'api'],
  ['to a registry without it', 'api', 'fallback'],
  ['to another repository of one', 'fallback', 'fallback'],
] as const)('a promotion %s keeps all that was signed', async (_where, from, to) => {
  const [source, target] = [fresh(from), fresh(to)];
  const published = await publish(source.image, keyless, token());
  const promoted = await job.setting.publish({
    ...{
      source: '',
      'db-repository': '',
      command: 'promote',
      from: `${source.image}:main`,
      to: `${target.image}:live`,
    },
    ...{ environment: 'live', require: 'signature', 'signer-identity': IDENTITY },
    ...{ 'signer-issuer': job.scene.sigstore.issuer.url, 'trusted-root': 'trusted-root.json' },
  });
  expect(promoted.outputs.outcome, promoted.log).toBe('promoted');
  const reference = `${target.image}@${published.outputs.digest}`;
  expect(await cosign('verify', reference, ...trust())).toContain(published.outputs.digest);
  expect(await cosign('verify-attestation', reference, ...trust(), '--type', PREDICATES.gateResult)).toContain(
    'payload',
  );
  await using verified = await verify(`${target.image}:live`, { require: 'signature, gate-result, provenance, sbom' });
  expect(verified.outputs.outcome, verified.log).toBe('verified');
});
