import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readLayout } from '../../../../src/oci/image/layout.ts';
import { prepareJavaDatabase } from '../../../../src/tools/trivy/database.ts';
import { scanPlatforms } from '../../../../src/tools/trivy/scan.ts';
import { EMPTY_JAR, npmPackage } from '../../../support/image.ts';
import { writeLayout } from '../../../support/layout.ts';
import { createTestRuntime, type TestRuntime } from '../../../support/runtime.ts';
import { testTrivy } from '../../../support/trivy.ts';
import { openAnonymously, packJavaDb, serveMirrors, writeTrivyDb } from '../../../support/trivy-db.ts';

const JAR = { 'app/lib/some.jar': EMPTY_JAR };

async function scan(
  runtime: TestRuntime,
  files: Readonly<Record<string, string | Uint8Array>>,
  repositories: readonly string[],
) {
  const directory = join(runtime.temp, 'layout');
  await writeLayout(directory, {
    platforms: [
      { platform: 'linux/amd64', files },
      { platform: 'linux/arm64', files },
    ],
  });
  const cacheDir = await writeTrivyDb(join(runtime.temp, 'database'));
  let asked = 0;
  const prepareJava = async () => {
    asked += 1;
    return (await prepareJavaDatabase(runtime, { repositories, cacheDir, open: openAnonymously })).cacheDir;
  };
  const reports = await scanPlatforms(runtime, testTrivy(), await readLayout(directory), {
    scanners: ['vuln', 'secret'],
    cacheDir,
    prepareJava,
    timeout: 60_000,
  });
  return { reports, asked };
}

test('a jar without metadata is known by its hash: the index comes once, from the first mirror that has it', async () => {
  await using runtime = await createTestRuntime();
  const layer = await packJavaDb(join(runtime.temp, 'java'), EMPTY_JAR);
  await using mirrors = await serveMirrors({ java: { kind: 'javadb', layer } });
  const repositories = ['localhost:1/java:1', mirrors.repository('java')];
  const { reports, asked } = await scan(runtime, JAR, repositories);
  expect(asked).toBe(1);
  for (const { report } of reports) {
    expect(report.findings).toMatchObject([
      {
        id: 'CVE-2022-42889',
        severity: 'CRITICAL',
        path: 'app/lib/some.jar',
        package: { name: 'org.apache.commons:commons-text' },
      },
    ]);
  }
});

test('an image without Java archives asks for no index', async () => {
  await using runtime = await createTestRuntime();
  const { asked } = await scan(runtime, npmPackage('lodash', '4.17.21'), []);
  expect(asked).toBe(0);
});

test('an index that cannot be had is an error, and not a scan without Java', async () => {
  await using runtime = await createTestRuntime();
  await expect(scan(runtime, JAR, ['localhost:1/java:1'])).rejects.toMatchObject({
    code: 'DATABASE_UNREACHABLE',
    message: expect.stringContaining('index of Java archives'),
  });
});
