import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../../src/domain/fields.ts';
import { AZURE } from '../../support/cleanup/cloud-rows.ts';
import { vendorCommand } from '../../support/cleanup/vendor-command.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';
import type { CloudReply, CloudRequest } from '../../support/cloud.ts';
import { readContract } from '../../support/contract/read.ts';

const row = (id: (typeof VENDOR_ROWS)[number]['id']) => {
  const found = VENDOR_ROWS.find((each) => each.id === id);
  if (found === undefined) throw new Error(id);
  return found;
};

const repositoryOf = (json = '{}') => {
  const { repositories } = fieldsOf(JSON.parse(json));
  return fieldsOf(Array.isArray(repositories) ? repositories[0] : undefined);
};
const scansOf = (json?: string) => {
  const { watched } = repositoryOf(json);
  const { scans } = fieldsOf(Array.isArray(watched) ? watched[0] : undefined);
  return Array.isArray(scans) ? scans.map(fieldsOf) : [];
};

describe('JFrog Xray', () => {
  const issues = [
    {
      issue_id: 'XRAY-1',
      severity: 'High',
      issue_type: 'security',
      cves: [{ cve: 'CVE-2026-1' }, { cve: 'CVE-2026-2' }],
    },
    { issue_id: 'XRAY-2', severity: 'Critical', issue_type: 'security', cves: [] },
    { issue_id: 'XRAY-3', severity: 'Critical', issue_type: 'license' },
  ];
  const run = async (status: CloudReply, summary: CloudReply = { status: 200, body: { artifacts: [{ issues }] } }) => {
    const contract = await readContract('artifactory');
    const asked: CloudRequest[] = [];
    const scene = await vendorCommand(row('artifactory'), (request) => {
      if (!request.url.pathname.startsWith('/xray/')) return undefined;
      expect(contract.check(request)).toEqual([]);
      asked.push(request);
      return request.url.pathname.endsWith('/status') ? status : summary;
    });
    const digest = scene.content.image('a', 'v1');
    const done = await scene.run({ command: 'report', watch: 'v1' });
    return { done, asked, digest };
  };
  const state = (word: string): CloudReply => ({ status: 200, body: { overall: { status: word } } });

  it('findings by CVE, or by the id of Xray, and no licences', async () => {
    const { done, asked, digest } = await run(state('DONE'));
    expect(done.outputs, done.log).toMatchObject({ high: '2', critical: '1', unscanned: '0' });
    expect(scansOf(done.outputs.json)).toMatchObject([{ source: 'xray', status: 'complete' }]);
    expect(asked.map(({ body }) => JSON.parse(body))).toEqual([
      { repo: 'docker-local', path: 'app/v1/manifest.json' },
      { checksums: [digest.slice(7)] },
    ]);
  });

  it.each([
    ['PENDING', 'pending'],
    ['SCANNING', 'pending'],
    ['NOT_SCANNED', 'missing'],
    ['NOT_SUPPORTED', 'unsupported'],
    ['FAILED', 'failed'],
    ['NEW_WORD', 'unavailable'],
  ])('%s is %s, and no zero', async (word, status) => {
    const { done, asked } = await run(state(word));
    expect(scansOf(done.outputs.json), done.log).toMatchObject([{ source: 'xray', status }]);
    expect(done.outputs).toMatchObject({ high: '', critical: '', unscanned: '1' });
    expect(asked).toHaveLength(1);
  });

  it('an Artifactory without Xray, one that refuses, and a summary that is not there', async () => {
    const none = await run({ status: 404, body: { errors: [{ status: 404, message: 'Not Found' }] } });
    expect(none.done.outputs.outcome).toBe('reported');
    expect(scansOf(none.done.outputs.json)).toMatchObject([
      { status: 'missing', reason: expect.stringContaining('no Xray') },
    ]);
    const denied = await run({ status: 403, body: { error: 'Forbidden' } });
    expect(denied.done.outputs.outcome).toBe('partial');
    expect(scansOf(denied.done.outputs.json)).toMatchObject([{ status: 'forbidden' }]);
    const empty = await run(state('DONE'), {
      status: 200,
      body: { artifacts: [], errors: [{ identifier: 'x', error: 'Artifact does not exist or is not indexed' }] },
    });
    expect(scansOf(empty.done.outputs.json)).toMatchObject([
      { status: 'missing', reason: expect.stringContaining('not indexed') },
    ]);
    expect(empty.done.outputs.high).toBe('');
  });
});

