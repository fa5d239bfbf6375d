import { expect, it } from 'vitest';
import { fieldsOf } from '../../../../src/domain/fields.ts';
import { acr } from '../../../../src/registries/acr/acr.ts';
import type { Service } from '../../../support/cloud.ts';
import { createTestClock } from '../../../support/runtime.ts';
import { vendorPlace } from '../../../support/vendor-place.ts';
import { azureDouble } from '../../../support/vendors/azure.ts';
import { idTokens, SUBJECT } from '../../../support/vendors/oidc.ts';

const HOST = 'acme.azurecr.io';
const TENANT = '11111111-1111-1111-1111-111111111111';
const CLIENT = '22222222-2222-2222-2222-222222222222';
const DIGEST = `sha256:${'a'.repeat(64)}` as const;

async function scanWith(graph: Service) {
  const clock = createTestClock();
  const azure = azureDouble({ now: clock.now, host: HOST, tenant: TENANT, client: CLIENT, subject: SUBJECT });
  const { place } = await vendorPlace(
    { ...azure.hosts, 'management.azure.com': graph },
    {
      host: HOST,
      repository: 'org/app',
      keyless: { 'azure-client-id': CLIENT, 'azure-tenant-id': TENANT },
      idToken: idTokens({ now: clock.now }),
    },
    clock,
  );
  return acr.manage(place).scans?.result(DIGEST);
}

it('reads all pages of findings of one digest', async () => {
  const result = await scanWith(({ method, url, body, headers }) => {
    const { query, options } = fieldsOf(JSON.parse(body));
    expect(`${method} ${url.pathname}`).toBe('POST /providers/Microsoft.ResourceGraph/resources');
    expect(headers.authorization).toMatch(/^Bearer \S+$/);
    expect(query).toContain(`=~ '${DIGEST}'`);
    expect(query).toContain(`=~ '${HOST}'`);
    const { $skipToken } = fieldsOf(options);
    const data = [
      { properties: { id: `CVE-${String($skipToken ?? 1)}`, status: { code: 'Unhealthy', severity: 'High' } } },
    ];
    return { status: 200, body: { data, ...($skipToken === undefined ? { $skipToken: '2' } : {}) } };
  });
  expect(result).toMatchObject({ source: 'defender', status: 'complete' });
  expect(result?.findings?.map(({ id }) => id)).toEqual(['CVE-1', 'CVE-2']);
});

it.each([
  ['Healthy', 'complete'],
  ['Unhealthy', 'missing'],
  [undefined, 'missing'],
])('no row and the assessment %s: %s', async (code, status) => {
  const result = await scanWith(({ body }) => {
    const isFindings = String(fieldsOf(JSON.parse(body)).query).includes('subassessments');
    const data = isFindings || code === undefined ? [] : [{ properties: { status: { code } } }];
    return { status: 200, body: { data } };
  });
  expect(result?.status).toBe(status);
});

it('without a keyless login there is no way to ask Defender', async () => {
  const clock = createTestClock();
  const { place } = await vendorPlace(
    { [HOST]: () => ({ status: 404 }) },
    { host: HOST, repository: 'org/app' },
    clock,
  );
  expect(acr.manage(place).scans).toBeUndefined();
});
