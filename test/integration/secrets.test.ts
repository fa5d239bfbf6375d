import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSetting, type Setting } from './setting.ts';

let setting: Setting;
beforeAll(async () => {
  setting = await createSetting();
});
afterAll(() => setting[Symbol.asyncDispose]());

/** In pieces, so that no scanner of this repository takes it for a token. */
const PAT = `${'ghp'}_${'a1B2c3D4e5F6g7H8i9J0'.repeat(2).slice(0, 36)}`;
const BASIC = Buffer.from(`x-access-token:${'ghs'}_${'A1b2C3d4'.repeat(5)}`).toString('base64');
const GIT_CONFIG = `[core]\n\tbare = false\n[http "https://github.com/"]\n\textraheader = AUTHORIZATION: basic ${BASIC}\n`;
const CREDENTIALS = JSON.stringify({ type: 'external_account', audience: '//iam', token_url: 'https://sts.example' });
const DOCKER = JSON.stringify({ auths: { 'ghcr.io': { auth: Buffer.from('robot:hunter22').toString('base64') } } });
const base64 = (text: string) => Buffer.from(text).toString('base64');
/** Of nothing, and in pieces as well. */
const KEY = `-----BEGIN ${'PRIVATE'} KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'.repeat(20)}\n-----END ${'PRIVATE'} KEY-----\n`;
const NPMRC = '//npm.corp.example/:_authToken=NpmToken.5b1c2d3e-0123456789ab\n';

