import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/app/command-list.ts';
import { allInputs, allOutputs } from '../../../src/app/inputs.ts';
import { ActionError, ActionErrors, allErrors } from '../../../src/errors/action-error.ts';
import { FOREIGN_INPUTS } from '../../../src/inputs/foreign.ts';
import { loadYaml } from '../../../src/inputs/logins.ts';
import { oneOf } from '../../../src/inputs/schema.ts';
import { readInputs, withInputs } from '../../support/inputs.ts';

await loadYaml();

const FIELDS = allInputs(COMMANDS).flatMap(({ name, fields }) => fields.map(([, field]) => [name, field] as const));
const NAMES = oneOf(COMMANDS.map(({ name }) => name));
const IMAGE = { images: 'ghcr.io/org/app' };

type With = Readonly<Record<string, string>>;

async function parse(inputs: With, env: With = {}) {
  const masked: string[] = [];
  return { ...(await readInputs({ ...withInputs(inputs), ...env }, (value) => masked.push(value))), masked };
}

async function refusal(inputs: With, env: With = {}): Promise<ActionError> {
  const thrown: unknown = await parse(inputs, env).catch((error: unknown) => error);
  if (!(thrown instanceof ActionError || thrown instanceof ActionErrors)) throw new Error('The inputs were accepted.');
  const [error] = allErrors(thrown);
  if (error === undefined) throw new Error('The inputs were refused without an error.');
  return error;
}

