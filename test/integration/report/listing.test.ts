import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../../src/domain/fields.ts';
import { contentOf } from '../../support/cleanup/content.ts';
import { vendorCommand } from '../../support/cleanup/vendor-command.ts';
import { VENDOR_ROWS } from '../../support/cleanup/vendors.ts';
import type { CloudReply, CloudRequest } from '../../support/cloud.ts';
import { readContract } from '../../support/contract/read.ts';
import type { ContractName } from '../../support/contract/table.ts';
import { reportScene, runReport } from '../../support/report/scene.ts';

const namesIn = (json = '{}') => {
  const { repositories } = fieldsOf(JSON.parse(json));
  return Array.isArray(repositories) ? repositories.map((each) => String(fieldsOf(each).repository)) : [];
};

describe('a registry by its list of repositories', () => {
  it('all repositories, page by page, without those that are taken out', async () => {
    const { registry } = await reportScene({ pageSize: 3 });
    for (let at = 0; at < 8; at += 1) contentOf(registry, `team/app-${at}`).image(`image ${at}`, 'v1');
    contentOf(registry, 'tmp/x').image('x', 'v1');
    const run = await runReport({ images: `${registry.host}/*\n!${registry.host}/tmp/*` });
    expect(run.outputs).toMatchObject({ outcome: 'reported', images: '8' });
    // Nothing is known of ages here: a chart of it would be one bar.
    expect(run.summary).not.toContain('Images by age');
    expect(namesIn(run.outputs.json)).toEqual(Array.from({ length: 8 }, (_, at) => `${registry.host}/team/app-${at}`));
  });

  it('an empty repository that the registry lists is not missing, and one that is named is', async () => {
    const { registry } = await reportScene();
    contentOf(registry, 'team/app').image('a', 'v1');
    registry.putBlob('team/empty', Buffer.from('{}'));
    const listed = await runReport({ images: `${registry.host}/team/*` });
    expect(listed.outputs).toMatchObject({ outcome: 'reported', images: '1' });
    const named = await runReport({ images: `${registry.host}/team/empty` });
    expect(named.outputs.outcome).toBe('registry-failed');
  });

  it('an empty registry, and a pattern without a match, are said to be so', async () => {
    const { registry } = await reportScene();
    const run = await runReport({ images: `${registry.host}/*`, 'metrics-file': 'm.prom' });
    expect(run.outputs.outcome, run.log).toBe('partial');
    expect(run.summary).toContain('no repository matches');
    const strict = await runReport({ images: `${registry.host}/*`, 'fail-on': 'incomplete' });
    expect(strict.exitCode).toBe(1);
  });

  it.each([404, 405, 401, 403, 500])(
    'a registry that answers %s to the list: named repositories are read',
    async (status) => {
      const { registry, image, content } = await reportScene({
        faults: [{ match: { path: /_catalog/, nth: 'all' }, action: { status } }],
      });
      content.image('a', 'v1');
      const alone = await runReport({ images: `${registry.host}/*` });
      expect(alone.outputs.outcome, alone.log).toBe('registry-failed');
      expect(alone.log).toContain(`The repositories of ${registry.host} cannot be listed`);
      expect(alone.log).toContain('Or name the repositories in `images`');
      const both = await runReport({ images: `${registry.host}/*\n${image}` });
      expect(both.outputs).toMatchObject({ outcome: 'partial', images: '1' });
    },
  );

  it('the permission that is lost half way leaves what was read', async () => {
    const { registry } = await reportScene({
      faults: [{ match: { path: /\/v2\/team\/b\//, nth: 'all' }, action: { status: 403 } }],
    });
    for (const name of ['team/a', 'team/b', 'team/c']) contentOf(registry, name).image(name, 'v1');
    const run = await runReport({ images: `${registry.host}/*`, 'metrics-file': 'm.prom' });
    expect(run.outputs).toMatchObject({ outcome: 'partial', images: '2' });
    expect(run.summary).toContain('❌ not read');
    expect(namesIn(run.outputs.json)).toHaveLength(3);
  });

  it('an endless list ends', async () => {
    const { registry } = await reportScene({
      faults: [
        {
          match: { path: /_catalog/, nth: 'all' },
          action: { status: 200, headers: { link: '</v2/_catalog?n=1>; rel="next"' }, body: { repositories: ['a'] } },
        },
      ],
    });
    const run = await runReport({ images: `${registry.host}/*` });
    expect(run.log).toContain('does not come to an end');
  });

  it('environments are compared in the repositories that have any of them', async () => {
    const { registry } = await reportScene();
    contentOf(registry, 'team/a').image('a', 'staging', 'production');
    contentOf(registry, 'team/b').image('b', 'staging');
    contentOf(registry, 'team/tool').image('c', 'v1');
    const run = await runReport({ images: `${registry.host}/team/*`, environments: 'staging,production' });
    const { drift } = fieldsOf(JSON.parse(run.outputs.json ?? '{}'));
    expect(drift).toMatchObject([{ kind: 'missing', image: `${registry.host}/team/b`, to: 'production' }]);
  });

  it('many repositories are one step, in the order of their names', async () => {
    const { registry } = await reportScene();
    const names = Array.from({ length: 40 }, (_, at) => `team/app-${String(at).padStart(2, '0')}`);
    for (const name of names.toReversed()) contentOf(registry, name).image(name, 'v1');
    const run = await runReport({ images: `${registry.host}/*` });
    expect(run.summary).toContain('Read 40 repositories');
    expect(namesIn(run.outputs.json)).toEqual(names.map((name) => `${registry.host}/${name}`));
  });
});

describe('the lists of vendors', () => {
  const target = ({ headers }: CloudRequest) => String(headers['x-amz-target'] ?? '');
  const ok = (body: unknown, headers: Readonly<Record<string, string>> = {}): CloudReply => ({
    status: 200,
    headers,
    body,
  });

  interface Row {
    readonly id: (typeof VENDOR_ROWS)[number]['id'];
    readonly images: string;
    /** Checks the requests of the list by the vendor's description. */
    readonly contract?: ContractName;
    readonly answer: (request: CloudRequest) => CloudReply | undefined;
    readonly refusal: CloudReply;
    readonly right: string;
  }
  const rows: readonly Row[] = [
    {
      id: 'ghcr',
      images: 'ghcr.io/acme/*',
      contract: 'github',
      answer: ({ url }) => {
        if (url.pathname !== '/orgs/acme/packages') return undefined;
        if (url.searchParams.get('page') === '2') return ok([]);
        const link = `<https://api.github.com/orgs/acme/packages?package_type=container&per_page=100&page=2>; rel="next"`;
        return ok([{ name: 'App' }], { link });
      },
      refusal: { status: 403, body: { message: 'Resource not accessible by integration' } },
      right: 'read:packages',
    },
    {
      id: 'docker-hub',
      images: 'acme/*',
      contract: 'docker-hub',
      answer: ({ url }) =>
        url.pathname === '/v2/namespaces/acme/repositories'
          ? ok({ count: 1, next: null, results: [{ name: 'app' }] })
          : undefined,
      refusal: { status: 403, body: { message: 'access denied' } },
      right: 'an access token',
    },
    {
      id: 'ecr',
      images: '/*',
      contract: 'ecr',
      answer: (request) =>
        target(request).endsWith('.DescribeRepositories')
          ? JSON.parse(request.body).nextToken === undefined
            ? ok({ repositories: [{ repositoryName: 'other/x' }], nextToken: 'two' })
            : ok({ repositories: [{ repositoryName: 'team/app' }] })
          : undefined,
      refusal: {
        status: 400,
        body: { __type: 'AccessDeniedException', message: 'not authorized to perform ecr:DescribeRepositories' },
      },
      right: 'ecr:DescribeRepositories',
    },
    {
      id: 'ecr-public',
      images: '/alias/*',
      contract: 'ecr-public',
      answer: (request) =>
        target(request).endsWith('.DescribeRepositories')
          ? JSON.parse(request.body).nextToken === undefined
            ? ok({ repositories: [{ repositoryName: 'other' }], nextToken: 'two' })
            : ok({ repositories: [{ repositoryName: 'app' }] })
          : undefined,
      refusal: {
        status: 400,
        body: { __type: 'AccessDeniedException', message: 'not authorized to perform ecr-public:DescribeRepositories' },
      },
      right: 'ecr-public:DescribeRepositories',
    },
    {
      id: 'harbor',
      images: '/*',
      contract: 'harbor',
      answer: ({ url }) => {
        if (url.pathname === '/api/v2.0/projects') return ok([{ name: 'team' }], { 'x-total-count': '1' });
        if (url.pathname === '/api/v2.0/projects/team/repositories')
          return ok([{ name: 'team/services/app' }], { 'x-total-count': '1' });
        return undefined;
      },
      refusal: { status: 403, body: { errors: [{ code: 'FORBIDDEN', message: 'forbidden' }] } },
      right: 'repository: list',
    },
    {
      id: 'acr',
      images: '/*',
      contract: 'acr',
      answer: ({ url, body }) => {
        if (`${url.search}${body}`.includes('registry%3Acatalog')) return ok({ access_token: 'catalog' });
        return url.pathname === '/acr/v1/_catalog' ? ok({ repositories: ['org/app'] }) : undefined;
      },
      refusal: { status: 403, body: { errors: [{ code: 'DENIED', message: 'requested access is denied' }] } },
      right: 'Container Registry Repository Catalog Lister',
    },
    {
      id: 'artifact-registry',
      images: '/p/*',
      contract: 'artifact-registry',
      answer: ({ url }) => {
        const home = '/v1/projects/p/locations/us/repositories';
        if (url.pathname === home)
          return ok({
            repositories: [
              { name: `${home.slice(4)}/r`, format: 'DOCKER' },
              { name: `${home.slice(4)}/maven`, format: 'MAVEN' },
            ],
          });
        if (url.pathname === `${home}/r/packages`)
          return ok({ packages: [{ name: `${home.slice(4)}/r/packages/team%2Fapp` }] });
        return undefined;
      },
      refusal: { status: 403, body: { error: { code: 403, status: 'PERMISSION_DENIED', message: 'denied' } } },
      right: 'roles/artifactregistry.reader',
    },
  ];

  it.each(rows)('$id', async ({ id, images, contract, answer, refusal, right }) => {
    const row = VENDOR_ROWS.find((each) => each.id === id);
    if (row === undefined) throw new Error(id);
    const description = contract === undefined ? undefined : await readContract(contract);
    let isRefused = false;
    let lists = 0;
    const scene = await vendorCommand(row, (request) => {
      const reply = answer(request);
      if (reply === undefined) return undefined;
      // Tokens for a user name are asked for by GET, as the registry's own API has it.
      const isToken = request.url.pathname === '/oauth2/token';
      expect(isToken ? [] : (description?.check(request) ?? [])).toEqual([]);
      lists += 1;
      return isRefused ? refusal : reply;
    });
    scene.content.image('a', 'v1');
    const pattern = images.startsWith('/') ? `${row.host}${images}` : images;
    const run = await scene.run({ command: 'report', images: pattern, watch: 'v1' });
    expect(run.outputs.images, run.log).not.toBe('');
    expect(namesIn(run.outputs.json)).toContain(`${row.host}/${row.repository}`);
    expect(lists).toBeGreaterThan(0);
    isRefused = true;
    const refused = await scene.run({ command: 'report', images: pattern });
    expect(refused.exitCode, refused.log).toBe(1);
    expect(refused.log).toContain('cannot be listed');
    expect(refused.log).toContain(right);
  });

  it('an alias of another account is refused, and is no empty list', async () => {
    const row = VENDOR_ROWS.find(({ id }) => id === 'ecr-public');
    if (row === undefined) throw new Error('ecr-public');
    const scene = await vendorCommand(row);
    const run = await scene.run({ command: 'report', images: `${row.host}/another/*` });
    expect(run.exitCode, run.log).toBe(1);
    expect(run.log).toContain('The images are those of the alias another');
  });
});
