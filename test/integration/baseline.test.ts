import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leakedToken, npmPackage } from '../support/image.ts';
import type { Json, LayoutSpec } from '../support/layout.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { CLEAN, createSetting, GOOD, type Setting } from './setting.ts';

const LODASH = npmPackage('lodash', '4.17.11');
const IP = npmPackage('ip', '2.0.1');
const MINIMIST = npmPackage('minimist', '1.2.0');

type Files = Readonly<Record<string, string | Uint8Array>>;

/** An image of two platforms. */
const image = (amd64: Files, arm64: Files = amd64): LayoutSpec => ({
  platforms: [
    { platform: 'linux/amd64', files: { ...CLEAN, ...amd64 } },
    { platform: 'linux/arm64', files: { ...CLEAN, ...arm64 } },
  ],
});

let setting: Setting;
let registry: TestRegistry;
beforeAll(async () => {
  setting = await createSetting();
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
});

/** Publishes an image beside one that `main` of the target repository points to. */
async function publishBeside(
  before: LayoutSpec | undefined,
  now: LayoutSpec,
  inputs: Readonly<Record<string, string>> = {},
) {
  await using started = await startRegistry();
  registry = started;
  const known = before === undefined ? undefined : await setting.image(before, 'before');
  if (known !== undefined) await registry.putLayout('org/app', 'main', known.directory);
  const layout = await setting.image(now);
  registry.clearLog();
  const run = await setting.publish({
    images: `${registry.host}/org/app`,
    tags: 'type=raw,value=next',
    baseline: 'main',
    ...inputs,
  });
  return {
    run,
    known,
    layout,
    writes: registry.writes(),
    next: registry.tags('org/app').next,
    json: JSON.parse(run.outputs.json ?? '{}'),
  };
}

describe('an image beside its baseline', () => {
  test('an old finding passes and is listed as known, on the platform where it was', async () => {
    const { run, next, layout, json } = await publishBeside(image(LODASH), image({ ...LODASH, 'app/new': 'x' }));
    expect(run).toMatchObject({
      exitCode: 0,
      outputs: { outcome: 'published', 'scan-gated': '0', 'scan-known': '6', 'scan-fixed': '0' },
    });
    expect(next).toBe(layout.digest);
    expect(run.summary).toMatch(/Known.*\n[\s\S]*CVE-2019-10744.*linux\/amd64, linux\/arm64/);
    expect(run.log).toMatch(/known: linux\/arm64: CRITICAL CVE-2019-10744 in lodash/);
    expect(json.gate).toMatchObject({ passed: true, baseline: { image: `${registry.host}/org/app:main` } });
    expect(json.gate.suppressed[0]).toMatchObject({ by: 'baseline', finding: { baseline: 'known' } });
  });

  test('a new finding fails, is named, and nothing is written', async () => {
    const { run, writes } = await publishBeside(image(LODASH), image({ ...LODASH, ...IP }));
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings', 'scan-gated': '2', 'scan-known': '6' } });
    expect(run.log).toMatch(/linux\/amd64: HIGH CVE-2024-29415 in ip 2\.0\.1/);
    const errors = run.annotations.filter(({ level }) => level === 'error').map(({ message }) => message);
    expect(errors.join('\n')).toContain('CVE-2024-29415');
    expect(errors.join('\n')).not.toContain('lodash');
    expect(writes).toEqual([]);
  });

  test('a fixed finding is shown', async () => {
    const { run, json } = await publishBeside(image({ ...LODASH, ...MINIMIST }), image(LODASH));
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'published', 'scan-fixed': '4' } });
    expect(run.summary).toMatch(/Fixed.*\n[\s\S]*CVE-2021-44906.*minimist/);
    expect(json.gate.baseline.fixed).toContainEqual(
      expect.objectContaining({ id: 'CVE-2021-44906', platform: 'linux/amd64' }),
    );
  });

  test("another platform's finding does not count as known", async () => {
    const { run } = await publishBeside(image({}, LODASH), image(LODASH));
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings', 'scan-gated': '3', 'scan-known': '3' } });
    expect(run.log).not.toMatch(/known: linux\/amd64/);
  });

  test('a platform that the baseline lacks has no known findings, and is named', async () => {
    const [amd64] = image(LODASH).platforms;
    const { run } = await publishBeside({ platforms: amd64 === undefined ? [] : [amd64] }, image(LODASH));
    expect(run).toMatchObject({ exitCode: 1, outputs: { 'scan-gated': '3', 'scan-known': '3' } });
    expect(run.summary).toMatch(/does not have linux\/arm64/);
  });

  test('the image itself as the baseline is said to be, as a tag', async () => {
    const { run } = await publishBeside(image(LODASH), image(LODASH));
    expect(run).toMatchObject({ exitCode: 0, outputs: { 'scan-known': '6' } });
    expect(run.annotations.map(({ message }) => message).join('\n')).toMatch(/is this same image/);
  });

  test('`push: false` compares as well', async () => {
    const { run, writes } = await publishBeside(image(LODASH), image({ ...LODASH, 'app/new': 'y' }), { push: 'false' });
    expect(run).toMatchObject({ exitCode: 0, outputs: { outcome: 'built', 'scan-known': '6' } });
    expect(writes).toEqual([]);
  });

  test('the layers of both are fetched once at most', async () => {
    const { known } = await publishBeside(image(LODASH), { ...image(LODASH), annotations: { another: 'index' } });
    const shared = known?.platforms.flatMap(({ layers }) => layers) ?? [];
    expect(shared).toHaveLength(2);
    for (const layer of shared) {
      expect(registry.log.filter(({ method, path }) => method === 'GET' && path.includes(layer))).toEqual([]);
    }
  });
});

