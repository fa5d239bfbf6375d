import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../../src/domain/fields.ts';
import type { VendorRow } from '../../support/cleanup/vendor-api.ts';
import { vendorCommand } from '../../support/cleanup/vendor-command.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';
import type { CloudReply, CloudRequest, Service } from '../../support/cloud.ts';

const REPORT = { command: 'report', watch: 'v1' };

function row(id: VendorRow['id'], more: Readonly<Record<string, Service>> = {}): VendorRow {
  const found = VENDOR_ROWS.find((each) => each.id === id);
  if (found === undefined) throw new Error(id);
  return {
    ...found,
    start: async (now) => {
      const started = await found.start(now);
      return { ...started, hosts: { ...started.hosts, ...more } };
    },
  };
}

/** What the `json` output says of the only repository. */
function reported(json = '{}') {
  const { repositories } = fieldsOf(JSON.parse(json));
  return fieldsOf(Array.isArray(repositories) ? repositories[0] : undefined);
}

const scansOf = (json?: string) => {
  const { watched } = reported(json);
  const { scans } = fieldsOf(Array.isArray(watched) ? watched[0] : undefined);
  return Array.isArray(scans) ? scans.map(fieldsOf) : [];
};

describe('scan results of the registry', () => {
  const target = (request: CloudRequest) => String(request.headers['x-amz-target'] ?? '');
  const failure = (type: string, message: string): CloudReply => ({ status: 400, body: { __type: type, message } });

  it('Amazon ECR: every platform of an index, all pages', async () => {
    let pages = 0;
    const scene = await vendorCommand(row('ecr'), (request) => {
      if (!target(request).endsWith('.DescribeImageScanFindings')) return undefined;
      const { nextToken, imageId, maxResults } = fieldsOf(JSON.parse(request.body));
      pages += 1;
      expect(maxResults).toBe(1000);
      const name = nextToken === undefined ? 'CVE-1' : `CVE-2-${String(fieldsOf(imageId).imageDigest).slice(7, 12)}`;
      return {
        status: 200,
        body: {
          imageScanStatus: { status: 'COMPLETE' },
          imageScanFindings: { imageScanCompletedAt: 1_767_225_600, findings: [{ name, severity: 'HIGH' }] },
          ...(nextToken === undefined ? { nextToken: 'two' } : {}),
        },
      };
    });
    scene.content.index([scene.content.image('a'), scene.content.image('b')], 'v1');
    const run = await scene.run({ ...REPORT, 'metrics-file': 'm.prom' });
    expect(run.outputs).toMatchObject({ outcome: 'reported', high: '3', critical: '0', unscanned: '0' });
    expect(pages).toBe(4);
    expect(scene.problems()).toEqual([]);
  });

  it('Amazon ECR: never scanned is neither an error nor a zero', async () => {
    const scene = await vendorCommand(row('ecr'), (request) =>
      target(request).endsWith('.DescribeImageScanFindings')
        ? failure('ScanNotFoundException', 'Image scan does not exist')
        : undefined,
    );
    scene.content.image('a', 'v1');
    const run = await scene.run(REPORT);
    expect(run.outputs).toMatchObject({ outcome: 'reported', high: '', unscanned: '1' });
    expect(scansOf(run.outputs.json)).toEqual([{ source: 'ecr', status: 'missing' }]);
    expect(run.summary).toContain('❔ not scanned');
  });

  it('Amazon ECR: without the right to read findings, the rest of the report is complete', async () => {
    const scene = await vendorCommand(row('ecr'), (request) =>
      target(request).endsWith('.DescribeImageScanFindings')
        ? failure('AccessDeniedException', 'User is not authorized to perform ecr:DescribeImageScanFindings')
        : undefined,
    );
    scene.content.image('a', 'v1');
    const run = await scene.run(REPORT);
    expect(run.exitCode).toBe(0);
    expect(run.outputs).toMatchObject({ outcome: 'partial', images: '1', unscanned: '1' });
    expect(scansOf(run.outputs.json)[0]).toMatchObject({ status: 'forbidden' });
    expect(run.summary).toContain('🔒 not readable');
  });

  it('Amazon ECR: one platform without a scan makes the result partial', async () => {
    const asked: unknown[] = [];
    const scene = await vendorCommand(row('ecr'), (request) => {
      if (!target(request).endsWith('.DescribeImageScanFindings')) return undefined;
      asked.push(fieldsOf(JSON.parse(request.body)).imageId);
      return asked.length === 1
        ? {
            status: 200,
            body: {
              imageScanStatus: { status: 'ACTIVE' },
              imageScanFindings: {
                enhancedFindings: [{ severity: 'CRITICAL', packageVulnerabilityDetails: { vulnerabilityId: 'CVE-9' } }],
              },
            },
          }
        : failure('ScanNotFoundException', 'none');
    });
    scene.content.index([scene.content.image('a'), scene.content.image('b')], 'v1');
    const run = await scene.run({ ...REPORT, 'fail-on': 'critical' });
    expect(run.exitCode).toBe(1);
    expect(run.outputs).toMatchObject({ outcome: 'findings', critical: '1', unscanned: '1' });
    expect(scansOf(run.outputs.json)[0]).toMatchObject({ source: 'inspector', status: 'partial' });
  });

  it('Artifact Registry: states and pages of Artifact Analysis, sizes as texts', async () => {
    const analysis: Service = ({ url }) => {
      const filter = url.searchParams.get('filter') ?? '';
      expect(url.pathname).toBe('/v1/projects/p/occurrences');
      expect(url.searchParams.get('pageSize')).toBe('1000');
      expect(filter).toContain('resourceUrl="https://us-docker.pkg.dev/p/r/team/app@sha256:');
      if (filter.includes('DISCOVERY'))
        return { status: 200, body: { occurrences: [{ discovery: { analysisStatus: 'FINISHED_SUCCESS' } }] } };
      const token = url.searchParams.get('pageToken');
      return {
        status: 200,
        body: {
          occurrences: [
            {
              noteName: `projects/goog-vulnz/notes/CVE-${token ?? '1'}`,
              vulnerability: { effectiveSeverity: 'CRITICAL', packageIssue: [{ affectedPackage: 'zlib' }] },
            },
          ],
          ...(token === null ? { nextPageToken: '2' } : {}),
        },
      };
    };
    const scene = await vendorCommand(row('artifact-registry', { 'containeranalysis.googleapis.com': analysis }));
    scene.content.image('a', 'v1');
    const run = await scene.run(REPORT);
    expect(run.outputs).toMatchObject({ outcome: 'reported', critical: '2' });
  });

  it('Artifact Registry: pages that do not end are no endless run', async () => {
    const analysis: Service = ({ url }) => ({
      status: 200,
      body: (url.searchParams.get('filter') ?? '').includes('DISCOVERY')
        ? { occurrences: [{ discovery: { analysisStatus: 'COMPLETE' } }] }
        : { occurrences: [], nextPageToken: 'again' },
    });
    const scene = await vendorCommand(row('artifact-registry', { 'containeranalysis.googleapis.com': analysis }));
    scene.content.image('a', 'v1');
    const run = await scene.run(REPORT);
    expect(run.outputs).toMatchObject({ outcome: 'partial', critical: '' });
    expect(scansOf(run.outputs.json)[0]).toMatchObject({ status: 'unavailable' });
  });

  it('Artifact Registry: a region that does not answer is no image without findings', async () => {
    const analysis: Service = ({ url }) => ({
      status: 200,
      body: url.searchParams.get('filter')?.includes('DISCOVERY')
        ? { occurrences: [{ discovery: { analysisStatus: 'COMPLETE' } }] }
        : { occurrences: [], unreachable: ['projects/p/locations/us'] },
    });
    const scene = await vendorCommand(row('artifact-registry', { 'containeranalysis.googleapis.com': analysis }));
    scene.content.image('a', 'v1');
    const run = await scene.run(REPORT);
    expect(run.outputs).toMatchObject({ outcome: 'partial', critical: '', unscanned: '1' });
    expect(scansOf(run.outputs.json)[0]).toMatchObject({ status: 'unavailable' });
    expect(run.log).toContain('projects/p/locations/us');
  });

  it('Harbor: requests grow with the repositories, and not with their images', async () => {
    const requestsOf = async (repositories: number, images: number) => {
      const scene = await vendorCommand(row('harbor'), ({ url }) => {
        const [, name] = /\/repositories\/(empty[^/]*)\/artifacts$/.exec(url.pathname) ?? [];
        if (name !== undefined) return { status: 200, headers: { 'x-total-count': '0' }, body: [] };
        if (url.pathname !== '/api/v2.0/projects/team/repositories') return undefined;
        const names = Array.from({ length: repositories - 1 }, (_, at) => ({ name: `team/empty-${at}` }));
        const body = [{ name: 'team/services/app' }, ...names];
        return { status: 200, headers: { 'x-total-count': String(body.length) }, body };
      });
      for (let at = 0; at < images; at += 1) scene.content.image(`image ${at}`, `tag-${at}`);
      const run = await scene.run({ ...REPORT, images: `${scene.image.split('/', 1)[0]}/team/*` });
      expect(run.outputs.images, run.log).toBe(String(images));
      // The quota is that of the project, whose repositories these are.
      expect(scene.cloud.requests.filter(({ url }) => url.pathname.endsWith('/summary'))).toHaveLength(1);
      // The double has two images on a page: further pages are no further kind of request.
      return scene.cloud.requests.filter(({ url }) => Number(url.searchParams.get('page') ?? 1) === 1).length;
    };
    const few = await requestsOf(2, 3);
    expect(await requestsOf(2, 40)).toBe(few);
    expect(((await requestsOf(12, 3)) - few) / 10).toBeLessThanOrEqual(1);
  });

  it('Harbor: state, findings and the quota of the project', async () => {
    const TYPE = 'application/vnd.security.vulnerability.report; version=1.1';
    let asked = 0;
    const scene = await vendorCommand(row('harbor'), ({ url, headers }) => {
      if (url.pathname.endsWith('/summary'))
        return {
          status: 200,
          body: { repo_count: 1, quota: { hard: { storage: 1000 }, used: { storage: 950 } } },
        };
      if (url.searchParams.get('with_scan_overview') === 'true' && url.pathname.includes('sha256')) {
        asked += 1;
        expect(headers['x-accept-vulnerabilities']).toContain('version=1.1');
        return { status: 200, body: { scan_overview: { [TYPE]: { scan_status: 'Success', complete_percent: 100 } } } };
      }
      if (!url.pathname.endsWith('/additions/vulnerabilities')) return undefined;
      return { status: 200, body: { [TYPE]: { vulnerabilities: [{ id: 'CVE-1', severity: 'High', package: 'a' }] } } };
    });
    scene.content.image('a', 'v1');
    scene.content.image('b', 'old');
    const run = await scene.run({ ...REPORT, 'fail-on': 'quota' });
    expect(run.outputs).toMatchObject({ outcome: 'condition-met', high: '1' });
    // Only watched images cost requests.
    expect(asked).toBe(1);
    expect(reported(run.outputs.json).usage).toMatchObject({ quota: { usedBytes: 950, limitBytes: 1000 } });
    expect(run.summary).toContain('95 % used');
  });

  it('Docker Hub: the pull limit costs no pull', async () => {
    const limit: Service = () => ({ status: 200, body: { token: 'for-the-limit' } });
    const scene = await vendorCommand(row('docker-hub', { 'auth.docker.io': limit }));
    scene.registry.addFault({
      match: { method: 'HEAD', path: /^\/v2\/ratelimitpreview\/test\/manifests\/latest$/ },
      action: {
        status: 200,
        headers: { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '12;w=21600' },
      },
    });
    scene.content.image('a', 'v1');
    const run = await scene.run({ ...REPORT, environments: 'v1' });
    expect(run.outputs.outcome).toBe('reported');
    expect(reported(run.outputs.json).usage).toMatchObject({
      rateLimits: [{ kind: 'pulls', limit: 100, remaining: 12, windowSeconds: 21600 }],
    });
    expect(run.log).toContain('12 of 100 pulls are left');
    const pulls = scene.registry.log.filter(({ method, path }) => method === 'GET' && path.includes('/manifests/'));
    expect(pulls).toEqual([]);
  });
});

