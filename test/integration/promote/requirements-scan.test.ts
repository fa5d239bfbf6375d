import { describe, expect, onTestFinished, test } from 'vitest';
import { packTrivyDb, serveMirrors } from '../../support/trivy-db.ts';
import { CLEAN, LODASH } from '../setting.ts';
import { type Asked, createStages, STRICT } from './stages.ts';

const DAY = 86_400_000;
const ago = (milliseconds: number) => new Date(Date.now() - milliseconds).toISOString();
const SCANNED = { requirements: [{ name: 'scan=now', detail: 'scanned by this run' }], scan: STRICT };

const image = (files: Readonly<Record<string, string>>) => ({
  platforms: [
    { platform: 'linux/amd64', files: CLEAN },
    { platform: 'linux/arm64', files: { ...CLEAN, ...files } },
  ],
});

/** The environments, and a mirror of the small database of the scanner. */
async function createScanned() {
  const environments = await createStages();
  onTestFinished(environments[Symbol.asyncDispose]);
  const mirrors = await serveMirrors({ 'trivy-db': { layer: await packTrivyDb() } });
  onTestFinished(mirrors[Symbol.asyncDispose]);
  const scanned = (inputs: Readonly<Record<string, string>> = {}): Asked => ({
    inputs: { 'db-repository': mirrors.repository('trivy-db'), ...inputs },
  });
  return { environments, scanned };
}

describe('scan=now', () => {
  test('lets what is clean pass, and refuses what one platform has', async () => {
    const { environments, scanned } = await createScanned();
    await environments.layout(image({}));
    const run = await environments.passes('scan=now', scanned());
    expect(run.log).toMatch(/met {6}scan=now: scanned by this run \(0 critical, 0 high\)/);
    await environments.layout(image(LODASH));
    const refused = await environments.refuses(
      'scan=now',
      ['scan=now: the scan has not passed (', ' block it'],
      scanned(),
    );
    expect(refused.log).toContain('lodash 4.17.11');
    expect(refused.summary).toMatch(/CVE-2019-10744.*lodash 4\.17\.11 → 4\.17\.12.*linux\/arm64/);
    expect(JSON.parse(refused.outputs.json ?? '{}').gate.gated[0]).toMatchObject({ id: 'CVE-2019-10744' });
  }, 120_000);

  test('`severity` and `ignorefile` mean what they mean in a publish', async () => {
    const { environments, scanned } = await createScanned();
    await environments.layout(image(LODASH));
    const run = await environments.refuses('scan=now', ['the scan has not passed'], scanned({ severity: 'CRITICAL' }));
    const ids = [...new Set(run.log.match(/CVE-\d+-\d+/g))];
    expect(ids.length).toBeGreaterThan(0);
    await environments.passes('scan=now', scanned({ severity: 'LOW' }));
    const until = new Date(Date.now() + 5 * DAY).toISOString().slice(0, 10);
    const ignores = (list: readonly string[]) =>
      list.map((id) => `  - id: ${id}\n    expires: ${until}\n    reason: not reachable here\n`).join('');
    await environments.job.repository.commit('ignore', { 'some.yaml': `vulnerabilities:\n${ignores(ids)}` });
    await environments.passes('scan=now', scanned({ severity: 'CRITICAL', ignorefile: 'some.yaml' }));
  }, 120_000);

  test('a scan that does not look for vulnerabilities is none', async () => {
    const { environments, scanned } = await createScanned();
    await environments.layout(image({}));
    const words = 'scan=now: the scan has not passed (`scanners` leaves out `vuln`)';
    await environments.refuses('scan=now', [words], scanned({ scanners: 'secret' }));
    await environments.passes('scan=now', scanned({ scanners: 'vuln' }));
  }, 120_000);

  test('an image that cannot be scanned is not let pass', async () => {
    const { environments, scanned } = await createScanned();
    await environments.layout(image({}));
    await environments.fails('DATABASE_UNREACHABLE', 'scan=now', scanned({ 'db-repository': '127.0.0.1:9/trivy-db' }));
  }, 120_000);
});

