import { describe, expect, test } from 'vitest';
import type { GitEvent } from '../../../src/domain/event.ts';
import { fullNames, parseImages } from '../../../src/domain/images.ts';
import { deriveLabels, parseLabels } from '../../../src/domain/labels.ts';
import { METADATA_ACTION_TAGS } from '../../../src/domain/tags/defaults.ts';
import { deriveTags } from '../../../src/domain/tags/derive.ts';
import { parseFlavor } from '../../../src/domain/tags/flavor.ts';
import { loadRuleLibraries } from '../../../src/domain/tags/rule-libraries.ts';
import { parseTagRules } from '../../../src/domain/tags/rules.ts';
import { gitEvent, tagPush } from '../../support/events.ts';

await loadRuleLibraries(['{{date}}', 'type=pep440', '"']);

// What docker/metadata-action makes of these inputs, from its README and __tests__/meta.test.ts (v6.2.0).

const NOW = new Date('2020-01-10T00:30:00Z');
const MASTER_SHA = '266574110acf203ca6fe9d7d2b1ae1a2b9d732d7';

const DEV = gitEvent();
const MST = gitEvent({ ref: 'refs/heads/master', sha: MASTER_SHA });
const INV = gitEvent({ ref: 'refs/heads/my/feature#1245', sha: '983315b5fb7f0ad1d6b1b2a8fbb5b2d6c3d0b0aa' });
const WD = gitEvent({ name: 'workflow_dispatch', ref: 'refs/heads/master' });
const PR = gitEvent({
  name: 'pull_request',
  ref: 'refs/pull/15/merge',
  sha: 'a9c8c5828b91be19d9728548b24759e352367ef1',
  pullRequest: { number: 15, headSha: '3370e228f2209994d57af4427fe64e71bb79ac96', baseRef: 'master' },
});
const PRT = gitEvent({
  name: 'pull_request_target',
  ref: 'refs/pull/15/merge',
  sha: MASTER_SHA,
  pullRequest: { number: 15 },
});
const SCH = gitEvent({ name: 'schedule', ref: 'refs/heads/master' });
const REL = tagPush('v1.1.1', { name: 'release' });
const NONE = gitEvent({ ref: '', sha: '' });
const T = tagPush;

const DEFAULT = METADATA_ACTION_TAGS;
const SEMVER_3 = ['{{version}}', '{{major}}.{{minor}}', '{{major}}'].map((each) => `type=semver,pattern=${each}`);

interface Vector {
  readonly id: string;
  readonly event: GitEvent;
  readonly tags: readonly string[];
  readonly flavor?: readonly string[];
  /** Default: `org/app`. */
  readonly images?: readonly string[];
  readonly expected: readonly string[];
}

const app = (...tags: readonly string[]) => tags.map((tag) => `org/app:${tag}`);