/** Path and content of a file, and the rule that finds it. */
const FOUND: readonly (readonly [path: string, content: string, rule: string])[] = [
  ['usr/share/nginx/html/config.js', `token="${PAT}"`, 'github-pat'],
  ['usr/lib/app/settings.env', `TOKEN=${PAT}\n`, 'github-pat'],
  ['app/test/fixture.env', `TOKEN=${PAT}\n`, 'github-pat'],
  ['app/example.env', `TOKEN=${PAT}\n`, 'github-pat'],
  ['app/vendor/x/config.rb', `TOKEN="${PAT}"\n`, 'github-pat'],
  ['app/locale/en.txt', `TOKEN=${PAT}\n`, 'github-pat'],
  ['app/README.md', `TOKEN=${PAT}\n`, 'github-pat'],
  ['usr/local/lib/python3.12/site-packages/app/settings.py', `TOKEN="${PAT}"\n`, 'github-pat'],
  ['usr/src/wordpress/wp-config.php', `TOKEN="${PAT}"\n`, 'github-pat'],
  ['app/.git/config', GIT_CONFIG, 'git-extraheader'],
  ['app/.git/modules/lib/config', GIT_CONFIG, 'git-extraheader'],
  ['runner/_temp/git-credentials-1234.config', GIT_CONFIG, 'git-extraheader'],
  [
    'app/.git/config.worktree',
    '[remote "o"]\n\turl = https://x-access-token:long-token-1@github.com/a/b\n',
    'git-url-credentials',
  ],
  ['root/.git-credentials', 'https://me:long-token-1@github.com\n', 'git-url-credentials'],
  ['app/gha-creds-0123456789abcdef.json', CREDENTIALS, 'google-credentials'],
  ['root/.docker/config.json', DOCKER, 'docker-config-auth'],
  ['kaniko/.docker/config.json', DOCKER, 'docker-config-auth'],
  ['app/.npmrc', NPMRC, 'npmrc-auth'],
  ['app/node_modules/x/.npmrc', NPMRC, 'npmrc-auth'],
  ['app/.yarnrc.yml', 'npmAuthToken: "abcdef0123456789"\n', 'yarnrc-auth'],
  ['root/.netrc', 'machine github.com\nlogin me\npassword s3cretpassword\n', 'netrc-password'],
  ['root/.pypirc', '[pypi]\nusername = __token__\npassword = pypi-AgEIcHlw\n', 'pypirc-password'],
  ['etc/pip.conf', '[global]\nindex-url = https://ci:s3cret@pypi.corp.example/simple\n', 'pip-index-credentials'],
  ['root/.cargo/credentials.toml', '[registry]\ntoken = "cio0123456789"\n', 'cargo-token'],
  [
    'root/.m2/settings.xml',
    '<settings><server><password>s3cret99</password></server></settings>',
    'maven-settings-password',
  ],
  ['root/.kube/config', 'users:\n- user:\n    token: abcdefgh12345678\n', 'kubeconfig-credentials'],
  ['root/.composer/auth.json', '{"github-oauth":{"github.com":"0123456789abcdef"}}', 'composer-auth'],
  ['app/auth.json', '{"http-basic":{"repo.example":{"username":"ci","password":"s3cret99"}}}', 'composer-auth'],
  [
    'root/.terraform.d/credentials.tfrc.json',
    '{"credentials":{"app.terraform.io":{"token":"x.atl.v1.0123"}}}',
    'terraform-token',
  ],
  ['root/.vault-token', 'hvs.CAESIJ0123456789abcdefghij', 'vault-token'],
  ['root/.pgpass', 'db.corp.example:5432:*:app:s3cret99\n', 'pgpass-password'],
  ['src/NuGet.Config', '<add key="ClearTextPassword" value="s3cret99" />', 'nuget-password'],
  ['usr/local/bundle/.bundle/config', '---\nBUNDLE_GEMS__CORP__EXAMPLE: "ci:s3cret99"\n', 'bundler-credentials'],
  ['app/secret.yaml', `data:\n  token: ${base64(PAT)}\n`, 'base64-token'],
  ['app/settings.env', `TOKEN=${base64(`x${PAT}`)}\n`, 'base64-token'],
  ['srv/www/config.json', `{"auth":"${base64(`ci:${PAT}`)}"}`, 'base64-token'],
  ['app/clone.sh', `git -c http.extraHeader="Authorization: Basic ${BASIC}" clone\n`, 'base64-token'],
  ['app/wrapped.txt', base64(`one line before\ntoken ${PAT}`).replaceAll(/.{76}/g, '$&\n'), 'base64-token'],
  ['app/aws.yaml', `id: ${base64('AKIAQWERTYUIOPASDFGH')}\n`, 'base64-token'],
  ['app/tls.yaml', `data:\n  tls.key: ${base64(KEY)}\n`, 'base64-private-key'],
  ['app/pull-secret.yaml', `data:\n  .dockerconfigjson: ${base64(DOCKER)}\n`, 'dockerconfig-secret'],
  ['root/.aws/credentials', '[default]\naws_access_key_id = AKIAQWERTYUIOPASDFGH\n', 'aws-access-key-id'],
];

const MAVEN =
  '<!--\n<server>\n<username>repouser</username>\n<password>repopwd</password>\n</server>\n<passphrase>optional; leave empty if not used.</passphrase>\n-->\n';
const SITE = 'usr/local/lib/python3.12/site-packages';

/** Credentials beside what a usual image has. */
const PLANTED: readonly (readonly [path: string, content: string, rule: string])[] = [
  ['etc/ssl/private/server.key', KEY, 'private-key'],
  ['app/etc/ssl/private/ssl-cert-snakeoil.key', KEY, 'private-key'],
  [`${SITE}/app/keys/server.key`, KEY, 'private-key'],
  [`${SITE}/tornado/test/settings.py`, `TOKEN="${PAT}"\n`, 'github-pat'],
  ['app/test/server.key', KEY, 'private-key'],
  ['usr/share/doc/app/notes', `TOKEN=${PAT}\n`, 'github-pat'],
  ['usr/share/maven/conf/settings.xml', `${MAVEN}<password>s3cret99</password>\n`, 'maven-settings-password'],
];