describe('scan,max-age', () => {
  test('a promotion that has scanned counts for the next, across environments, as long as it is young enough', async () => {
    const { environments, scanned } = await createScanned();
    await environments.layout(image({}));
    const none = 'scan,max-age=7d: this image has no gate result';
    await environments.refuses('scan,max-age=7d', [none]);
    const { inputs } = scanned({ environment: 'staging' });
    await environments.passes('scan=now', { inputs: { ...inputs } });
    const run = await environments.passes('scan,max-age=7d');
    expect(run.log).toMatch(/met {6}scan,max-age=7d: scanned 1m ago \(before the promotion to staging\)/);
    // Of another image it says nothing.
    await environments.layout(image({ 'app/other': 'other' }));
    await environments.refuses('scan,max-age=7d', [none]);
  }, 120_000);

  test('is measured by the newest record with a scan, and a record without one is none', async () => {
    await using environments = await createStages();
    const root = environments.source.image(['1'], {}, 'next');
    environments.record(root, { time: ago(8 * DAY), ...SCANNED });
    environments.record(root, { time: ago(DAY), requirements: [{ name: 'sbom', detail: 'an SBOM' }] });
    const tooOld = ['scan,max-age=7d: the scan was 9d ago, and at most 7d are allowed. Scan the image again'];
    await environments.refuses('scan,max-age=7d', tooOld);
    await environments.passes('scan,max-age=9d');
    environments.record(root, { time: ago(3 * DAY), ...SCANNED });
    await environments.refuses('scan,max-age=2d', ['the scan was 4d ago, and at most 2d are allowed']);
    await environments.passes('scan,max-age=4d');
    // A promotion that counted on an old scan has not scanned.
    environments.record(root, { time: ago(0), requirements: [{ name: 'scan,max-age=4d', detail: 'scanned 4d ago' }] });
    await environments.refuses('scan,max-age=2d', ['the scan was 4d ago']);
  });

  test('one from the future is none, and is named', async () => {
    await using environments = await createStages();
    const root = environments.source.image(['1'], {}, 'next');
    environments.record(root, { time: ago(-DAY), ...SCANNED });
    const run = await environments.refuses('scan,max-age=7d', ['this image has no gate result']);
    expect(run.log).toContain('in the future');
  });

  test('a scan that was judged less strictly than this one would be does not count', async () => {
    await using environments = await createStages();
    const root = environments.source.image(['1'], {}, 'next');
    const loose = { ...STRICT, severity: ['CRITICAL'], ignoreUnfixed: true };
    environments.record(root, { ...SCANNED, time: ago(DAY), scan: loose });
    const words = ['the one before the promotion to ', ' let HIGH pass, and let pass what has no fix'];
    await environments.refuses('scan,max-age=7d', words);
    await environments.passes('scan,max-age=7d', { inputs: { severity: 'CRITICAL', 'ignore-unfixed': 'true' } });
    environments.record(root, { ...SCANNED, time: ago(3 * DAY) });
    await environments.refuses('scan,max-age=2d', ['the scan was 4d ago']);
    await environments.passes('scan,max-age=4d');
  });

  test('one that did not look for vulnerabilities is none, whatever the gate looks for', async () => {
    await using environments = await createStages();
    const root = environments.source.image(['1'], {}, 'next');
    environments.record(root, { ...SCANNED, time: ago(DAY), scan: { ...STRICT, scanners: ['secret'] } });
    const inputs = { scanners: 'secret' };
    await environments.refuses('scan,max-age=7d', ['scan,max-age=7d: ', 'did not look with vuln'], { inputs });
  });

  test('a record of a scan without its terms is none', async () => {
    await using environments = await createStages();
    const root = environments.source.image(['1'], {}, 'next');
    environments.record(root, { time: ago(DAY), requirements: SCANNED.requirements });
    await environments.refuses('scan,max-age=7d', ['this image has no gate result']);
  });
});
