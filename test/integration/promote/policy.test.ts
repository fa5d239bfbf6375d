import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FileState } from '../../support/vendors/github-deployments.ts';
import { createStages, STRICT, startGitHub } from './stages.ts';

const FILE = '.github/promotion.yaml';
const AMD = { platforms: [{ platform: 'linux/amd64' }] } as const;
const SCANNED = { requirements: [{ name: 'scan=now', detail: 'scanned by this run' }], scan: STRICT };

/** The environments, with a policy in the workspace. */
async function createPolicy(text: string, path = FILE) {
  const environments = await createStages();
  onTestFinished(environments[Symbol.asyncDispose]);
  await environments.job.repository.commit('policy', { [path]: text });
  await environments.layout(AMD);
  return environments;
}

describe('.github/promotion.yaml', () => {
  test('counts although no input names it, for its environment alone', async () => {
    const environments = await createPolicy(
      'require:\n  - platforms: [linux/amd64]\nenvironments:\n  production:\n    - signature\n  staging: [sbom]\n',
    );
    const run = await environments.refuses('', ['signature: ']);
    expect(run.log).toContain(`${FILE} requires platforms=linux/amd64, signature of production.`);
    const passed = await environments.passes('', { inputs: { environment: 'staging' } });
    expect(passed.log).toMatch(/met {6}platforms=linux\/amd64: .*\n.*met {6}sbom: /);
    const qa = await environments.passes('', { inputs: { environment: 'qa' } });
    expect(qa.log).not.toContain('sbom');
  });

  test('says that it requires nothing of an environment which has another name in it', async () => {
    const environments = await createPolicy('environments:\n  prod: [signature]\n');
    const run = await environments.passes('');
    expect(run.log).toContain(`${FILE} requires nothing of production.`);
    expect(run.summary).toContain('Nothing is required of <code>production</code>');
  });

  test('`require` is of every environment, also of one that no input names as an environment', async () => {
    const environments = await createPolicy('require: [signature]\nenvironments: {}\n');
    for (const environment of ['production', 'staging', 'anything']) {
      await environments.refuses('', ['signature: '], { inputs: { environment } });
    }
    await environments.refuses('', ['signature: '], { inputs: { environment: '', to: 'production' } });
  });

  test.each(['Production', 'PRODUCTION', 'production'])('the environment %s, whatever the case', async (name) => {
    const environments = await createPolicy(`environments:\n  ${name}: [signature]\n`);
    for (const environment of ['production', 'Production']) {
      await environments.refuses('', ['signature: '], { inputs: { environment, to: 'production' } });
    }
  });

  test('a tag that stands for the environment has its list too', async () => {
    const environments = await createPolicy('environments:\n  production: [signature]\n');
    await environments.refuses('', ['signature: '], { inputs: { environment: '', to: 'production' } });
  });

  test('another environment does not lead around the environment whose tag is written', async () => {
    const environments = await createPolicy('environments:\n  production: [signature]\n');
    for (const to of ['production', 'qa\nproduction']) {
      await environments.refuses('', ['signature: '], { inputs: { environment: 'qa', to } });
    }
    await environments.passes('', { inputs: { environment: 'qa' } });
  });

  test('the input adds to it, and takes nothing away', async () => {
    const environments = await createPolicy('require:\n  - scan: {max-age: 1d}\n  - platforms: [linux/amd64]\n');
    const root = environments.source.image(['scanned'], {}, 'scanned');
    environments.record(root, { time: new Date(Date.now() - 3 * 86_400_000).toISOString(), ...SCANNED });
    const from = { inputs: { from: 'scanned' } };
    await environments.job.repository.commit('scan alone', { [FILE]: 'require:\n  - scan: {max-age: 1d}\n' });
    await environments.refuses('scan,max-age=30d', ['scan,max-age=1d: the scan was 4d ago, and at most 1d'], from);
    await environments.job.repository.commit('old enough', { [FILE]: 'require:\n  - scan: {max-age: 30d}\n' });
    await environments.passes('scan,max-age=30d', from);
    await environments.refuses('scan,max-age=2d', ['at most 2d are allowed'], from);
    await environments.job.repository.commit('platforms', { [FILE]: 'require:\n  - platforms: [linux/arm64]\n' });
    await environments.refuses('platforms=linux/amd64', ['and not linux/arm64']);
    await environments.job.repository.commit('provenance', {
      [FILE]: 'require:\n  - provenance: {builder: "https://example.com/*"}\n',
    });
    await environments.refuses('provenance', ['provenance,builder=https://example.com/*: ']);
  });

  test('the file that `policy` names adds to it, and does not stand in for it', async () => {
    const environments = await createPolicy('require: [sbom]\n');
    await environments.job.repository.commit('another', {
      'ops/policy.yaml': 'environments: {production: [signature]}\n',
    });
    await environments.passes('');
    const run = await environments.refuses('', ['signature: '], { inputs: { policy: 'ops/policy.yaml' } });
    expect(run.log).toMatch(/met {6}sbom/);
    await environments.job.repository.commit('the other way', {
      [FILE]: 'require: [signature]\n',
      'ops/policy.yaml': 'require: [sbom]\n',
    });
    await environments.refuses('', ['signature: '], { inputs: { policy: 'ops/policy.yaml' } });
  });
});

