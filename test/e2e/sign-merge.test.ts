import { expect, it } from 'vitest';
import { PREDICATES } from '../../src/domain/trust/predicates.ts';
import { single } from '../integration/merge/job.ts';
import { useSigningJob } from './sigstore/job.ts';

const job = useSigningJob();
const { cosign, fresh, keyless, token, trust, verify } = job;

it.each(['api', 'fallback'] as const)('a merged image is signed as a whole, referrers by %s', async (kind) => {
  const { image } = fresh(kind);
  // One in each form of attestations.
  await job.setting.image(single('linux/amd64', { attestations: 'image' }), 'layouts/amd64');
  await job.setting.image(single('linux/arm64', { attestations: 'artifact' }), 'layouts/arm64');
  const inputs = { command: 'merge', source: '', layouts: 'layouts', platforms: 'linux/amd64,linux/arm64' };
  const merged = await job.setting.publish({ images: image, ...inputs, ...keyless }, { env: token() });
  expect(merged, merged.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'published' } });
  const { digest = '' } = merged.outputs;
  expect(await cosign('verify', `${image}@${digest}`, ...trust())).toContain(digest);
  for (const type of [PREDICATES.gateResult, PREDICATES.provenance]) {
    expect(await cosign('verify-attestation', `${image}@${digest}`, ...trust(), '--type', type)).toContain('payload');
  }
  await using verified = await verify(`${image}:main`, {
    require: 'signature, gate-result, provenance, sbom, vulnerabilities',
  });
  expect(verified.outputs, verified.log).toMatchObject({ outcome: 'verified', digest });
});