describe('what a run gets', () => {
  it('takes the documented defaults', async () => {
    const { values, inputs, warnings } = await parse(IMAGE);
    expect(values).toMatchObject({
      images: [{ name: 'ghcr.io/org/app', enable: true }],
      flavor: { latest: 'auto' },
      push: true,
      context: '.',
      file: undefined,
      platforms: [],
      provenance: undefined,
      sbom: undefined,
      scan: 'gate',
      severity: ['CRITICAL', 'HIGH'],
      scanners: ['vuln', 'secret'],
      'fail-on-eol': true,
      'max-db-age': 259_200_000,
      'db-repository': ['mirror.gcr.io/aquasec/trivy-db:2', 'ghcr.io/aquasecurity/trivy-db:2'],
      'github-token': undefined,
      'dry-run': false,
      'create-repository': { wanted: false },
    });
    expect(inputs.registries).toMatchObject({ logins: [], hosts: [] });
    expect(warnings).toEqual([]);
  });

  it.each(['severity', 'scanners'])(
    'refuses a `%s` of nothing, with which the gate would let all pass',
    async (name) => {
      expect((await refusal({ ...IMAGE, [name]: ' , ,' })).message).toMatch(/got ", ,", expected one or more of /);
    },
  );

  it('gives the same with the defaults that the runner fills in as without them', async () => {
    const filled = Object.fromEntries(
      allInputs(COMMANDS).map((input) => [input.name, input.default?.includes('${{') ? '' : (input.default ?? '')]),
    );
    expect(await parse({ ...filled, ...IMAGE })).toEqual(await parse(IMAGE));
    expect((await parse({ ...filled, source: 'image.tar', ...IMAGE })).values).toMatchObject({ source: 'image.tar' });
    for (const command of ['promote', 'login']) {
      const own = command === 'promote' ? { from: 'ghcr.io/org/app:1', environment: 'qa' } : { registry: 'ghcr.io' };
      await expect(parse({ ...filled, ...own, command }), command).resolves.toBeDefined();
    }
  });

  it('reads names with hyphens as the runner writes them', async () => {
    const { values } = await readInputs({ 'INPUT_BUILD-ARGS': 'A=1\nB=2,3\n', INPUT_IMAGES: ' app ', OTHER: 'x' });
    expect(values).toMatchObject({ 'build-args': ['A=1', 'B=2,3'], images: [{ name: 'app' }] });
  });

  it('takes a reset input for its default', async () => {
    const { values } = await parse({ ...IMAGE, push: '', scan: ' ', 'no-cache': 'False', source: 'x' });
    expect(values).toMatchObject({ push: true, scan: 'gate' });
  });

  it.each([
    ['', 'docker.io'],
    ['ghcr.io', 'ghcr.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['https://Registry.Example.com:5000/', 'registry.example.com:5000'],
  ])('files a login for %j under %s', async (registry, host) => {
    const { inputs } = await parse({ images: 'org/app', registry, username: 'me', password: 'pass' });
    expect(inputs.registries.logins).toEqual([{ host, username: 'me', password: 'pass' }]);
  });
});

describe('P8: secrets', () => {
  it('masks passwords, tokens and build secrets while it reads them', async () => {
    const { masked } = await parse({
      ...IMAGE,
      registry: 'ghcr.io',
      username: 'me',
      password: 'pass-canary',
      'github-token': 'token-canary',
      secrets: 'npm=build-canary\n"key=first-canary\nsecond-canary"',
    });
    expect(masked).toEqual(
      expect.arrayContaining(['pass-canary', 'token-canary', 'build-canary', 'first-canary', 'second-canary']),
    );
  });

  it('masks them also when another input is wrong, and no message holds one', async () => {
    const masked: string[] = [];
    const inputs = {
      push: 'maybe',
      password: 'pass-canary',
      'registry-auth': '- registry: a b\n  username: me\n  password: "auth-canary"\n  passwort: typo-canary\n- x: [',
      secrets: 'naked-canary',
      'github-token': 'token-canary',
      paswword: 'unknown-canary',
      'build-args': '=arg-canary',
    };
    const error: unknown = await readInputs(withInputs(inputs), (value) => masked.push(value)).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(ActionErrors);
    expect(String(error)).not.toContain('canary');
    expect(masked).toEqual(expect.arrayContaining(['pass-canary', 'auth-canary', 'naked-canary', 'token-canary']));
  });
});

describe('what is refused', () => {
  it('says everything at once, one line for each problem, in the order of the documentation', async () => {
    const error = await refusal({
      push: 'yes',
      scan: 'gatee',
      platform: 'linux/amd64',
      'max-db-age': '3',
      username: 'me',
    });
    expect(error.code).toBe('INPUT_INVALID');
    expect(error.facts).toEqual({ input: 'push' });
    expect(error.message.split('\n')).toEqual([
      '6 problems with the inputs:',
      '- `push`: got "yes", expected true or false.',
      '- `scan`: got "gatee", expected gate, report or off. Did you mean `gate`?',
      '- `max-db-age`: got "3", expected a length of time such as 3d, 12h or 90m.',
      '- `platform`: is not an input of this action. Did you mean `platforms`?',
      expect.stringContaining('`images` is empty'),
      expect.stringContaining('`username` is set and `password` is empty'),
    ]);
  });

  it('tells problems with rules, names, flags and files at once', async () => {
    const inputs = { tags: 'type=semvr', images: 'GHCR.io//app', push: 'maybe', ignorefile: 'accepted.yaml' };
    const files = { 'accepted.yaml': '- id: CVE-2024-0001\n' };
    const thrown: unknown = await readInputs(withInputs(inputs), () => {}, files).catch((error: unknown) => error);
    const [inInputs, ...inFiles] = allErrors(thrown);
    expect(inInputs?.message.split('\n')).toEqual([
      '3 problems with the inputs:',
      expect.stringMatching(/^- `images`, line 1 \(`GHCR\.io\/\/app`\): /),
      expect.stringMatching(/^- `tags`, line 1 \(`type=semvr`\): .*Did you mean `semver`\?$/),
      '- `push`: got "maybe", expected true or false.',
    ]);
    expect(inFiles.map(({ code, facts }) => [code, facts.file])).toContainEqual([
      'IGNOREFILE_INVALID',
      'accepted.yaml',
    ]);
  });

  it('tells problems of the policy file of a promotion with those of its inputs', async () => {
    const inputs = {
      command: 'promote',
      from: 'a b',
      environment: 'production',
      images: 'GHCR.io//app',
      force: 'maybe',
    };
    const files = { '.github/promotion.yaml': 'require: [sbomm]\n' };
    const thrown: unknown = await readInputs(withInputs(inputs), () => {}, files).catch((error: unknown) => error);
    const [inInputs, inPolicy] = allErrors(thrown);
    expect(inInputs?.message).toMatch(/^3 problems with the inputs:/);
    expect(inPolicy).toMatchObject({
      code: 'POLICY_INVALID',
      facts: { file: '.github/promotion.yaml' },
      message: expect.stringContaining('Did you mean `sbom`?'),
    });
  });

  const BROKEN = {
    'accepted.yaml': '- id: CVE-2024-0001\n  reasn: x\n',
    'cleanup.yaml': 'rules:\n  - select: { tagged: maybe }\n    remove: { older-than: soon }\n',
    'mirror.yaml': 'version: 1\nmirrors:\n  - { from: docker.io//a, to: ghcr.io/org/a, tags: [a] }\n',
    'setup.yaml': 'version: 1\nregistries: {}\nrepositories:\n  - { name: a, immutble: true }\n',
    '.github/promotion.yaml': 'require:\n  - sbom\n  - sbomm\ngate: { severity: SEVERE }\n',
  };

  it.each([
    [
      'merge',
      { images: 'GHCR.io//app', platforms: 'linux-amd64', layouts: 'a', push: 'maybe', ignorefile: 'accepted.yaml' },
      ['images', 'platforms', 'push'],
      [
        /^accepted\.yaml:1:3: .*needs a `reason`/,
        /^accepted\.yaml:1:3: .*needs `expires`/,
        /^accepted\.yaml:2:3: .*"reasn"/,
      ],
    ],
    [
      'promote',
      {
        images: 'GHCR.io//app',
        from: 'a b',
        environment: 'production',
        rollback: 'maybe',
        'signer-identity': '^https://a',
        'record-repository': 'app',
      },
      ['images', 'rollback', 'from', 'signer-identity', 'record-repository'],
      [/promotion\.yaml:3:5, require, entry 2: .*`sbom`\?\n- .*promotion\.yaml:4:9, gate\.severity: got "SEVERE"/],
    ],
    [
      'verify',
      { images: 'GHCR.io//app', require: 'signd', 'signer-identity': '^https://a', 'signer-claims': 'x=1' },
      ['images', 'require', 'signer-identity', 'signer-claims'],
      [],
    ],
    [
      'cleanup',
      { images: 'GHCR.io//app', 'dry-run': 'maybe', 'record-repository': 'app', policy: 'cleanup.yaml' },
      ['images', 'dry-run', 'record-repository'],
      [/cleanup\.yaml:2:23: .*found "maybe"\n- cleanup\.yaml:3:27: "soon"/],
    ],
    [
      'setup',
      { export: 'tofu', 'dry-run': 'maybe', config: 'setup.yaml' },
      ['export', 'dry-run'],
      [/setup\.yaml:4:16: unknown key "immutble"/],
    ],
    [
      'mirror',
      { 'dry-run': 'maybe', 'state-key': 'short', config: 'mirror.yaml' },
      ['dry-run', 'state-key'],
      [/mirror\.yaml:3:13: "docker\.io\/\/a"/],
    ],
    [
      'report',
      { images: 'GHCR.io//app', scans: 'grype', environments: 'a b', watch: 'x y', setup: 'setup.yaml' },
      ['images', 'scans', 'environments', 'watch'],
      [/setup\.yaml:4:16: unknown key "immutble"/],
    ],
  ] as const)(
    'reports every problem of `command: %s` in one run, and no consequences of them',
    async (command, inputs, named, inFiles) => {
      const thrown: unknown = await readInputs(withInputs({ command, ...inputs }), () => {}, BROKEN).catch(
        (error: unknown) => error,
      );
      const [first, ...others] = allErrors(thrown);
      const lines = first?.message.split('\n').slice(1) ?? [];
      expect(lines.map((line) => /^- `([^`]+)`/.exec(line)?.[1])).toEqual(named);
      expect(others.map(({ message }) => message)).toEqual(inFiles.map((text) => expect.stringMatching(text)));
    },
  );

  it('says no more than that of a command that nobody knows', async () => {
    const { message } = await refusal({ command: 'promot', from: 'env:staging', environment: 'production' });
    expect(message).toBe(`\`command\`: got "promot", expected ${NAMES}. Did you mean \`promote\`?`);
  });

  it('has one line for each wrong name of a promotion', async () => {
    const { message } = await refusal({ command: 'promote', from: 'a b', to: '{{versoin}}\n{{env', environment: 'qa' });
    expect(message.split('\n').map((line) => line.slice(0, 25))).toEqual([
      '3 problems with the input',
      '- `from` ("a b"): this is',
      '- `to`, line 1 (`{{versoi',
      '- `to`, line 2 (`{{env`):',
    ]);
  });

  it.each([
    ['image', 'Did you mean `images`?'],
    ['plattforms', 'Did you mean `platforms`?'],
    ['build_args', 'Did you mean `build-args`?'],
    ['severities', 'Did you mean `severity`?'],
    ['qwertzuiop', 'If INPUT_QWERTZUIOP is an environment variable of your own, give it another name.'],
    ['append', '`endpoint` with several lines'],
    ['exit-code', 'use `scan: gate` to fail on findings'],
    ['timeout', '`timeout-minutes` of the step'],
    ['hide-progress', 'remove it.'],
    ['cache-binary', 'remove it.'],
    ['mask-password', 'remove it.'],
    ['client-id', 'use `azure-client-id`.'],
    ['token_format', '`workload-identity-provider`'],
    ['constructor', 'is not an input of this action.'],
  ])('answers the unknown input %s', async (name, answer) => {
    expect((await refusal({ ...IMAGE, [name]: 'x' })).message).toContain(answer);
  });

  it('names the command that exists when asked for another', async () => {
    expect((await refusal({ ...IMAGE, command: 'combine' })).message).toContain(
      `\`command\`: got "combine", expected ${NAMES}.`,
    );
  });

  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['a push to nowhere', {}, /`images` is empty.*push: false/],
    [
      'a baseline of nowhere',
      { push: 'false', baseline: 'main' },
      /`baseline` is only a tag or digest, and `images` is empty/,
    ],
    [
      'a promotion of a bare tag from nowhere',
      { command: 'promote', from: 'main', environment: 'qa' },
      /`images` is empty, and a tag/,
    ],
    [
      'a source and a build',
      { ...IMAGE, source: 'x.tar', file: 'Dockerfile', target: 'app' },
      /`source`.*`file`, `target`/,
    ],
    ['a password without a name', { ...IMAGE, password: 'x' }, /`password` is set without `username`/],
    ['a name without a password', { ...IMAGE, username: 'x' }, /check that the secret exists/],
    ['a registry alone', { ...IMAGE, registry: 'ghcr.io' }, /`registry` is set without/],
    [
      'a registry that is a path',
      { ...IMAGE, registry: 'ghcr.io/org', username: 'a', password: 'b' },
      /`registry`: got "ghcr.io\/org"/,
    ],
    [
      'two ways to log in',
      { ...IMAGE, username: 'a', password: 'b', 'registry-auth': '- {username: a, password: b}' },
      /`registry-auth` cannot be used together with `username`, `password`/,
    ],
    [
      'a login for the wrong host',
      { images: '# ours\n\nghcr.io/org/app', username: 'a', password: 'b' },
      /Add `registry: ghcr\.io`/,
    ],
    [
      'one secret from two places',
      { ...IMAGE, secrets: 'a=1', 'secret-envs': 'a=X' },
      /`a` is given by more than one of/,
    ],
    [
      'options for a builder that exists',
      { ...IMAGE, builder: 'mine', 'driver-opts': 'network=host' },
      /`driver-opts`.*`builder`/,
    ],
    ['findings without a scan', { ...IMAGE, scan: 'off', 'sarif-file': 'x.sarif' }, /Use `scan: report`/],
    ['a build argument without a name', { ...IMAGE, 'build-args': '=x' }, /`build-args`: entry 1/],
    ['a label without a value', { ...IMAGE, labels: 'vendor' }, /`labels`: entry 1 is not of the form/],
    [
      'a plain registry with a scheme',
      { ...IMAGE, 'insecure-registries': 'http://r.lan:5000' },
      /expected the bare host: r\.lan:5000/,
    ],
    ['latest as a version', { ...IMAGE, 'trivy-version': 'latest' }, /`latest` is not a version/],
  ])('%s', async (_, inputs, problem) => {
    expect((await refusal(inputs)).message).toMatch(problem);
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['a login at Docker Hub for base images', { ...IMAGE, registry: 'docker.io', username: 'a', password: 'b' }],
    [
      'a login at Docker Hub for one of the images',
      { images: 'org/app\nghcr.io/org/app', username: 'a', password: 'b' },
    ],
    ['a dry run without a name', { 'dry-run': 'true', push: 'false' }],
    [
      'a source that must hold platforms',
      { ...IMAGE, source: 'x', platforms: 'linux/amd64', sbom: 'false', provenance: 'false' },
    ],
  ])('but not %s', async (_, inputs) => {
    await expect(parse(inputs)).resolves.toBeDefined();
  });

  it('warns of settings of a gate that is switched off, and goes on', async () => {
    const { warnings } = await parse({ ...IMAGE, scan: 'off', severity: 'LOW', vex: 'a.json' });
    expect(warnings).toEqual(['`scan: off`: `severity`, `vex` have no effect, and nothing is scanned.']);
  });
});

