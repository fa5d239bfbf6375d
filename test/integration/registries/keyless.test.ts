import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../../src/errors/catalogue.ts';
import { KEYLESS_INPUTS } from '../../../src/inputs/keyless.ts';
import { runAction } from '../../support/action.ts';
import { startCloud } from '../../support/cloud.ts';
import { startRegistry } from '../../support/registry.ts';
import { type OidcOptions, oidcDouble } from '../../support/vendors/oidc.ts';
import { KEYLESS_HUB, ROWS, type Row } from './vendors.ts';

const CLOUDS = [...ROWS.filter(({ inputs }) => KEYLESS_INPUTS.some((name) => inputs[name] !== undefined)), KEYLESS_HUB];

interface Case extends OidcOptions {
  readonly what: string;
  readonly code: ErrorCode;
  readonly audience?: string;
  /** The job lacks `id-token: write`. */
  readonly forbidden?: true;
  /** What the message and its remedy hold. */
  readonly says: readonly (string | RegExp)[];
}

const OTHER = 'repo:acme@1/other@9:pull_request';
const CASES: readonly Case[] = [
  {
    what: 'another audience',
    code: 'ID_TOKEN_AUDIENCE',
    audience: 'https://another.example',
    says: ['https://another.example', '`oidc-audience`'],
  },
  {
    what: 'no permission to ask for a token',
    code: 'ID_TOKEN_UNAVAILABLE',
    forbidden: true,
    says: ['`id-token: write`', '`permissions:`'],
  },
  { what: 'a token that has expired', code: 'ID_TOKEN_EXPIRED', lives: -60, says: [/clock/] },
  {
    what: 'a subject that is not allowed',
    code: 'ID_TOKEN_SUBJECT',
    subject: OTHER,
    // Both forms: policies are written in either.
    says: [
      OTHER,
      'repo:acme/other:pull_request',
      'https://token.actions.githubusercontent.com',
      /trust policy|attribute condition|ruleset|federated credential|identity mapping/,
    ],
  },
];

test('every cloud that trusts the token of the job is here', () => {
  expect(CLOUDS.map(({ id }) => id).toSorted()).toEqual(
    ['acr', 'artifact-registry', 'artifactory', 'docker-hub', 'ecr', 'ecr-public'].toSorted(),
  );
});

describe.each(CLOUDS)('$id: from the token of the job to the credentials of the registry', (row) => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyless-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function login({ inputs, host, start }: Row, options: Partial<Case> = {}) {
    await using stack = new AsyncDisposableStack();
    const running = await start();
    const home = host === 'docker.io' ? 'registry-1.docker.io' : host;
    const registry = stack.use(await startRegistry({ auth: running.auth, origin: `https://${home}` }));
    const oidc = oidcDouble(options);
    const cloud = stack.use(await startCloud({ ...running.hosts(registry), ...oidc.hosts }));
    const audience = options.audience === undefined ? {} : { 'oidc-audience': options.audience };
    await using run = await runAction({
      inputs: { command: 'login', registry: host, 'github-token': '', ...inputs, ...audience },
      env: {
        ...cloud.env,
        ...running.env,
        ...(options.forbidden ? {} : oidc.env),
        DOCKER_CONFIG: join(folder, 'docker'),
      },
    });
    const file = await readFile(join(folder, 'docker', 'config.json'), 'utf8').catch(() => undefined);
    await run.post();
    return { run, file, oidc, cloud, problems: running.checks.flatMap(({ problems }) => problems) };
  }

  test('a job that is trusted gets in, and no secret is seen', async () => {
    const { run, file, oidc, cloud, problems } = await login(row);
    expect(run.exitCode, run.log).toBe(0);
    expect(problems).toEqual([]);
    expect(cloud.strangers).toEqual([]);
    expect(oidc.audiences).toHaveLength(1);
    const { auths } = JSON.parse(file ?? '{}');
    const [{ auth = '' } = {}] = Object.values<{ auth?: string }>(auths);
    const secret = Buffer.from(auth, 'base64').toString('utf8').split(':').slice(1).join(':');
    expect(secret.length).toBeGreaterThan(5);
    const shown = run.log.replaceAll(/::add-mask::.*/g, '') + run.summary + JSON.stringify(run.outputs);
    for (const each of [secret, auth, oidc.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN]) {
      expect(shown).not.toContain(each);
      expect(run.masks).toContain(each);
    }
  });

  test.each(CASES)('$what: $code', async (each) => {
    const { run, file } = await login(row, each);
    expect(run.exitCode, run.log).toBe(1);
    const { errors } = JSON.parse(run.outputs.json ?? '{}');
    expect(errors.map(({ code }: { code: string }) => code)).toEqual([each.code]);
    const told = run.annotations.map(({ message }) => message).join('\n');
    for (const words of each.says) expect(told).toMatch(words instanceof RegExp ? words : new RegExp(escaped(words)));
    expect(file).toBeUndefined();
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