const VECTORS: readonly Vector[] = [
  { id: '1 null02', event: NONE, tags: ['type=sha', 'type=raw,{{branch}}'], expected: [] },
  { id: '2 push01', event: DEV, tags: DEFAULT, expected: app('dev') },
  { id: '3 push03', event: MST, tags: DEFAULT, expected: app('master') },
  { id: '4 push04', event: WD, tags: ['type=edge'], expected: app('edge') },
  { id: '5 push07', event: DEV, tags: ['type=ref,event=branch', 'type=sha'], expected: app('dev', 'sha-860c190') },
  {
    id: '6 push18',
    event: DEV,
    tags: ['type=ref,event=branch', 'type=sha,format=long'],
    expected: app('dev', 'sha-860c1904a1ce19322e91ac35af1ab07466440c37'),
  },
  { id: '7 push09', event: DEV, tags: ['type=edge,branch=dev', 'type=sha'], expected: app('edge', 'sha-860c190') },
  {
    id: '10 push12',
    event: INV,
    tags: ['type=semver,pattern={{version}}', 'type=pep440,pattern={{version}}', 'type=edge'],
    expected: [],
  },
  {
    id: '11 push13',
    event: MST,
    tags: ['type=ref,priority=2000,event=branch', 'type=edge'],
    expected: app('master', 'edge'),
  },
  {
    id: '12 push14',
    event: MST,
    tags: ['type=semver,pattern={{version}},value=v1.2.3', 'type=pep440,pattern={{version}},value=v1.2.3', 'type=edge'],
    expected: app('1.2.3', 'edge', 'latest'),
  },
  {
    id: '13 push16',
    event: MST,
    tags: ['type=match,enable=false,pattern=v(.*),group=1,value=v1.2.3', 'type=edge'],
    expected: app('edge'),
  },
  {
    id: '15 push20',
    event: DEV,
    tags: ['type=sha,format=long'],
    images: ['org/app', 'name=ghcr.io/user/app,enable=false'],
    expected: app('sha-860c1904a1ce19322e91ac35af1ab07466440c37'),
  },
  { id: '17 tag01', event: T('release1'), tags: DEFAULT, expected: app('release1', 'latest') },
  {
    id: '18 tag03',
    event: T('20200110-RC2'),
    tags: ['type=match,pattern=\\d{8}'],
    flavor: ['latest=false'],
    expected: app('20200110'),
  },
  {
    id: '19 latest03',
    event: T('20200110-RC2'),
    tags: ['type=match,pattern=\\d{8}'],
    expected: app('20200110', 'latest'),
  },
  { id: '22 tag10', event: T('sometag'), tags: ['type=match,"pattern=\\d.\\d"'], expected: [] },
  { id: '23 tag11', event: T('v1.1.1'), tags: SEMVER_3, expected: app('1.1.1', '1.1', '1', 'latest') },
  {
    id: '24 tag12',
    event: T('v1.1.1'),
    tags: ['type=semver,pattern={{version}}', 'type=semver,pattern={{major}}.{{minor}}.{{patch}}'],
    expected: app('1.1.1', 'latest'),
  },
  {
    id: '26 tag31',
    event: T('v2.0.8-beta.67'),
    tags: ['type=semver,pattern={{raw}}'],
    expected: app('v2.0.8-beta.67'),
  },
  {
    id: '27 tag14',
    event: T('sometag'),
    tags: ['type=ref,event=tag', ...SEMVER_3],
    flavor: ['latest=false'],
    expected: app('sometag'),
  },
  {
    id: '29 tag16',
    event: T('v1.1.1'),
    tags: ['type=raw,priority=2000,foo', 'type=ref,event=tag', 'type=edge'],
    expected: app('foo', 'v1.1.1'),
  },
  {
    id: '34 tag21',
    event: T('v1.1.1'),
    tags: ['type=semver,pattern={{version}}'],
    flavor: ['suffix=-dev,onlatest=true'],
    expected: app('1.1.1-dev', 'latest-dev'),
  },
  {
    id: '36 tag25',
    event: T('1.1beta2'),
    tags: ['type=pep440,pattern={{major}}.{{minor}}', 'type=pep440,pattern={{major}}'],
    expected: app('1.1b2'),
  },
  {
    id: '37 tag26',
    event: T('1.0dev4'),
    tags: ['type=pep440,pattern={{major}}.{{minor}}'],
    expected: app('1.0.dev4'),
  },
  {
    id: '40 tag24',
    event: T('1.2'),
    tags: ['type=pep440,pattern={{version}}', 'type=pep440,pattern={{major}}.{{minor}}'],
    expected: app('1.2', 'latest'),
  },
  {
    id: '41 latest06',
    event: T('v2.0.8-beta.67'),
    tags: ['type=match,"pattern=\\d.\\d.\\d"'],
    expected: app('2.0.8', 'latest'),
  },
  {
    id: '42 latest08',
    event: T('v1.1.1'),
    tags: ['type=ref,event=tag'],
    flavor: ['latest=false'],
    images: ['ghcr.io/MyUSER/MyApp'],
    expected: ['ghcr.io/myuser/myapp:v1.1.1'],
  },
  {
    id: '43 latest10',
    event: T('v2.0.8-beta.67'),
    tags: ['type=match,pattern=\\d.\\d.\\d'],
    images: [],
    expected: ['2.0.8', 'latest'],
  },
  { id: '44 pr01', event: PR, tags: DEFAULT, expected: app('pr-15') },
  { id: '44 pr03', event: PR, tags: ['type=ref,event=pr', 'type=sha'], expected: app('pr-15', 'sha-a9c8c58') },
  {
    id: '47 pr09',
    event: PRT,
    tags: ['type=ref,event=tag', 'type=ref,event=pr', 'type=ref,event=branch', 'type=sha', 'type=sha,format=long'],
    expected: app('pr-15', 'sha-2665741', `sha-${MASTER_SHA}`),
  },
  {
    id: '49 pr12',
    event: PR,
    tags: ['type=raw,value={{commit_date YYYY-MM-DD-HHmmSS}}'],
    expected: app('2020-01-10T00-30-00Z'),
  },
  { id: '50 schedule01', event: SCH, tags: DEFAULT, expected: app('nightly', 'master') },
  { id: '53 release01', event: REL, tags: DEFAULT, expected: app('v1.1.1', 'latest') },
  { id: '56 README', event: gitEvent({ ref: 'refs/heads/releases/v1' }), tags: DEFAULT, expected: app('releases-v1') },
  // The same, from the tables of the README.
  {
    id: 'README v{{major}}',
    event: T('v1.2.3'),
    tags: ['type=semver,pattern=v{{major}}'],
    expected: app('v1', 'latest'),
  },
  { id: 'README {{patch}}', event: T('v1.2.3'), tags: ['type=semver,pattern={{patch}}'], expected: app('3', 'latest') },
  {
    id: 'README semver match',
    event: T('p1/v1.2.3'),
    tags: ['type=semver,pattern={{version}},match=v(\\d.\\d.\\d)$'],
    expected: app('1.2.3', 'latest'),
  },
  {
    id: 'README pep440 match',
    event: T('p1/v1.2.3'),
    tags: ['type=pep440,pattern={{version}},match=v(\\d.\\d.\\d)$'],
    expected: app('1.2.3', 'latest'),
  },
  {
    id: 'README pep440 {{raw}}',
    event: T('v1.2.3rc2'),
    tags: ['type=pep440,pattern={{raw}}'],
    expected: app('v1.2.3rc2'),
  },
  {
    id: 'README pep440 post',
    event: T('1.2.3post1'),
    tags: ['type=pep440,pattern={{major}}.{{minor}}'],
    expected: app('1.2.3.post1'),
  },
  {
    id: 'README match group',
    event: T('v2.0.8-beta.67'),
    tags: ['type=match,pattern=v(\\d.\\d),group=1'],
    expected: app('2.0', 'latest'),
  },
  {
    id: 'README match with slash',
    event: T('p1/v1.2.3'),
    tags: ['type=match,pattern=p1/v(\\d.\\d.\\d),group=1'],
    expected: app('1.2.3', 'latest'),
  },
  {
    id: 'README schedule with time zone',
    event: SCH,
    tags: ["type=schedule,pattern={{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}"],
    expected: app('20200110-093000'),
  },
  {
    id: 'README base_ref and is_default_branch on a pull request',
    event: PR,
    tags: ['type=raw,value=mytag-{{base_ref}}', 'type=raw,mytag-defbranch,enable={{is_default_branch}}'],
    expected: app('mytag-master'),
  },
  {
    id: 'README latest on the default branch',
    event: MST,
    tags: ['type=ref,event=branch', 'type=raw,value=latest,enable={{is_default_branch}}'],
    expected: app('master', 'latest'),
  },
  {
    id: 'README latest elsewhere',
    event: DEV,
    tags: ['type=ref,event=branch', 'type=raw,value=latest,enable={{is_default_branch}}'],
    expected: app('dev'),
  },
  {
    id: 'README raw in three forms',
    event: DEV,
    tags: ['type=raw,value=a', 'type=raw,b', 'c'],
    expected: app('a', 'b', 'c'),
  },
  {
    id: 'build metadata',
    event: T('v1.2.3+build.5'),
    tags: ['type=semver,pattern={{version}}', 'type=semver,pattern={{raw}}'],
    expected: app('1.2.3', 'v1.2.3-build.5', 'latest'),
  },
  { id: 'epoch', event: T('1!1.0'), tags: ['type=pep440,pattern={{version}}'], expected: app('1-1.0', 'latest') },
  {
    id: 'an own prefix or suffix replaces the flavor',
    event: DEV,
    tags: ['type=ref,event=branch', 'type=ref,event=branch,suffix=', 'type=raw,x,prefix=y-,suffix=-z', 'type=sha'],
    flavor: ['prefix=p-', 'suffix=-s'],
    expected: app('p-dev-s', 'p-dev', 'y-x-z', 'sha-860c190-s'),
  },
  {
    id: 'latest=true',
    event: DEV,
    tags: ['type=ref,event=branch'],
    flavor: ['latest=true', 'prefix=p-,onlatest=true'],
    expected: app('p-dev', 'p-latest'),
  },
  { id: 'latest=true without any other tag', event: DEV, tags: ['type=edge'], flavor: ['latest=true'], expected: [] },
];