describe.each(VENDOR_ROWS.map(({ id }) => id))('%s', (id) => {
  it('is reported, with what it does not list left out', async () => {
    const scene = await vendorCommand(row(id), ({ url, headers }) => {
      const isScan = String(headers['x-amz-target'] ?? '').endsWith('.DescribeImageScanFindings');
      if (isScan) return failureOf('ScanNotFoundException');
      return url.pathname === '/rate_limit'
        ? { status: 200, body: { resources: { core: { limit: 1000, remaining: 900, reset: 1_900_000_000 } } } }
        : undefined;
    });
    const { content } = scene;
    content.index([content.image('a'), content.image('b')], 'v1', 'latest');
    content.image('c', 'v2');
    content.image('untagged');
    const run = await scene.run({ ...REPORT, watch: 'v2', scans: 'none' });
    expect(run.outputs.outcome).toBe('reported');
    const { counts } = reported(run.outputs.json);
    const hidden = ['docker-hub', 'nexus', 'artifactory'].includes(id);
    expect(counts).toMatchObject({ images: id === 'docker-hub' ? 2 : 3, tags: 3 });
    expect(fieldsOf(counts).untagged).toBe(hidden ? undefined : 1);
    expect(scene.problems()).toEqual([]);
  });
});

it('an empty repository that exists is reported as empty, and one that does not exist is an error', async () => {
  const { run } = await vendorCommand(row('ecr'));
  const empty = await run(REPORT);
  expect(empty.outputs).toMatchObject({ outcome: 'reported', images: '0', 'size-bytes': '0' });
  const absent = await run({
    ...REPORT,
    images: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/other',
  });
  expect(absent.outputs).toMatchObject({ outcome: 'registry-failed', images: '' });
});

it('a summary of very many differences stays readable', async () => {
  const scene = await vendorCommand(row('harbor'));
  for (let at = 0; at < 20; at += 1) scene.content.image(`image ${at}`, `env${at}`);
  const environments = Array.from({ length: 20 }, (_, at) => `env${at}`).join(',');
  const run = await scene.run({ ...REPORT, scans: 'none', environments });
  expect(run.outputs.outcome).toBe('reported');
  expect(run.summary.length).toBeLessThan(20_000);
});

const failureOf = (type: string): CloudReply => ({ status: 400, body: { __type: type, message: type } });