describe('registry-auth', () => {
  const auth = async (yaml: string) => (await parse({ ...IMAGE, 'registry-auth': yaml })).inputs.registries.logins;

  it.each([
    ['on a line', '- username: me\n  password: "s3cret"', ['s3cret']],
    ['between braces', '- { username: me, password: s3cret }', ['s3cret']],
    [
      'on lines of its own',
      '- username: me\n  password: |\n    first-half\n    second-half',
      ['first-half\nsecond-half', 'first-half', 'second-half'],
    ],
  ])('P8: masks a password %s', async (_, yaml, secrets) => {
    expect((await parse({ ...IMAGE, 'registry-auth': yaml })).masked).toEqual(expect.arrayContaining(secrets));
  });

  it('reads a list of logins, each value as text', async () => {
    expect(
      await auth("- registry: ghcr.io\n  username: me\n  password: 0123\n- username: you\n  password: 'a: b # c'\n"),
    ).toEqual([
      { host: 'ghcr.io', username: 'me', password: '0123' },
      { host: 'docker.io', username: 'you', password: 'a: b # c' },
    ]);
  });

  it.each([
    '*canary',
    '&canary',
    '!canary',
    '@canary',
    '%canary',
    '`canary',
    'a: canary',
    '{canary',
    '"canary',
    '|canary',
  ])('P8: a password that is no plain YAML, %s, is masked and not quoted', async (password) => {
    const masked: string[] = [];
    const yaml = `- username: me\n  password: ${password}\n`;
    const error: unknown = await readInputs(withInputs({ ...IMAGE, 'registry-auth': yaml }), (value) =>
      masked.push(value),
    ).catch((thrown) => thrown);
    expect(String(error)).toMatch(/single quotes/);
    expect(String(error)).not.toContain('canary');
    expect(masked).toContain(password);
  });

  it.each([
    ['registry: ghcr.io', /expected a YAML list/],
    ['- ghcr.io', /entry 1: expected `registry`, `username` and `password`/],
    [
      '- registry: ghcr.io\n  username: a\n  password: b\n- registry: quay.io\n  username: a',
      /`password` for quay\.io is missing/,
    ],
    ['- registry: ghcr.io\n  username: a\n  password:', /`password` for ghcr\.io is missing or empty/],
    [
      '- registry: ghcr.io\n  user: a\n  password: b',
      /entry 1: unknown key `user`, expected registry, username, password/,
    ],
    [
      '- registry: ghcr.io\n  ecr: auto\n  username: a\n  password: b',
      /entry 1: `ecr` is not used here.*role-to-assume/,
    ],
    [
      '- registry: ghcr.io/org\n  username: a\n  password: b',
      /`registry-auth`: got "ghcr.io\/org", expected a host.*Only `command: mirror`/,
    ],
    [
      '- {username: a, password: b}\n- {registry: index.docker.io, username: a, password: c}',
      /docker\.io is given more than once/,
    ],
    ['- registry: ghcr.io\n username: a', /line 2 is not YAML/],
  ])('refuses %j', async (yaml, problem) => {
    expect((await refusal({ ...IMAGE, 'registry-auth': yaml })).message).toMatch(problem);
  });
});

