import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { buildingDocker } from '../support/building-docker.ts';
import { createSetting } from './setting.ts';

const BASIC = Buffer.from(`x-access-token:${'ghs'}_${'A1b2C3d4'.repeat(5)}`).toString('base64');
const GIT_CONFIG = `[http "https://github.com/"]\n\textraheader = AUTHORIZATION: basic ${BASIC}\n`;
const GOOGLE = JSON.stringify({ type: 'external_account', audience: '//iam' });

test.each<[string, Record<string, string>, Record<string, string>, RegExp | undefined]>([
  [
    'a checkout below the context',
    { 'lib/.git/config': GIT_CONFIG },
    {},
    /`context` contains a token in lib\/\.git\/config/,
  ],
  [
    'Google credentials',
    { 'gha-creds-0123456789abcdef.json': GOOGLE },
    {},
    /token in gha-creds-0123456789abcdef\.json.*create_credentials_file/,
  ],
  [
    'credentials that .dockerignore leaves out',
    { 'gha-creds-0123456789abcdef.json': GOOGLE, '.dockerignore': 'gha-creds-*.json' },
    {},
    undefined,
  ],
  [
    'a checkout that .dockerignore leaves out',
    { 'lib/.git/config': GIT_CONFIG, '.dockerignore': '**/.git' },
    {},
    undefined,
  ],
  [
    'a checkout that an exception lets in again',
    { 'lib/.git/config': GIT_CONFIG, '.dockerignore': '**/.git\n!lib/.git' },
    {},
    /lib\/\.git\/config/,
  ],
  [
    'another .dockerignore beside the Dockerfile',
    { 'lib/.git/config': GIT_CONFIG, '.dockerignore': '**/.git', 'Dockerfile.dockerignore': 'x' },
    {},
    /lib\/\.git\/config/,
  ],
  ['a checkout far below', { 'a/b/c/d/.git/config': GIT_CONFIG }, {}, /token in a\/b\/c\/d\/\.git\/config/],
  [
    'credentials in a folder',
    { 'services/api/gha-creds-0123456789abcdef.json': GOOGLE },
    {},
    /services\/api\/gha-creds/,
  ],
  [
    'a build context',
    { 'docs/.git/config': GIT_CONFIG, 'app/Dockerfile': 'FROM scratch\n' },
    { context: 'app', 'build-contexts': 'docs=docs' },
    /The build context docs contains a token in \.git\/config/,
  ],
  [
    'a build context whose own .dockerignore leaves it out',
    { 'docs/.git/config': GIT_CONFIG, 'docs/.dockerignore': '.git', 'app/Dockerfile': 'FROM scratch\n' },
    { context: 'app', 'build-contexts': 'docs=docs' },
    undefined,
  ],
  [
    'a login in the address of a remote',
    { 'lib/.git/config': '[remote "o"]\n\turl = https://x-access-token:long-token-1@github.com/a/b\n' },
    {},
    /lib\/\.git\/config/,
  ],
  [
    'a context that holds none',
    { 'lib/.git/config': GIT_CONFIG, 'app/Dockerfile': 'FROM scratch\n' },
    { context: 'app' },
    undefined,
  ],
  ['a git configuration without a token', { 'lib/.git/config': '[core]\n\tbare = false\n' }, {}, undefined],
])('%s', async (_, files, inputs, warning) => {
  await using setting = await createSetting();
  const root = await mkdtemp(join(tmpdir(), 'docker-'));
  const docker = await buildingDocker(join(root, 'docker'));
  for (const [name, content] of Object.entries({ Dockerfile: 'FROM scratch\n', ...files })) {
    const path = join(setting.repository.directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  const run = await setting.publish(
    { source: '', images: 'localhost:1/org/app', push: 'false', scan: 'off', ...inputs },
    { env: { PATH: `${docker.directory}:${process.env.PATH}` } },
  );
  expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
  const told = run.annotations.filter(({ level, message }) => level === 'warning' && message.includes('a token in'));
  if (warning === undefined) expect(told).toEqual([]);
  else expect(told.map(({ message }) => message).join('\n')).toMatch(warning);
  expect(run.log).not.toContain(BASIC);
  await rm(root, { recursive: true, force: true });
});