describe('a baseline that cannot be read fails closed, before anything is written', () => {
  test('no such tag: the error names it, what exists, and how to start', async () => {
    const { run, writes } = await publishBeside(image(LODASH), image(LODASH), { baseline: 'mian' });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(run.log).toMatch(
      /`baseline` \(\S+\/org\/app:mian\): there is no such image.*It has main.*did you mean `main`/i,
    );
    expect(run.log).toContain('scan: report');
    expect(run.log).not.toContain('Trivy 0.76');
    expect(writes).toEqual([]);
  });

  test('the very first run, with an empty repository', async () => {
    const { run, writes } = await publishBeside(undefined, GOOD);
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(run.log).toMatch(/On the very first run/);
    expect(writes).toEqual([]);
  });

  test('in a dry run too', async () => {
    const { run } = await publishBeside(undefined, GOOD, { 'dry-run': 'true' });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
  });

  test('its own digest', async () => {
    const layout = await setting.image(image(LODASH));
    const { run, writes } = await publishBeside(image(LODASH), image(LODASH), { baseline: layout.digest });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(run.log).toMatch(/very image that is checked/);
    expect(writes).toEqual([]);
  });

  test('a registry that cannot be reached', async () => {
    const { run, writes } = await publishBeside(image(LODASH), image(LODASH), {
      baseline: 'localhost:9/org/app:main',
    });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'registry-failed' } });
    expect(run.log).toMatch(/`baseline` \(localhost:9\/org\/app:main\)/);
    expect(writes).toEqual([]);
  });

  test('a layer that is gone', async () => {
    await using started = await startRegistry();
    const before = await setting.image(image({ ...LODASH, 'app/gone': 'x' }), 'before');
    await started.putLayout('org/app', 'main', before.directory);
    const layer = before.platforms[0]?.layers[0];
    started.addFault({
      match: { method: 'GET', path: new RegExp(`blobs/${layer}`), nth: 'all' },
      action: { status: 404, body: { errors: [{ code: 'BLOB_UNKNOWN', message: 'gone' }] } },
    });
    started.clearLog();
    await setting.image(GOOD);
    const run = await setting.publish({ images: `${started.host}/org/app`, tags: 'next', baseline: 'main' });
    expect(run.exitCode).toBe(1);
    expect(run.log).toMatch(/`baseline` \(\S+\/org\/app:main\)/);
    expect(started.writes()).toEqual([]);
  });
});