describe('the tables of all commands', () => {
  it('accept the example of every input', () => {
    for (const [name, { example, read }] of FIELDS) {
      if (example !== undefined)
        expect(
          read(example, () => {}),
          name,
        ).toMatchObject({ ok: true });
    }
  });

  it('describe every input and output in sentences', () => {
    const texts = [...FIELDS.map(([, { about }]) => about), ...allOutputs(COMMANDS).map(({ about }) => about)];
    for (const about of texts) expect(about).toMatch(/^[A-Z`].*\.$/s);
  });

  it('list no input of their own as foreign', () => {
    const own = new Set(FIELDS.map(([name]) => name));
    expect(Object.keys(FOREIGN_INPUTS).filter((name) => own.has(name))).toEqual([]);
  });

  it.each<[With, string]>([
    [
      { ...IMAGE, environment: 'qa' },
      '`environment`: belongs to `command: promote`, and this is `command: publish`. Remove it.',
    ],
    [
      { command: 'login', registry: 'ghcr.io', severity: 'LOW' },
      '`severity`: belongs to `command: publish`, `command: merge` or `command: promote`, and this is `command: login`. Remove it.',
    ],
  ])('tell which commands an input belongs to: %j', async (inputs, message) => {
    expect((await refusal(inputs)).message).toBe(message);
  });

  it('mask the secret of another command', async () => {
    const masked: string[] = [];
    const env = withInputs({ command: 'login', registry: 'ghcr.io', secrets: 'npm=canary-npm' });
    await expect(readInputs(env, (value) => masked.push(value))).rejects.toThrow('`secrets`: belongs to');
    expect(masked).toContain('canary-npm');
  });
});

describe('P8: credentials in addresses', () => {
  it.each<[string, string]>([
    ['context', 'https://user:canary-token@git.example/x.git'],
    ['context', 'https://canary-token@git.example/x.git'],
    ['context', 'ssh://user:canary-token@git.example/x.git'],
    ['context', 'https://user:canary%2Dtoken@git.example/x.tar.gz'],
    ['file', 'https://user:canary-token@git.example/Dockerfile'],
    ['build-contexts', 'docs=https://user:canary-token@git.example/x.git'],
  ])('%s: %s is refused, and the secret of BuildKit named', async (input, value) => {
    const { message } = await refusal({ ...IMAGE, [input]: value });
    expect(message).toContain('GIT_AUTH_TOKEN.git.example=');
    expect(message).not.toContain('canary');
  });

  it.each<[string, string]>([
    ['context', 'ssh://git@git.example/x.git'],
    ['context', 'git@git.example:org/x.git'],
    ['build-contexts', 'base=docker-image://alpine@sha256:abc'],
    ['build-args', 'EMAIL=mailto:a@b.example'],
  ])('%s: %s is taken', async (input, value) => {
    await expect(parse({ ...IMAGE, [input]: value })).resolves.toBeDefined();
  });

  it('masks them elsewhere, decoded too', async () => {
    const inputs = {
      ...IMAGE,
      'build-args': 'INDEX=https://ci:canary%2Fone@pypi.example/simple',
      'cache-to': 'type=s3,bucket=b,access_key_id=CANARYID,secret_access_key=canary-two',
      'cache-from': 'type=registry,ref=https://canary-three@x.example/y',
    };
    expect((await parse(inputs)).masked).toEqual(
      expect.arrayContaining(['canary%2Fone', 'canary/one', 'canary-two', 'CANARYID', 'canary-three']),
    );
  });

  it('masks the password of a proxy', async () => {
    const masked: string[] = [];
    const env = { ...withInputs(IMAGE), HTTPS_PROXY: 'http://me:canary-proxy@proxy.example:3128' };
    await readInputs(env, (value) => masked.push(value));
    expect(masked).toContain('canary-proxy');
  });

  it('quotes none of them in an error', async () => {
    const { message } = await refusal({
      ...IMAGE,
      registry: 'https://me:canary-token@ghcr.io/org',
      username: 'a',
      password: 'b',
    });
    expect(message).not.toContain('canary');
  });
});

describe('empty credentials', () => {
  const TWO = "- registry: ghcr.io\n  username: me\n  password:\n- registry: quay.io\n  username: ''\n  password: ''";
  it.each<Readonly<Record<string, string>>>([
    { 'registry-auth': TWO },
    { registry: 'ghcr.io', username: 'me', password: '' },
    { registry: 'ghcr.io', username: '', password: '' },
    { registry: 'ghcr.io', username: '', password: 'x-secret' },
    { username: 'me', password: ' ' },
  ])('are none where nothing is pushed, with a warning: %j', async (inputs) => {
    for (const how of [{ push: 'false' }, { 'dry-run': 'true' }]) {
      const read = await parse({ ...IMAGE, ...inputs, ...how });
      expect(read.inputs).toMatchObject({ registries: { logins: [] }, lacksCredentials: true });
      expect(read.warnings.join()).toMatch(/(?:is|are) empty\. Nothing is pushed/);
    }
    await expect(parse({ ...IMAGE, ...inputs })).rejects.toThrow();
  });
});

describe('the image of a step that names none', () => {
  it.each<[string, With]>([
    ['publish', {}],
    ['publish with only comments in `images`', { images: '# later' }],
    ['a publish that pushes nothing', { push: 'false' }],
  ])('%s means that of the repository', async (_, inputs) => {
    const read = await parse(inputs, { GITHUB_REPOSITORY: 'Octo-Org/App' });
    expect(read.inputs).toMatchObject({ isDefaultImage: true, naming: { images: [{ name: 'ghcr.io/octo-org/app' }] } });
  });

  it.each<[string, With]>([
    ['promote from an environment', { command: 'promote', from: 'env:staging', environment: 'production' }],
    ['a rollback', { command: 'promote', rollback: 'true', environment: 'production' }],
  ])('%s means that of the repository', async (_, inputs) => {
    const read = await parse(inputs, { GITHUB_REPOSITORY: 'Octo-Org/App' });
    expect(read.inputs).toMatchObject({ isDefaultImage: true, images: [{ name: 'ghcr.io/octo-org/app' }] });
  });

  it('a promotion from a full name goes nowhere else', async () => {
    const inputs = { command: 'promote', from: 'ghcr.io/org/dev:1', environment: 'production' };
    const read = await parse(inputs, { GITHUB_REPOSITORY: 'org/app' });
    expect(read.inputs).toMatchObject({ images: [], isDefaultImage: false });
  });

  it.each<[string, With]>([
    ['GitHub Enterprise Server', { GITHUB_REPOSITORY: 'org/app', GITHUB_SERVER_URL: 'https://github.example.com' }],
    ['a repository whose name is no image name', { GITHUB_REPOSITORY: 'org/.github' }],
  ])('on %s it has to be named', async (_, env) => {
    expect((await refusal({}, env)).message).toContain('`images` is empty');
  });
});

describe('the outputs', () => {
  it.each(COMMANDS)('of $name are those that it declares', async (command) => {
    const { outputs } = await command.refuse(new ActionError('INPUT_INVALID', 'no'));
    const declared = allOutputs(COMMANDS).filter(({ commands }) => commands.includes(command.name));
    // Both are written where the outputs are set, for all commands; some make the text of `json` themselves.
    expect([...new Set([...Object.keys(outputs), 'json', 'json-file'])].toSorted()).toEqual(
      declared.map(({ name }) => name).toSorted(),
    );
  });
});