/** What looks like a credential and is none. */
const HARMLESS: Readonly<Record<string, string>> = {
  'app/.npmrc': '//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n',
  'app/.git/config':
    '[remote "origin"]\n\turl = https://github.com/org/app\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n',
  'root/.docker/config.json': '{"auths":{},"credsStore":"desktop"}',
  'app/.yarnrc.yml': 'npmAuthToken: ${NPM_TOKEN}\n',
  'etc/pip.conf': '[global]\nindex-url = https://pypi.org/simple\n',
  'root/.m2/settings.xml': '<settings><server><password>${env.PASSWORD}</password></server></settings>',
  'etc/maven/settings.xml': MAVEN,
  'etc/ssl/private/ssl-cert-snakeoil.key': KEY,
  [`${SITE}/tornado/test/test.key`]: KEY,
  'usr/local/lib/python3.12/test/certdata/keycert.pem': KEY,
  'usr/share/doc/openvpn/examples/sample-keys/client.key': KEY,
  'usr/local/bundle/gems/net-ssh-7.2.0/test/keys/id_rsa': KEY,
  'usr/local/go/src/crypto/tls/example-key.txt': `TOKEN=${PAT}\n`,
  'app/auth.json': '{"http-basic":{}}',
  'root/.pgpass': '# host:port:database:user:password\n',
  'src/nuget.config': '<add key="ClearTextPassword" value="%NUGET_PASSWORD%" />',
  'usr/local/bundle/.bundle/config': '---\nBUNDLE_BUILD__NOKOGIRI: "--use-system-libraries"\n',
  'app/ca.yaml': `data:\n  ca.crt: ${base64(`-----BEGIN CERTIFICATE-----\n${'MIIB'.repeat(90)}`)}\n`,
  'app/logo.css': `url(data:image/png;base64,${Buffer.from(randomBytes(100_000)).toString('base64')})`,
  'app/node_modules/x/config.js': `const token = "${PAT}"`,
};

test.each([
  ['wherever it is in a layer', FOUND],
  ['beside keys and sample values that a usual image has', PLANTED],
] as const)('a credential is found %s, with severity HIGH or above', async (_, planted) => {
  await setting.image({
    platforms: [
      { platform: 'linux/amd64', files: Object.fromEntries(planted.map(([path, content]) => [path, content])) },
    ],
  });
  const run = await setting.publish({
    images: 'localhost:1/org/app',
    push: 'false',
    scanners: 'secret',
    'allow-unknown-os': 'true',
  });
  expect(run.outputs.outcome, run.log).toBe('findings');
  const found: { path?: string; id: string; severity: string }[] = JSON.parse(run.outputs.json ?? '').gate.gated;
  const missing = planted
    .filter(([path, , rule]) => !found.some((each) => each.path?.replace(/^\//, '') === path && each.id === rule))
    .map(([path, , rule]) => `${path}: ${rule}`);
  expect(missing, JSON.stringify(found)).toEqual([]);
  for (const text of [run.log, run.summary, JSON.stringify(run.outputs)]) expect(text).not.toContain(BASIC);
});

test('placeholders, public addresses and empty logins are no findings; private keys that do not count are named', async () => {
  await setting.image({ platforms: [{ platform: 'linux/amd64', files: HARMLESS }] });
  const run = await setting.publish({
    images: 'localhost:1/org/app',
    push: 'false',
    scanners: 'secret',
    'allow-unknown-os': 'true',
  });
  expect(run.outputs.outcome, run.log).toBe('built');

  const named = /private keys that do not count, [^\n]*: (.*)\.$/m;
  const keys = Object.keys(HARMLESS).filter((path) => HARMLESS[path] === KEY);
  for (const text of [run.log, run.summary.replaceAll('&#95;', '_')]) {
    expect(
      named
        .exec(text)?.[1]
        ?.split(', ')
        .map((path) => path.replace(/^\//, '')),
    ).toEqual(keys.sort());
  }
});
