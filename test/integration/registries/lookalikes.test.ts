import { expect, test } from 'vitest';
import { vendorOf } from '../../../src/registries/vendors.ts';
import { runAction } from '../../support/action.ts';
import { type Service, startCloud } from '../../support/cloud.ts';
import { oidcDouble } from '../../support/vendors/oidc.ts';

const LOOKALIKES = [
  'public.ecr.aws.evil.example',
  'ghcr.io.evil.example',
  '123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example',
  'evil-123456789012.dkr.ecr.us-east-1.amazonaws.com',
  'europe-docker.pkg.dev.evil.example',
  'gcr.io.evil.example',
  'acme.azurecr.io.evil.example',
  'acme.jfrog.io.evil.example',
  'docker.io.evil.example',
  'evilghcr.io',
];

test.each(LOOKALIKES)('%s is nobody: it gets no credentials, and no cloud is asked for any', async (host) => {
  expect(vendorOf(host).id).toBe('distribution');
  const seen: string[] = [];
  const challenges: Service = ({ headers, url }) => {
    if (headers.authorization !== undefined) seen.push(headers.authorization);
    if (url.pathname === '/token') return { status: 200, body: { token: 'anonymous' } };
    const which = seen.length % 2 === 0 ? `Bearer realm="https://${host}/token",service="x"` : 'Basic realm="x"';
    return { status: 401, headers: { 'www-authenticate': which } };
  };
  const oidc = oidcDouble();
  await using cloud = await startCloud({ [host]: challenges, ...oidc.hosts });
  await using run = await runAction({
    inputs: {
      images: `${host}/org/app`,
      push: 'true',
      'dry-run': 'true',
      'github-token': 'ghs_of_the_job',
      'role-to-assume': 'arn:aws:iam::123456789012:role/publish',
      'workload-identity-provider': 'projects/1/locations/global/workloadIdentityPools/p/providers/x',
      'azure-client-id': '0f8fad5b-d9cb-469f-a165-70867728950e',
      'azure-tenant-id': '7c9e6679-7425-40de-944b-e07fc1f90ae7',
      'dockerhub-connection-id': '0f8fad5b-d9cb-469f-a165-70867728950e',
      'dockerhub-organization': 'acme',
      'oidc-provider-name': 'github',
    },
    env: {
      ...cloud.env,
      ...oidc.env,
      AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT',
      AWS_SECRET_ACCESS_KEY: 'secret-of-the-environment',
    },
  });
  expect(run.exitCode).toBe(1);
  expect(cloud.requests.some((request) => request.host === host)).toBe(true);
  // The token that the host itself gave out is all that it ever sees again.
  expect(seen.filter((each) => each !== 'Bearer anonymous')).toEqual([]);
  expect(oidc.audiences).toEqual([]);
  // GitHub's own API may be asked about the commit; nobody else.
  expect(cloud.strangers.filter((each) => each !== 'api.github.com')).toEqual([]);
});
