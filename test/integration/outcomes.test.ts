import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TRIVY } from '../../src/tools/checksums.ts';
import { startRegistry } from '../support/registry.ts';
import { packTrivyDb, serveMirrors } from '../support/trivy-db.ts';
import { createSetting, GOOD, type Setting, VULNERABLE } from './setting.ts';

const DAY = 86_400_000;

/** A program `trivy` that does what a script says, in a folder of its own: one in the repository would be left aside. */
async function fakeTrivy(setting: Setting, script: string): Promise<Readonly<Record<string, string>>> {
  const bin = `${setting.repository.directory}-bin`;
  await mkdir(bin, { recursive: true });
  const real = join(process.env.TEST_TRIVY_DIR ?? '', 'trivy');
  const text = `#!/bin/sh\ncase "$1 $*" in\n  version*|--version*|*--download-db-only*) exec "${real}" "$@";;\nesac\n${script.replaceAll('REAL', `"${real}"`)}\n`;
  await writeFile(join(bin, 'trivy'), text);
  await chmod(join(bin, 'trivy'), 0o755);
  const sha256 = createHash('sha256').update(text).digest('hex');
  return { PATH: `${bin}${delimiter}${process.env.PATH}`, 'INPUT_TRIVY-SHA256': sha256 };
}

const output = `while [ $# -gt 0 ]; do [ "$1" = --output ] && out=$2; shift; done`;