describe('a policy that the workspace does not show', () => {
  const PRODUCTION = 'environments:\n  production: [signature]\n';

  test('is no policy that is not there: a sparse checkout, or a step that has removed it', async () => {
    const environments = await createPolicy(PRODUCTION);
    const { repository } = environments.job;
    await repository.git('sparse-checkout', 'set', 'src');
    expect(await environments.fails('POLICY_INVALID', '')).toContain(
      `Could not determine whether the repository has ${FILE}`,
    );
    await using github = await startGitHub({
      commits: { [await repository.head()]: { [FILE]: { type: 'file', bytes: Buffer.from(PRODUCTION) } } },
    });
    await environments.refuses('', ['signature: '], github.asked());
    await repository.git('sparse-checkout', 'disable');
    await environments.refuses('', ['signature: ']);
    await rm(join(repository.directory, FILE));
    expect(await environments.fails('POLICY_INVALID', '')).toContain('Could not determine');
  });

  test('is a link that leads nowhere, as to a submodule that was not checked out', async () => {
    const environments = await createPolicy(PRODUCTION);
    const file = join(environments.job.repository.directory, FILE);
    await rm(file);
    await symlink('../central/promotion.yaml', file);
    expect(await environments.fails('POLICY_INVALID', '')).toContain(`${FILE} is a link that leads nowhere.`);
  });

  test('has another spelling', async () => {
    const environments = await createPolicy(PRODUCTION, '.github/promotion.yml');
    expect(await environments.fails('POLICY_INVALID', '')).toContain(
      `.github/promotion.yml is not read. Give it the name ${FILE}`,
    );
    await environments.refuses('', ['signature: '], { inputs: { policy: '.github/promotion.yml' } });
  });
});

describe('a policy that is not sound stops the run before the registry is asked', () => {
  test.each([
    [
      'another environment',
      'environments:\n  qa: [sbum]\n',
      ['environments.qa, entry 1', '"sbum"', 'Did you mean `sbom`?'],
    ],
    ['broken YAML', 'require: [sbom\n  - x: {', ['.github/promotion.yaml:1:11: not YAML']],
    ['an unknown key', 'requires: [sbom]\n', ['unknown key "requires"', 'Did you mean `require`?']],
    ['a switch that is off', 'require:\n  - sbom: false\n', ['entry 1', '`sbom` is "false"']],
    ['no map', '- sbom\n', ['expected a map']],
    ['nothing at all', '', ['expected a map']],
    ['environments as a list', 'environments: [production]\n', ['expected a map of environments']],
    ['no list', 'environments:\n  production: sbom\n', ['environments.production: expected a list']],
  ])('%s', async (_, text, words) => {
    const environments = await createPolicy(text);
    const message = await environments.fails('POLICY_INVALID', '');
    for (const each of words) expect(message).toContain(each);
    expect(message).not.toMatch(/[?:]\.$/m);
    expect(environments.registry.requests()).toBe(0);
  });

  test('`policy` names a file that is not there', async () => {
    const environments = await createPolicy('require: [sbom]\n');
    const message = await environments.fails('POLICY_INVALID', '', { inputs: { policy: 'ops/policy.yaml' } });
    expect(message).toContain('`policy` names ops/policy.yaml, and there is no such file.');
    expect(environments.registry.requests()).toBe(0);
  });
});

