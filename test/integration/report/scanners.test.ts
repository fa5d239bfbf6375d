import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fieldsOf } from '../../../src/domain/fields.ts';
import { alpine, npmPackage } from '../../support/image.ts';
import { writeLayout } from '../../support/layout.ts';
import { freshDirectory } from '../../support/report/directory.ts';
import { reportScene, runReport } from '../../support/report/scene.ts';
import { packTrivyDb, serveMirrors } from '../../support/trivy-db.ts';

/** A vulnerable image of two platforms in a registry, and a mirror of the database. */
async function vulnerable() {
  const scene = await reportScene();
  const directory = await freshDirectory();
  const layers = [alpine('3.22.1', { busybox: '1.37.0-r18' }), npmPackage('lodash', '4.17.11')];
  await writeLayout(directory, {
    platforms: ['linux/amd64', 'linux/arm64'].map((platform) => ({ platform, layers })),
  });
  await scene.registry.putLayout(scene.name, 'latest', directory);
  const mirrors = await serveMirrors({ 'trivy-db': { layer: await packTrivyDb() } });
  onTestFinished(() => mirrors[Symbol.asyncDispose]());
  return { ...scene, database: { 'db-repository': mirrors.repository('trivy-db') } };
}

const SARIF = {
  runs: [
    {
      tool: {
        driver: {
          rules: [
            {
              id: 'CVE-2019-10744',
              properties: { cvssV3_severity: 'HIGH', purls: ['pkg:npm/lodash@4.17.11'], fixed_version: '4.17.12' },
            },
            { id: 'CVE-2099-1', properties: { cvssV3_severity: 'LOW' } },
          ],
        },
      },
      results: [{ ruleId: 'CVE-2019-10744' }, { ruleId: 'CVE-2099-1' }],
    },
  ],
};

/** A docker command with a Scout plugin that notes what it is called with. */
async function dockerWithScout(answer: string) {
  const folder = join(await freshDirectory(), 'bin');
  await mkdir(folder);
  const log = join(folder, 'calls');
  await writeFile(join(folder, 'sarif.json'), JSON.stringify(SARIF));
  await writeFile(
    join(folder, 'docker'),
    `#!/bin/sh
[ "$1" = scout ] || exit 1
[ "$2" = version ] && exit 0
echo "$*" >> ${log}
[ -f "\${9#oci-dir://}/index.json" ] || exit 7
${answer.replaceAll('SARIF', join(folder, 'sarif.json'))}
`,
  );
  await chmod(join(folder, 'docker'), 0o755);
  return { PATH: `${folder}${delimiter}${process.env.TEST_TRIVY_DIR}${delimiter}${process.env.PATH}`, log };
}

function watched(json = '{}') {
  const { repositories } = fieldsOf(JSON.parse(json));
  const { watched: all } = fieldsOf(Array.isArray(repositories) ? repositories[0] : undefined);
  return fieldsOf(Array.isArray(all) ? all[0] : undefined);
}

describe('scanners of the run', () => {
  it('Trivy and Docker Scout are compared as sets of ids', async () => {
    const { image, database } = await vulnerable();
    const { PATH, log } = await dockerWithScout('cp SARIF "$6"');
    const run = await runReport({ images: image, scans: 'trivy,scout', ...database }, { env: { PATH } });
    expect(run.outputs, run.log).toMatchObject({ outcome: 'reported', critical: '1', unscanned: '0' });
    const { comparisons, scans } = watched(run.outputs.json);
    expect(Array.isArray(scans) ? scans.map((scan) => fieldsOf(scan).status) : []).toEqual(['complete', 'complete']);
    expect(Array.isArray(comparisons) ? comparisons[0] : undefined).toMatchObject({
      first: 'trivy',
      second: 'scout',
      both: 1,
      onlySecond: ['CVE-2099-1'],
      rated: [{ id: 'CVE-2019-10744', first: 'CRITICAL', second: 'HIGH' }],
    });
    const calls = (await readFile(log, 'utf8')).trim().split('\n');
    expect(calls.map((line) => / --platform (\S+) /.exec(line)?.[1])).toEqual(['linux/amd64', 'linux/arm64']);
    expect(run.summary).toContain('only Docker Scout');
  });

  it('a scanner that fails is no clean image', async () => {
    const { image } = await vulnerable();
    const { PATH } = await dockerWithScout('echo "log in to Docker Hub first" >&2; exit 1');
    const run = await runReport({ images: image, scans: 'scout', 'fail-on': 'unscanned' }, { env: { PATH } });
    expect(run.outputs).toMatchObject({ outcome: 'condition-met', critical: '', unscanned: '1' });
    expect(run.summary).toContain('❌ scan failed');
    expect(run.summary).toContain('log in to Docker Hub first');
  });

  it('a runner without the plugin says so', async () => {
    const { content, image } = await reportScene();
    content.image('one', 'latest');
    const run = await runReport({ images: image, scans: 'scout' }, { env: { PATH: '/nonexistent' } });
    expect(run.exitCode).toBe(0);
    expect(run.summary).toContain('❔ cannot be scanned');
    expect(run.summary).toContain('no <code>docker scout</code> plugin');
  });

  it('a chart under a watched tag is not an unscanned image', async () => {
    const { content, image } = await reportScene();
    content.put(
      'application/vnd.oci.image.manifest.v1+json',
      {
        config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: `sha256:${'1'.repeat(64)}`, size: 1 },
        layers: [],
      },
      ['latest'],
    );
    const run = await runReport({ images: image, scans: 'trivy', 'fail-on': 'incomplete,unscanned' });
    expect(run.outputs).toMatchObject({ outcome: 'reported', unscanned: '0' });
  });

  it('a database that cannot be read leaves the rest of the report', async () => {
    const { image, registry } = await vulnerable();
    const run = await runReport({ images: image, scans: 'trivy', 'db-repository': `${registry.host}/none:2` });
    expect(run.exitCode).toBe(0);
    expect(run.outputs).toMatchObject({ outcome: 'partial', images: '1', critical: '' });
    expect(run.summary).toContain('❌ unavailable');
  });
});