describe('P7: fail closed, and say who failed', () => {
  test.each([
    ['crashes', 'echo "panic: runtime error" >&2; exit 2', 'scanner-failed'],
    ['is killed', 'kill -9 $$', 'scanner-failed'],
    ['ends well and writes nothing', 'exit 0', 'scanner-failed'],
    [
      'writes half a report',
      `REAL "$@"; ${output}; head -c 200 "$out" > "$out.half"; mv "$out.half" "$out"; exit 0`,
      'scanner-failed',
    ],
    [
      'reports on another image',
      `REAL "$@"; ${output}; sed -i 's/"ImageID": "sha256:..../"ImageID": "sha256:0000/' "$out"; exit 0`,
      'scanner-failed',
    ],
  ])('a scanner that %s is no pass', async (_what, script, outcome) => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    await setting.image();
    const env = await fakeTrivy(setting, script);
    const run = await setting.publish({ images: `${registry.host}/org/app` }, { env });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome } });
    expect(registry.writes()).toEqual([]);
    expect(run.log).not.toMatch(/findings? closes? the gate/);
  });

  test('a program called trivy that is none of the releases is not run', async () => {
    await using setting = await createSetting();
    await setting.image();
    const env = await fakeTrivy(setting, 'touch "$0.ran"; exit 0');
    const path = [env.PATH, process.env.TEST_TRIVY_DIR].join(delimiter);
    const run = await setting.publish(
      { images: 'localhost:1/org/app', push: 'false', 'db-repository': 'localhost:1/db:2' },
      { env: { PATH: path, HTTPS_PROXY: 'http://127.0.0.1:9' } },
    );
    expect(run.outputs.outcome).not.toBe('built');
    expect(existsSync(`${setting.repository.directory}-bin/trivy.ran`)).toBe(false);
    expect(run.log).toContain('`trivy-sha256: ');
    // The download of a verified one is tried three times, some seconds apart.
  }, 120_000);

  test('programs in the tool cache that report the right version are not run', async () => {
    await using setting = await createSetting();
    await setting.image();
    const toolCache = `${setting.repository.directory}-tools`;
    for (const name of ['trivy', 'registry-action-trivy']) {
      const folder = join(toolCache, name, TRIVY.defaultVersion, process.arch);
      await mkdir(folder, { recursive: true });
      const script = `#!/bin/sh\ntouch "${toolCache}/ran"\necho 'Version: ${TRIVY.defaultVersion}'\n`;
      await writeFile(join(folder, 'trivy'), script);
      await chmod(join(folder, 'trivy'), 0o755);
      await writeFile(`${folder}.complete`, '');
    }
    const run = await setting.publish(
      { images: 'localhost:1/org/app', push: 'false', 'db-repository': 'localhost:1/db:2' },
      { toolCache, env: { PATH: '/usr/bin:/bin', HTTPS_PROXY: 'http://127.0.0.1:9' } },
    );
    expect(run.outputs.outcome, run.log).toMatch(/^(?:scanner-failed|database-failed)$/);
    expect(existsSync(join(toolCache, 'ran'))).toBe(false);
    expect(run.log).toMatch(/in the tool cache is not what was verified/);
    // The download of a verified one is tried three times, some seconds apart.
  }, 120_000);

  test('the fake that changes nothing passes: the cases above fail for what they change', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    await setting.image();
    const env = await fakeTrivy(setting, 'exec REAL "$@"');
    expect((await setting.publish({ images: `${registry.host}/org/app` }, { env })).outputs.outcome).toBe('published');
  });

  test('a database that is too old', async () => {
    await using setting = await createSetting();
    await setting.image();
    await using mirrors = await serveMirrors({
      old: { layer: await packTrivyDb({ updatedAt: new Date(Date.now() - 4 * DAY) }) },
    });
    const run = await setting.publish({ push: 'false', 'db-repository': mirrors.repository('old') });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'database-failed' } });
    expect(run.log).toMatch(/max-db-age/);
    const accepted = await setting.publish({
      push: 'false',
      'db-repository': mirrors.repository('old'),
      'max-db-age': '5d',
    });
    expect(accepted).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
  });

  test('a database that nobody has: each mirror with its own reason', async () => {
    await using setting = await createSetting();
    await setting.image();
    await using mirrors = await serveMirrors({
      limited: { layer: await packTrivyDb(), fault: { status: 429, code: 'TOOMANYREQUESTS' } },
    });
    const repositories = `${mirrors.repository('limited')},localhost:1/trivy-db:2`;
    const run = await setting.publish({ push: 'false', 'db-repository': repositories });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'database-failed' } });
    expect(run.log).toMatch(/limited/);
    expect(run.log).toMatch(/localhost:1/);
  });

  test('a first mirror that has no address does not keep the second from being asked', async () => {
    await using setting = await createSetting();
    await setting.image();
    await using mirrors = await serveMirrors({ good: { layer: await packTrivyDb() } });
    const run = await setting.publish({
      push: 'false',
      'db-repository': `mirror.invalid/trivy-db:2,${mirrors.repository('good')}`,
    });
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
  });

  test('hostile configuration in the workspace and the environment changes nothing', async () => {
    await using setting = await createSetting();
    await using registry = await startRegistry();
    await setting.repository.commit('quiet the scanner', {
      'trivy.yaml': 'severity: [LOW]\nexit-code: 0\nscan:\n  skip-files: ["**/*"]\n',
      '.trivyignore': 'CVE-2019-10744\nCVE-2020-8203\nCVE-2021-23337\n',
      '.trivyignore.yaml': 'vulnerabilities:\n  - id: CVE-2019-10744\n',
      'trivy-secret.yaml': 'disable-rules: ["*"]\n',
    });
    await setting.image(VULNERABLE);
    const env = {
      TRIVY_SEVERITY: 'LOW',
      TRIVY_SKIP_DIRS: 'app',
      TRIVY_IGNOREFILE: '.trivyignore',
      TRIVY_CONFIG: 'trivy.yaml',
      TRIVY_IGNORE_UNFIXED: 'true',
    };
    const run = await setting.publish({ images: `${registry.host}/org/app` }, { env });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings', 'scan-gated': '3' } });
    expect(registry.writes()).toEqual([]);
  });

  test('an accepted finding with a reason and an end lets the image pass; one that has ended does not', async () => {
    await using setting = await createSetting();
    await setting.image(VULNERABLE);
    const ids = ['CVE-2019-10744', 'CVE-2020-8203', 'CVE-2021-23337'];
    const write = (expires: string) =>
      writeFile(
        join(setting.repository.directory, 'accepted.yaml'),
        `ignores:\n${ids.map((id) => `  - id: ${id}\n    package: lodash\n    platform: linux/arm64\n    reason: not reachable\n    expires: ${expires}\n`).join('')}`,
      );
    await write('2099-12-31');
    expect(await setting.publish({ push: 'false', ignorefile: 'accepted.yaml' })).toMatchObject({
      exitCode: 0,
      outputs: { outcome: 'built', 'scan-suppressed': '3' },
    });
    await write('2020-01-01');
    const ended = await setting.publish({ push: 'false', ignorefile: 'accepted.yaml' });
    expect(ended).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings' } });
    expect(ended.log).toMatch(/2020-01-01/);
    expect(ended.annotations).toContainEqual(
      expect.objectContaining({ level: 'warning', file: 'accepted.yaml', line: 7 }),
    );
  });

  test('a broken ignore file is told with its line, before anything else', async () => {
    await using setting = await createSetting();
    await setting.image();
    await writeFile(
      join(setting.repository.directory, 'accepted.yaml'),
      'ignores:\n  - id: CVE-2019-10744\n    reason: because\n',
    );
    const run = await setting.publish({ push: 'false', ignorefile: 'accepted.yaml' });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(run.annotations).toContainEqual(expect.objectContaining({ level: 'error', file: 'accepted.yaml', line: 2 }));
  });

  test.each([
    [
      'SBOM',
      'linux/arm64',
      { platforms: [GOOD.platforms[0], { ...GOOD.platforms[1], platform: 'linux/arm64', sbom: false as const }] },
      'sbom',
    ],
    [
      'provenance',
      'linux/arm64',
      { platforms: [GOOD.platforms[0], { ...GOOD.platforms[1], platform: 'linux/arm64', provenance: false }] },
      'provenance',
    ],
  ])('an arm64 without its %s stops the run and is named', async (_what, platform, spec, input) => {
    for (const attestations of ['artifact', 'image'] as const) {
      await using setting = await createSetting();
      const platforms = spec.platforms.flatMap((each) => each ?? []);
      await setting.image({ platforms, attestations });
      const run = await setting.publish({ push: 'false', [input]: 'true' });
      expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
      expect(run.annotations.map(({ message }) => message).join()).toContain(platform);
    }
  });

  test('a statement about another digest stops the run and names the platform', async () => {
    for (const attestations of ['artifact', 'image'] as const) {
      await using setting = await createSetting();
      const foreign = { name: 'x', digest: { sha256: '0'.repeat(64) } };
      await setting.image({
        ...GOOD,
        attestations,
        change: {
          statement: (statement, platform, kind) =>
            platform === 'linux/arm64' && kind === 'sbom' ? { ...statement, subject: [foreign] } : statement,
        },
      });
      const run = await setting.publish({ push: 'false' });
      expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'image-rejected' } });
      expect(run.annotations.map(({ message }) => message).join()).toContain('linux/arm64');
    }
  });
});