describe('a job without a checkout', () => {
  const file = (text: string): FileState => ({ type: 'file', bytes: Buffer.from(text) });

  /** An empty workspace, and the commit that the run is of. */
  async function createEmpty() {
    const environments = await createStages();
    onTestFinished(environments[Symbol.asyncDispose]);
    const workspace = await mkdtemp(join(tmpdir(), 'empty-'));
    onTestFinished(() => rm(workspace, { recursive: true, force: true }));
    await environments.layout(AMD);
    return { environments, options: { workspace }, sha: await environments.job.repository.head() };
  }

  test('and without a token does not know its policy', async () => {
    const { environments, options } = await createEmpty();
    const message = await environments.fails('POLICY_INVALID', 'sbom', { options });
    expect(message).toContain('it is not checked out, and there is no `github-token`. Add actions/checkout');
    expect(environments.registry.requests()).toBe(0);
  });

  test('takes the file from GitHub, at the commit of the run', async () => {
    const { environments, options, sha } = await createEmpty();
    await using github = await startGitHub({
      commits: { [sha]: { [FILE]: file('environments: {production: [signature]}\n') }, main: { [FILE]: file('{}\n') } },
    });
    await environments.refuses('', ['signature: '], github.asked({ options }));
    expect(github.requests.map(({ url }) => `${decodeURIComponent(url.pathname)}${url.search}`)).toContain(
      `/repos/org/app/contents/${FILE}?ref=${sha}`,
    );
    await environments.passes('', github.asked({ options, inputs: { environment: 'staging' } }));
  });

  test('has no policy where the commit has none; the one that `policy` names has to be there', async () => {
    const { environments, options, sha } = await createEmpty();
    await using github = await startGitHub({ commits: { [sha]: { 'README.md': file('# app') } } });
    await environments.passes('sbom', github.asked({ options }));
    // Then the commit of the run names the image.
    await environments.layout(AMD, `sha-${sha.slice(0, 7)}`);
    const run = await environments.promote('sbom', github.asked({ options, inputs: { from: 'sha-{{sha}}' } }));
    expect(run.outputs.outcome, run.log).toBe('promoted');
    const policy = github.asked({ options, inputs: { policy: 'ops/policy.yaml' } });
    expect(await environments.fails('POLICY_INVALID', '', policy)).toContain('there is no such file');
  });

  test.each(['symlink', 'submodule'] as const)(
    'does not take a policy below a %s for one that does not exist',
    async (type) => {
      const { environments, options, sha } = await createEmpty();
      await using github = await startGitHub({
        commits: { [sha]: { '.github': { type, bytes: Buffer.from('ops') } } },
      });
      expect(await environments.fails('POLICY_INVALID', '', github.asked({ options }))).toContain(
        '.github is a link or a submodule',
      );
      await using broken = await startGitHub({
        commits: { [sha]: { 'README.md': file('# app') } },
        before: ({ url }) =>
          url.pathname.endsWith('/contents/.github') ? { status: 403, body: { message: 'rate limit' } } : undefined,
      });
      expect(await environments.fails('POLICY_INVALID', '', broken.asked({ options }))).toContain(
        'did not return what .github',
      );
    },
  );

  test.each([
    ['does not let the token read', { permissions: { contents: 'none' } }],
    ['hides the repository', { hidden: true }],
    ['does not have the commit', { commits: {} }],
    ['fails', { before: () => ({ status: 500, body: { message: 'no' } }) }],
  ] as const)('fails when GitHub %s', async (_, github) => {
    const { environments, options } = await createEmpty();
    await using api = await startGitHub(github);
    const message = await environments.fails('POLICY_INVALID', '', api.asked({ options }));
    expect(message).toContain(`Could not determine whether the repository has ${FILE} at `);
    expect(environments.registry.requests()).toBe(0);
  });

  test('a rollback asks for no policy', async () => {
    const { environments, options } = await createEmpty();
    for (const from of [environments.old.descriptor.digest, 'next']) {
      await environments.promote('', { inputs: { from, environment: 'qa' } });
    }
    const inputs = { from: '', rollback: 'true', environment: 'qa' };
    const back = await environments.promote('', { inputs, options });
    expect(back, back.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'rolled-back' } });
    expect(environments.registry.tags('org/app').qa).toBe(environments.old.descriptor.digest);
  });
});

