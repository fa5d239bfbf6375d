import { describe, expect, test } from 'vitest';
import { buildArguments, csvRecord } from '../../../src/domain/build-arguments.ts';
import {
  type BuildRequest,
  cachesOverTags,
  defaultContext,
  expandContexts,
  gatedInputs,
  gitHost,
  provenanceAttributes,
  secretLookingArgs,
} from '../../../src/domain/build-request.ts';
import { foreignPlatforms } from '../../../src/domain/builder-choice.ts';
import { EMPTY_REQUEST, EVENT } from '../../support/build.ts';

const PLACE = {
  builder: 'b',
  directory: '/t/image',
  metadataFile: '/t/metadata.json',
  secrets: [],
  provenance: 'mode=max,builder-id=https://x',
  sbom: 'true',
};

test('the shortest build', () => {
  expect(buildArguments(EMPTY_REQUEST, PLACE)).toEqual([
    'buildx',
    'build',
    '--builder',
    'b',
    '--progress',
    'plain',
    '--provenance=mode=max,builder-id=https://x',
    '--sbom=true',
    '--output',
    'type=oci,tar=false,dest=/t/image',
    '--metadata-file',
    '/t/metadata.json',
    '--',
    '.',
  ]);
});

test('every input arrives, each value in an argument of its own', () => {
  const request: BuildRequest = {
    context: 'app',
    file: 'docker/Dockerfile',
    target: 'prod',
    platforms: ['linux/amd64', 'linux/arm64'],
    buildArgs: ['A=1,2', 'B'],
    buildContexts: [{ name: 'docs', value: './docs' }],
    secrets: [{ name: 'never', value: 'shown' }],
    secretEnvs: [],
    secretFiles: [],
    ssh: ['default'],
    cacheFrom: ['type=gha', 'type=registry,ref=r.example/c'],
    cacheTo: ['type=gha,mode=max'],
    noCache: true,
    noCacheFilters: ['stage'],
    pull: true,
    network: 'none',
    addHosts: ['db:10.0.0.1'],
    allow: ['network.host'],
    shmSize: '2gb',
    ulimit: ['nofile=1024:1024'],
    cgroupParent: 'cg',
    labels: ['k=v, w'],
    annotations: ['index:k=v'],
    tags: ['r.example/a:1', 'r.example/a:2'],
    provenance: true,
    sbom: true,
  };
  const args = buildArguments(request, { ...PLACE, secrets: ['id=x,src=/t/0'], sbom: 'generator=g' });
  expect(args.join(' ')).toMatchInlineSnapshot(
    `"buildx build --builder b --progress plain --file docker/Dockerfile --target prod --platform linux/amd64,linux/arm64 --build-arg A=1,2 --build-arg B --build-context docs=./docs --secret id=x,src=/t/0 --ssh default --cache-from type=gha --cache-from type=registry,ref=r.example/c --cache-to type=gha,mode=max --no-cache --no-cache-filter stage --pull --network none --add-host db:10.0.0.1 --allow network.host --shm-size 2gb --ulimit nofile=1024:1024 --cgroup-parent cg --label k=v, w --annotation index:k=v --tag r.example/a:1 --tag r.example/a:2 --provenance=mode=max,builder-id=https://x --sbom=generator=g --output type=oci,tar=false,dest=/t/image --metadata-file /t/metadata.json -- app"`,
  );
  expect(args.join(' ')).not.toContain('shown');
});

test('a folder with a comma or a quote stays one field', () => {
  expect(csvRecord(['type=oci', 'dest=/a,b/"c"'])).toBe('type=oci,"dest=/a,b/""c"""');
  expect(buildArguments(EMPTY_REQUEST, { ...PLACE, directory: '/t,x' })).toContain('type=oci,tar=false,"dest=/t,x"');
});

test('a context that looks like an option is no option', () => {
  expect(buildArguments({ ...EMPTY_REQUEST, context: '--push' }, PLACE).slice(-2)).toEqual(['--', '--push']);
});

describe('provenance', () => {
  const builder = `builder-id=${EVENT.runUrl}`;
  test.each<[boolean | string | undefined, boolean, string]>([
    [undefined, false, `mode=max,${builder}`],
    [undefined, true, `mode=min,${builder}`],
    [true, false, `mode=max,${builder}`],
    [true, true, `mode=min,${builder}`],
    [false, false, 'false'],
    ['disabled=true', false, 'false'],
    ['mode=max', true, `mode=max,${builder}`],
    ['mode=min,version=v1', false, `mode=min,version=v1,${builder}`],
    ['version=v1', true, `mode=min,version=v1,${builder}`],
    ['mode=max,builder-id=https://mine', false, 'mode=max,builder-id=https://mine'],
  ])('%s in a repository that is private: %s', (value, isPrivate, expected) => {
    const event = { ...EVENT, repository: { ...EVENT.repository, isPrivate } };
    expect(provenanceAttributes(value, event)).toBe(expected);
  });
});

