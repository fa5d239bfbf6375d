import { describe, expect, it } from 'vitest';
import { loadYaml } from '../../../src/inputs/logins.ts';
import { readInputs, withInputs } from '../../support/inputs.ts';

await loadYaml();

type With = Readonly<Record<string, string>>;

const settings = async (inputs: With) => (await readInputs(withInputs(inputs))).inputs.registries;
const parse = (inputs: With) => settings({ images: 'ghcr.io/a/b', ...inputs });
const login = (inputs: With) => settings({ command: 'login', ...inputs });
const ROLE = 'arn:aws:iam::123456789012:role/publish';

describe('registry-type and registry-api', () => {
  it('name the kind and the API of hosts, or the kind of all unknown ones', async () => {
    const { types } = await parse({ 'registry-type': 'harbor.example.com=harbor, nexus.example.com:8082=nexus' });
    expect([...types]).toEqual([
      ['harbor.example.com', 'harbor'],
      ['nexus.example.com:8082', 'nexus'],
    ]);
    expect([...(await parse({ 'registry-type': 'artifactory' })).types]).toEqual([['*', 'artifactory']]);
    const { apis } = await parse({ 'registry-api': 'n.example.com=https://n.example.com/repository/x' });
    expect([...apis].map(([host, { href }]) => [host, href])).toEqual([
      ['n.example.com', 'https://n.example.com/repository/x'],
    ]);
  });

  it.each([
    ['registry-type', 'harbour', /the kinds are .*Did you mean.*harbor/],
    ['registry-type', 'a.example.com=harbor, a.example.com=nexus', /given more than once/],
    ['registry-type', 'https://a.example.com/path=harbor', /expected a host/],
    ['registry-type', '__proto__=harbor', /expected a host/],
    ['registry-api', 'a.example.com', /expected host=URL/],
    ['registry-api', 'a.example.com=ftp://b.example.com', /expected host=URL/],
    ['registry-api', 'a.example.com=https://me:secret@b.example.com', /^(?!.*secret@).*user name or a password/s],
    ['registry-api', 'a.example.com=https://:secret@b.example.com', /^(?!.*secret@).*user name or a password/s],
    ['role-to-assume', 'publish', /the ARN of a role/],
    ['role-session-name', 'a b', /64 characters/],
    ['create-repository', 'immutable=yes', /immutable=true or false/],
    ['create-repository', 'scan=true', /scan-on-push/],
    ['create-repository', 'kms-key=', /kms-key=<key>/],
  ])('%s: %s is refused', async (name, value, says) => {
    await expect(parse({ [name]: value })).rejects.toThrow(says);
    await expect(parse({ [name]: value })).rejects.toThrow(name);
  });
});

describe('keyless logins', () => {
  it('hold for all hosts, and instead of that for those of registry-auth', async () => {
    const parsed = await parse({
      'role-to-assume': ROLE,
      'registry-auth': `- registry: ghcr.io\n- registry: 210987654321.dkr.ecr.eu-west-1.amazonaws.com\n  role-to-assume: arn:aws:iam::210987654321:role/prod\n- registry: quay.io\n  username: me\n  password: secret`,
    });
    expect(parsed.keyless).toEqual({ 'role-to-assume': ROLE });
    expect([...parsed.keylessByHost]).toEqual([
      ['210987654321.dkr.ecr.eu-west-1.amazonaws.com', { 'role-to-assume': 'arn:aws:iam::210987654321:role/prod' }],
    ]);
    expect(parsed.logins).toEqual([{ host: 'quay.io', username: 'me', password: 'secret' }]);
    expect(parsed.hosts).toEqual(['ghcr.io', '210987654321.dkr.ecr.eu-west-1.amazonaws.com', 'quay.io']);
  });

  it.each([
    ['- registry: a.example.com\n  username: me\n  password: p\n  role-to-assume: x', /password and a keyless login/],
    ['- registry: a.example.com\n  role-to-asume: x', /unknown key `role-to-asume`.*Did you mean/],
    ['- registry: a.example.com\n  service-account:', /`service-account` is empty/],
  ])('registry-auth %s is refused', async (yaml, says) => {
    await expect(parse({ 'registry-auth': yaml })).rejects.toThrow(says);
  });

  it('quotes an address of an API that has no host', async () => {
    await expect(parse({ 'registry-api': 'example' })).rejects.toThrow('got "example", expected host=URL');
  });

  it('do not stand beside a password for the same registry', async () => {
    const both = { registry: 'ghcr.io', username: 'me', password: 'p', 'role-to-assume': ROLE };
    await expect(parse(both)).rejects.toThrow(/`registry-auth` with one entry for each/);
  });
});

describe('command: login', () => {
  it('wants a registry, and takes one by its name alone', async () => {
    await expect(login({})).rejects.toThrow(/no registry to log in to/);
    expect((await login({ registry: 'ghcr.io' })).hosts).toEqual(['ghcr.io']);
    expect((await login({ 'registry-auth': '- registry: ghcr.io\n- registry: docker.io' })).hosts).toEqual([
      'ghcr.io',
      'docker.io',
    ]);
  });

  it('refuses what belongs to a publish, by name', async () => {
    await expect(login({ registry: 'ghcr.io', images: 'ghcr.io/a/b' })).rejects.toThrow(
      /`images`: belongs to `command: publish`/,
    );
    await expect(login({ registry: 'ghcr.io', 'create-repository': 'true' })).rejects.toThrow(
      /`create-repository`: belongs to/,
    );
  });
});