describe('how a scan is judged', () => {
  const loose = { severity: 'CRITICAL', 'ignore-unfixed': 'true', scanners: 'vuln', 'fail-on-eol': 'false' };
  const past = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();

  test('is for the policy file to say when it requires one, whatever the inputs of the step are', async () => {
    const environments = await createPolicy('require:\n  - scan: {max-age: 7d}\n');
    const root = environments.source.image(['scanned'], {}, 'scanned');
    environments.record(root, { ...SCANNED, time: past(1), scan: { ...STRICT, severity: ['CRITICAL'] } });
    const run = await environments.refuses('', ['let HIGH pass'], { inputs: { from: 'scanned', ...loose } });
    expect(run.log).toContain('The policy file decides how a scan is judged');
    environments.record(root, { ...SCANNED, time: past(2) });
    await environments.passes('', { inputs: { from: 'scanned', ...loose } });
  });

  test('by its `gate`, with the names of the inputs', async () => {
    const environments = await createPolicy('require:\n  - scan: {max-age: 7d}\ngate:\n  severity: [CRITICAL]\n');
    const root = environments.source.image(['scanned'], {}, 'scanned');
    environments.record(root, { ...SCANNED, time: past(1), scan: { ...STRICT, severity: ['CRITICAL'] } });
    await environments.passes('', { inputs: { from: 'scanned' } });
  });

  test('differently by two files is an error: neither is left aside without a word', async () => {
    const scan = 'require:\n  - scan: {max-age: 7d}\n';
    const environments = await createPolicy(`${scan}gate: {severity: [CRITICAL]}\n`);
    const root = environments.source.image(['scanned'], {}, 'scanned');
    environments.record(root, { ...SCANNED, time: past(1), scan: { ...STRICT, severity: ['CRITICAL'] } });
    const asked = { inputs: { from: 'scanned', policy: 'ops/policy.yaml' } };
    await environments.job.repository.commit('stricter', {
      'ops/policy.yaml': `${scan}gate: {severity: [LOW, CRITICAL]}\n`,
    });
    expect(await environments.fails('POLICY_INVALID', '', asked)).toContain(
      `ops/policy.yaml and ${FILE} both require a scan`,
    );
    await environments.job.repository.commit('the same', {
      'ops/policy.yaml': `${scan}gate: {severity: [CRITICAL]}\n`,
    });
    await environments.passes('', asked);
  });

  test.each([
    ['severity: [LOW, CRITICAL]\n  SEVERITY: CRITICAL', 'promotion.yaml:4:3, gate.SEVERITY: it occurs twice'],
    ['severity: GRAVE', 'promotion.yaml:3:3, gate.severity: got "GRAVE"'],
    ['severty: HIGH', 'promotion.yaml:3:3, gate.severty: unknown key, expected severity'],
    ['db-repository: example.com/db', 'promotion.yaml:3:3, gate.db-repository: unknown key'],
  ])('a gate with %s is no gate', async (line, words) => {
    const environments = await createPolicy(`require: []\ngate:\n  ${line}\n`);
    expect(await environments.fails('POLICY_INVALID', '')).toContain(words);
  });
});