describe('contexts', () => {
  test('{{defaultContext}} is the commit of the event', () => {
    const git = `https://github.com/org/app.git#${EVENT.sha}`;
    expect(defaultContext(EVENT)).toBe(git);
    const request = {
      ...EMPTY_REQUEST,
      context: '{{defaultContext}}:sub',
      buildContexts: [{ name: 'src', value: '{{ defaultContext }}' }],
    };
    expect(expandContexts(request, EVENT)).toMatchObject({
      context: `${git}:sub`,
      buildContexts: [{ name: 'src', value: git }],
    });
  });

  test.each([
    ['.', undefined],
    ['./app', undefined],
    ['https://github.com/org/app.git', 'github.com'],
    ['https://github.com/org/app.git#main:sub', 'github.com'],
    ['https://GitHub.com/org/app#main', 'github.com'],
    ['https://ghe.example:8443/org/app.git?ref=main', 'ghe.example:8443'],
    ['https://example.com/context.tar.gz', undefined],
    ['http://github.com/org/app.git', undefined],
    ['git@github.com:org/app.git', undefined],
    ['https://github.com.evil.example/org/app.git', 'github.com.evil.example'],
    ['https://user@github.com/org/app.git', undefined],
  ])('%s is fetched with git over HTTPS from %s', (context, host) => {
    expect(gitHost(context)).toBe(host);
  });
});

test('build arguments that look like secrets', () => {
  const args = ['NPM_TOKEN=x', 'DB_PASSWORD', 'API_KEY=1', 'key=2', 'NODE_VERSION=24', 'MONKEY=1', 'TOKENIZER=bpe'];
  expect(secretLookingArgs(args)).toEqual(['NPM_TOKEN', 'DB_PASSWORD', 'API_KEY', 'key']);
});

describe('inputs that need a newer buildx', () => {
  const older = (than: string) => (wanted: string) => wanted.localeCompare(than, 'en', { numeric: true }) <= 0;
  test.each<[string, Partial<BuildRequest>, string[]]>([
    ['0.9.1', {}, ['0.10.0']],
    ['0.10.0', {}, []],
    ['0.11.2', { annotations: ['a=b'] }, ['0.12.0']],
    ['0.12.0', { annotations: ['a=b'] }, []],
    ['0.20.0', { cacheTo: ['mode=max,type=gha'] }, ['0.21.0']],
    ['0.20.0', { cacheFrom: ['type=registry,ref=x'] }, []],
    ['0.21.0', { cacheFrom: ['type=gha'] }, []],
  ])('buildx %s with %o lacks %s', (version, request, lacking) => {
    const gated = gatedInputs({ ...EMPTY_REQUEST, ...request }, { cacheServiceV2: true }, older(version));
    expect(gated.map(({ buildx }) => buildx)).toEqual(lacking);
  });

  test('on a server with the old cache service the old buildx will do', () => {
    const request = { ...EMPTY_REQUEST, cacheFrom: ['type=gha'] };
    expect(gatedInputs(request, { cacheServiceV2: false }, older('0.20.0'))).toEqual([]);
  });
});

test('platforms that a builder needs emulation for', () => {
  const builder = {
    name: 'b',
    driver: 'docker',
    nodes: [{ status: 'running', platforms: ['linux/amd64', 'linux/arm64'], labels: {} }],
  };
  expect(foreignPlatforms(builder, ['linux/amd64', 'linux/arm64/v8', 'linux/arm/v7', 'local'])).toEqual([
    'linux/arm/v7',
  ]);
});

test.each<[string, readonly string[]]>([
  ['type=registry,ref=ghcr.io/org/app:main,mode=max', ['ghcr.io/org/app:main']],
  ['mode=max,ref=docker.io/library/app,type=registry', ['docker.io/library/app:latest']],
  ['app', ['app:latest']],
  ['type=registry,ref=ghcr.io/org/app:buildcache', []],
  ['type=registry,ref=ghcr.io/org/other:main', []],
  ['type=registry,ref=localhost:5000/app:main', ['localhost:5000/app:main']],
  ['type=gha,mode=max', []],
  ['type=local,dest=app', []],
])('P1: a cache that would be written over tags of the run: %s', (cache, expected) => {
  const images = ['ghcr.io/org/app', 'docker.io/library/app', 'localhost:5000/app'];
  expect(cachesOverTags([cache], images, ['main', 'latest'])).toEqual(expected);
});