describe('the storage of Azure Container Registry', () => {
  const ID = '/subscriptions/s-1/resourceGroups/my-group/providers/Microsoft.ContainerRegistry/registries/acme';
  const run = async (
    usages: CloudReply,
    rows: readonly unknown[] = [{ id: ID }],
    assessments: readonly unknown[] = [],
  ) => {
    const asked: string[] = [];
    const acr = row('acr');
    const keyless = {
      ...acr,
      inputs: { 'azure-client-id': AZURE.client, 'azure-tenant-id': AZURE.tenant },
      start: async (now: () => Date) => {
        const started = await acr.start(now);
        const arm = ({ method, url, body }: CloudRequest): CloudReply => {
          asked.push(`${method} ${url.pathname}`);
          if (url.pathname.endsWith('/listUsages')) return usages;
          const query = String(fieldsOf(JSON.parse(body)).query);
          if (query.startsWith('resources |')) return { status: 200, body: { data: rows } };
          return { status: 200, body: { data: query.includes('subassessments') ? [] : assessments } };
        };
        return {
          ...started,
          hosts: { ...started.hosts, 'management.azure.com': arm },
        };
      },
    };
    const scene = await vendorCommand(keyless);
    scene.content.image('a', 'v1');
    const done = await scene.run({ command: 'report', watch: 'v1', 'fail-on': 'quota' });
    return { done, asked };
  };
  const size = (currentValue: number, limit: number): CloudReply => ({
    status: 200,
    body: {
      value: [
        { name: 'Webhooks', limit: 2, currentValue: 2, unit: 'Count' },
        { name: 'Size', limit, currentValue, unit: 'Bytes' },
      ],
    },
  });

  it('is a quota, of the resource that is found by the name of the registry', async () => {
    const { done, asked } = await run(size(60, 100));
    expect(done.outputs.outcome, done.log).toMatch(/reported|partial/);
    expect(repositoryOf(done.outputs.json).usage).toMatchObject({
      quota: { name: 'registry acme', usedBytes: 60, limitBytes: 100 },
    });
    expect(asked).toContain(`GET ${ID}/listUsages`);
    const full = await run(size(95, 100));
    expect(full.done.outputs.outcome).toBe('condition-met');
    expect(full.done.log).toContain('registry acme uses 95 B of 100 B');
  });

  it('unknown where it may not be read, and the report is complete without it', async () => {
    const denied = await run({ status: 403, body: { error: { code: 'AuthorizationFailed', message: 'no' } } });
    expect(denied.done.exitCode).toBe(0);
    expect(repositoryOf(denied.done.outputs.json).usage).toEqual(
      expect.not.objectContaining({ quota: expect.anything() }),
    );
    const hidden = await run(size(1, 2), []);
    expect(repositoryOf(hidden.done.outputs.json).usage).toEqual(
      expect.not.objectContaining({ quota: expect.anything() }),
    );
  });

  it.each([
    ['Healthy', 'complete', '0'],
    ['Unhealthy', 'missing', ''],
    [undefined, 'missing', ''],
  ])('no findings of Defender, and the assessment %s: %s', async (code, status, high) => {
    const assessments = code === undefined ? [] : [{ properties: { status: { code } } }];
    const { done } = await run(size(1, 2), [{ id: ID }], assessments);
    expect(scansOf(done.outputs.json), done.log).toMatchObject([{ source: 'defender', status }]);
    expect(done.outputs.high).toBe(high);
  });
});
