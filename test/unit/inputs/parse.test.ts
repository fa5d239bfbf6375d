import { describe, expect, it } from 'vitest';
import { ActionError } from '../../../src/errors/action-error.ts';
import { INPUTS, OUTPUTS } from '../../../src/inputs/catalogue.ts';
import { FOREIGN_INPUTS } from '../../../src/inputs/foreign.ts';
import { parseInputs, readTable } from '../../../src/inputs/parse.ts';
import { type Facts, flag, text } from '../../../src/inputs/schema.ts';

/** The environment that the runner makes of `with:`. */
function withInputs(inputs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]),
  );
}

const IMAGE = { images: 'ghcr.io/org/app' };

function parse(inputs: Readonly<Record<string, string>>) {
  const masked: string[] = [];
  return { ...parseInputs(withInputs(inputs), (value) => masked.push(value)), masked };
}

function refusal(inputs: Readonly<Record<string, string>>): ActionError {
  try {
    parse(inputs);
  } catch (error) {
    if (error instanceof ActionError) return error;
    throw error;
  }
  throw new Error('The inputs were accepted.');
}

describe('what a run gets', () => {
  it('takes the documented defaults', () => {
    expect(parse(IMAGE)).toMatchObject({
      command: 'publish',
      images: ['ghcr.io/org/app'],
      tags: [],
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
      logins: [],
      warnings: [],
    });
  });

  it.each(['severity', 'scanners'])('refuses a `%s` of nothing, with which the gate would let all pass', (name) => {
    expect(refusal({ ...IMAGE, [name]: ' , ,' }).message).toMatch(/got ", ,", expected one or more of /);
  });

  it('gives the same with the defaults that the runner fills in as without them', () => {
    const filled = Object.fromEntries(
      Object.entries(INPUTS).map(([name, input]) => [
        name,
        input.default?.includes('${{') ? '' : (input.default ?? ''),
      ]),
    );
    expect(parse({ ...filled, ...IMAGE })).toEqual(parse(IMAGE));
    expect(parse({ ...filled, source: 'image.tar', ...IMAGE }).source).toBe('image.tar');
  });

  it('reads names with hyphens as the runner writes them', () => {
    const inputs = parseInputs({ 'INPUT_BUILD-ARGS': 'A=1\nB=2,3\n', INPUT_IMAGES: ' app ', OTHER: 'x' }, () => {});
    expect(inputs['build-args']).toEqual(['A=1', 'B=2,3']);
    expect(inputs.images).toEqual(['app']);
  });

  it('takes a reset input for its default', () => {
    expect(parse({ ...IMAGE, push: '', scan: ' ', 'no-cache': 'False', source: 'x' })).toMatchObject({
      push: true,
      scan: 'gate',
    });
  });

  it.each([
    ['', 'docker.io'],
    ['ghcr.io', 'ghcr.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['https://Registry.Example.com:5000/', 'registry.example.com:5000'],
  ])('files a login for %j under %s', (registry, host) => {
    const inputs = parse({ images: 'org/app', registry, username: 'me', password: 'pass' });
    expect(inputs.logins).toEqual([{ host, username: 'me', password: 'pass' }]);
  });
});

describe('P8: secrets', () => {
  it('masks passwords, tokens and build secrets while it reads them', () => {
    const { masked } = parse({
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

  it('masks them also when another input is wrong, and no message holds one', () => {
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
    const attempt = () => parseInputs(withInputs(inputs), (value) => masked.push(value));
    expect(attempt).toThrow(ActionError);
    expect(attempt).not.toThrow(/canary/);
    expect(masked).toEqual(expect.arrayContaining(['pass-canary', 'auth-canary', 'naked-canary', 'token-canary']));
  });
});

describe('what is refused', () => {
  it('says everything at once, one line for each problem, in the order of the documentation', () => {
    const error = refusal({ push: 'yes', scan: 'gatee', platform: 'linux/amd64', 'max-db-age': '3', username: 'me' });
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

  it('says no more than that of a command that nobody knows', () => {
    const { message } = refusal({ command: 'promot', from: 'env:staging', environment: 'production' });
    expect(message).toBe('`command`: got "promot", expected publish, promote or login. Did you mean `promote`?');
  });

  it('has one line for each wrong name of a promotion', () => {
    const { message } = refusal({ command: 'promote', from: 'a b', to: '{{versoin}}\n{{env', environment: 'qa' });
    expect(message.split('\n').map((line) => line.slice(0, 25))).toEqual([
      '3 problems with the input',
      '- from ("a b"): this is n',
      '- to, line 1 (`{{versoin}',
      '- to, line 2 (`{{env`): a',
    ]);
  });

  it.each([
    ['image', 'Did you mean `images`?'],
    ['plattforms', 'Did you mean `platforms`?'],
    ['build_args', 'Did you mean `build-args`?'],
    ['severities', 'Did you mean `severity`?'],
    ['qwertzuiop', 'If INPUT_QWERTZUIOP is an environment variable of your own, give it another name.'],
    ['load', 'is not an input of this action: remove it.'],
    ['exit-code', 'use `scan: gate` to fail on findings'],
    ['timeout', '`timeout-minutes` of the step'],
    ['hide-progress', 'remove it.'],
    ['cache-binary', 'remove it.'],
    ['mask-password', 'remove it.'],
    ['client-id', 'use `azure-client-id`.'],
    ['token_format', '`workload-identity-provider`'],
    ['constructor', 'is not an input of this action.'],
  ])('answers the unknown input %s', (name, answer) => {
    expect(refusal({ ...IMAGE, [name]: 'x' }).message).toContain(answer);
  });

  it('names the command that exists when asked for another', () => {
    expect(refusal({ ...IMAGE, command: 'mirror' }).message).toContain(
      '`command`: got "mirror", expected publish, promote or login.',
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
  ])('%s', (_, inputs, problem) => {
    expect(refusal(inputs).message).toMatch(problem);
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
  ])('but not %s', (_, inputs) => {
    expect(() => parse(inputs)).not.toThrow();
  });

  it('warns of settings of a gate that is switched off, and goes on', () => {
    const { warnings } = parse({ ...IMAGE, scan: 'off', severity: 'LOW', vex: 'a.json' });
    expect(warnings).toEqual(['`scan: off`: `severity`, `vex` has no effect, and nothing is scanned.']);
  });
});

describe('registry-auth', () => {
  const auth = (yaml: string) => parse({ ...IMAGE, 'registry-auth': yaml }).logins;

  it.each([
    ['on a line', '- username: me\n  password: "s3cret"', ['s3cret']],
    ['between braces', '- { username: me, password: s3cret }', ['s3cret']],
    [
      'on lines of its own',
      '- username: me\n  password: |\n    first-half\n    second-half',
      ['first-half\nsecond-half', 'first-half', 'second-half'],
    ],
  ])('P8: masks a password %s', (_, yaml, secrets) => {
    expect(parse({ ...IMAGE, 'registry-auth': yaml }).masked).toEqual(expect.arrayContaining(secrets));
  });

  it('reads a list of logins, each value as text', () => {
    expect(
      auth("- registry: ghcr.io\n  username: me\n  password: 0123\n- username: you\n  password: 'a: b # c'\n"),
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
  ])('P8: a password that is no plain YAML, %s, is masked and not quoted', (password) => {
    const masked: string[] = [];
    const yaml = `- username: me\n  password: ${password}\n`;
    const attempt = () => parseInputs(withInputs({ ...IMAGE, 'registry-auth': yaml }), (value) => masked.push(value));
    expect(attempt).toThrow(/single quotes/);
    expect(attempt).not.toThrow(/canary/);
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
    ['- registry: ghcr.io/org\n  username: a\n  password: b', /entry 1: `registry` got "ghcr.io\/org"/],
    [
      '- {username: a, password: b}\n- {registry: index.docker.io, username: a, password: c}',
      /docker\.io is given more than once/,
    ],
    ['- registry: ghcr.io\n username: a', /line 2 is not YAML/],
  ])('refuses %j', (yaml, problem) => {
    expect(refusal({ ...IMAGE, 'registry-auth': yaml }).message).toMatch(problem);
  });
});

describe('the table', () => {
  it('accepts the example of every input', () => {
    for (const [name, input] of Object.entries(INPUTS)) {
      if (input.example === undefined) continue;
      expect(
        input.read(input.example, () => {}),
        name,
      ).toMatchObject({ ok: true });
    }
  });

  it('describes every input and output in sentences', () => {
    for (const about of [...Object.values(INPUTS).map((input) => input.about), ...Object.values(OUTPUTS)]) {
      expect(about).toMatch(/^[A-Z`].*\.$/s);
    }
  });

  it('does not list an input of its own as foreign', () => {
    expect(Object.keys(FOREIGN_INPUTS).filter((name) => Object.hasOwn(INPUTS, name))).toEqual([]);
  });

  it('tells which command an input belongs to', () => {
    const facts: Facts = { group: 'Run', about: '' };
    const table = {
      images: text({ ...facts, commands: ['publish', 'promote'] }),
      stage: text({ ...facts, commands: ['promote'] }),
      force: flag({ ...facts, commands: ['promote', 'cleanup'], default: 'false' }),
    };
    const env = withInputs({ images: 'app', stage: 'prod', force: 'false' });
    expect(readTable(table, 'promote', env, () => {}).problems).toEqual([]);
    expect(readTable(table, 'publish', env, () => {}).problems).toEqual([
      { input: 'stage', says: 'belongs to `command: promote`, and this is `command: publish`. Remove it.' },
    ]);
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
  ])('%s: %s is refused, and the secret of BuildKit named', (input, value) => {
    const { message } = refusal({ ...IMAGE, [input]: value });
    expect(message).toContain('GIT_AUTH_TOKEN.git.example=');
    expect(message).not.toContain('canary');
  });

  it.each<[string, string]>([
    ['context', 'ssh://git@git.example/x.git'],
    ['context', 'git@git.example:org/x.git'],
    ['build-contexts', 'base=docker-image://alpine@sha256:abc'],
    ['build-args', 'EMAIL=mailto:a@b.example'],
  ])('%s: %s is taken', (input, value) => {
    expect(() => parse({ ...IMAGE, [input]: value })).not.toThrow();
  });

  it('masks them elsewhere, decoded too', () => {
    const inputs = {
      ...IMAGE,
      'build-args': 'INDEX=https://ci:canary%2Fone@pypi.example/simple',
      'cache-to': 'type=s3,bucket=b,access_key_id=CANARYID,secret_access_key=canary-two',
      'cache-from': 'type=registry,ref=https://canary-three@x.example/y',
    };
    expect(parse(inputs).masked).toEqual(
      expect.arrayContaining(['canary%2Fone', 'canary/one', 'canary-two', 'CANARYID', 'canary-three']),
    );
  });

  it('masks the password of a proxy', () => {
    const masked: string[] = [];
    const env = { ...withInputs(IMAGE), HTTPS_PROXY: 'http://me:canary-proxy@proxy.example:3128' };
    parseInputs(env, (value) => masked.push(value));
    expect(masked).toContain('canary-proxy');
  });

  it('quotes none of them in an error', () => {
    const { message } = refusal({
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
  ])('are none where nothing is pushed, with a warning: %j', (inputs) => {
    for (const how of [{ push: 'false' }, { 'dry-run': 'true' }]) {
      const { logins, warnings, lacksCredentials } = parse({ ...IMAGE, ...inputs, ...how });
      expect(logins).toEqual([]);
      expect(lacksCredentials).toBe(true);
      expect(warnings.join()).toMatch(/(?:is|are) empty\. Nothing is pushed/);
    }
    expect(() => parse({ ...IMAGE, ...inputs })).toThrow();
  });
});

describe('the image of a step that names none', () => {
  const images = (inputs: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>) => {
    const variables = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
    return parseInputs({ ...Object.fromEntries(variables), ...env }, () => undefined);
  };

  it.each<[string, Readonly<Record<string, string>>]>([
    ['publish', {}],
    ['publish with only comments in `images`', { images: '# later' }],
    ['a publish that pushes nothing', { push: 'false' }],
    ['promote from an environment', { command: 'promote', from: 'env:staging', environment: 'production' }],
    ['a rollback', { command: 'promote', rollback: 'true', environment: 'production' }],
  ])('%s means that of the repository', (_, inputs) => {
    expect(images(inputs, { GITHUB_REPOSITORY: 'Octo-Org/App' })).toMatchObject({
      images: ['ghcr.io/octo-org/app'],
      givesImages: false,
    });
  });

  it('a promotion from a full name goes nowhere else', () => {
    const inputs = { command: 'promote', from: 'ghcr.io/org/dev:1', environment: 'production' };
    expect(images(inputs, { GITHUB_REPOSITORY: 'org/app' })).toMatchObject({ images: [], givesImages: true });
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['GitHub Enterprise Server', { GITHUB_REPOSITORY: 'org/app', GITHUB_SERVER_URL: 'https://github.example.com' }],
    ['a repository whose name is no image name', { GITHUB_REPOSITORY: 'org/.github' }],
  ])('on %s it has to be named', (_, env) => {
    expect(() => images({}, env)).toThrow('`images` is empty');
  });
});