describe('inputs', () => {
  test.each([
    ['ghcr.io/org/app', /without a tag or digest/],
    ['a b', /expected a tag, a digest, or a full name/],
    ['sha256:abc', /expected a tag, a digest/],
    ['ghcr.io/org/app@sha256:abc', /neither a tag nor a digest/],
    ['https://ghcr.io/org/app:main', /scheme/],
  ])('`baseline: %s` is refused', async (baseline, says) => {
    const run = await setting.publish({ images: 'localhost:9/org/app', baseline });
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(run.log).toMatch(says);
  });
});

describe('what a failed gate leaves', () => {
  test('the entries that the summary offers are refused empty, and accepted with reasons', async () => {
    const { run } = await publishBeside(image({}), image({ ...LODASH, ...leakedToken('app/[x]*.npmrc') }));
    expect(run).toMatchObject({ exitCode: 1, outputs: { outcome: 'findings' } });
    const [, yaml = ''] = /```yaml\n([\s\S]*?)\n```/.exec(run.summary) ?? [];
    expect(yaml.match(/^- id:/gm)).toHaveLength(4);
    await writeFile(join(setting.repository.directory, 'accepted.yaml'), yaml);
    const ignorefile = { ignorefile: 'accepted.yaml' };
    const empty = await publishBeside(image({}), image({ ...LODASH, ...leakedToken('app/[x]*.npmrc') }), ignorefile);
    expect(empty.run).toMatchObject({ exitCode: 1, outputs: { outcome: 'invalid-input' } });
    expect(empty.run.log).toMatch(/accepted\.yaml:\d+:\d+: the `reason` is empty/);
    await writeFile(
      join(setting.repository.directory, 'accepted.yaml'),
      yaml.replaceAll('reason: ""', 'reason: known, APP-1'),
    );
    const filled = await publishBeside(image({}), image({ ...LODASH, ...leakedToken('app/[x]*.npmrc') }), ignorefile);
    expect(filled.run).toMatchObject({ exitCode: 0, outputs: { outcome: 'published', 'scan-suppressed': '8' } });
  });

  test('one row and one annotation for a finding of two platforms', async () => {
    const { run } = await publishBeside(image({}), image(LODASH));
    expect(run.summary.match(/\| \[CVE-2019-10744\]/g)).toHaveLength(1);
    const about = run.annotations.filter(({ message }) => /^linux.*CVE-2019-10744/.test(message));
    expect(about).toHaveLength(1);
    expect(about[0]?.message).toMatch(/Also on linux\/arm64/);
  });

  test('the summary names the step that brings a finding, and the version that fixes it', async () => {
    const config = (json: Json) => ({ ...json, history: [{ created_by: 'RUN /bin/sh -c npm ci # buildkit' }] });
    const { run, json } = await publishBeside(image({}), { ...image(LODASH), change: { config } });
    expect(run.summary).toMatch(/lodash 4\.17\.11 → 4\.17\.12.*<code>RUN npm ci<\/code>/);
    expect(json.gate.gated[0].origin).toEqual({ step: 'RUN npm ci' });
  });

  test('`json-file` holds what `json` holds, and whole', async () => {
    const { run, json } = await publishBeside(image({}), image(LODASH));
    const file = JSON.parse(await readFile(run.outputs['json-file'] ?? '', 'utf8'));
    expect(file).toEqual(json);
    await run.post();
    await expect(readFile(run.outputs['json-file'] ?? '', 'utf8')).rejects.toThrow(/ENOENT/);
  });

  test('`sarif-category` and paths of the repository', async () => {
    const inputs = { 'sarif-file': 'out.sarif', 'sarif-category': 'app-alpine' };
    await publishBeside(image(LODASH), image({ ...LODASH, ...IP }), inputs);
    const { runs } = JSON.parse(await readFile(join(setting.repository.directory, 'out.sarif'), 'utf8'));
    expect(runs.map((each: { automationDetails: { id: string } }) => each.automationDetails.id)).toEqual([
      'app-alpine/linux-amd64/',
      'app-alpine/linux-arm64/',
    ]);
    const states = runs[0].results.map((each: { ruleId: string; baselineState: string }) => [
      each.ruleId,
      each.baselineState,
    ]);
    expect(states).toContainEqual(['CVE-2024-29415', 'new']);
    expect(states).toContainEqual(['CVE-2019-10744', 'unchanged']);
  });
});