function derive({ event, tags, flavor = [], images = ['org/app'] }: Vector) {
  const rules = parseTagRules(tags);
  const read = parseFlavor(flavor);
  const names = parseImages(images);
  if (!rules.ok || !read.ok || !names.ok) throw new Error(JSON.stringify([rules, read, names]));
  const derived = deriveTags({ rules: rules.value, flavor: read.value, event, commitDate: NOW, now: NOW });
  if (!derived.ok) throw new Error(derived.problems.join('\n'));
  return { version: derived.version, names: fullNames(names.value, derived.tags) };
}

describe("docker/metadata-action's results", () => {
  test.each(VECTORS)('$id', (vector) => {
    const { version, names } = derive(vector);
    expect(names).toEqual(vector.expected);
    expect(version).toBe(vector.expected[0]?.replace(/^.*:/, ''));
  });

  const labelTemplates = (lines: readonly string[]) => {
    const read = parseLabels(lines);
    return read.ok ? read.value : [];
  };

  test('57 latest09: custom labels win, and all are sorted by key', () => {
    const event = T('v1.1.1');
    const { version } = derive({ id: '', event, tags: ['type=ref,event=tag'], flavor: ['latest=false'], expected: [] });
    const labels = deriveLabels({
      event,
      version,
      created: NOW,
      now: NOW,
      custom: labelTemplates([
        'maintainer=CrazyMax',
        'org.opencontainers.image.title=MyCustomTitle',
        'org.opencontainers.image.description=Another description',
        'org.opencontainers.image.vendor=MyCompany',
      ]),
    });
    expect(Object.entries(labels)).toEqual([
      ['maintainer', 'CrazyMax'],
      ['org.opencontainers.image.created', '2020-01-10T00:30:00.000Z'],
      ['org.opencontainers.image.description', 'Another description'],
      ['org.opencontainers.image.licenses', 'MIT'],
      ['org.opencontainers.image.revision', '860c1904a1ce19322e91ac35af1ab07466440c37'],
      ['org.opencontainers.image.source', 'https://github.com/octocat/Hello-World'],
      ['org.opencontainers.image.title', 'MyCustomTitle'],
      ['org.opencontainers.image.url', 'https://github.com/octocat/Hello-World'],
      ['org.opencontainers.image.vendor', 'MyCompany'],
      ['org.opencontainers.image.version', 'v1.1.1'],
    ]);
  });
});
