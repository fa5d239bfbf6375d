import { describe, expect, it } from 'vitest';
import { parseInputs } from '../../../src/inputs/parse.ts';

const env = (inputs: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]));
const parse = (inputs: Readonly<Record<string, string>>) =>
  parseInputs(env({ images: 'ghcr.io/a/b', ...inputs }), () => {});
const login = (inputs: Readonly<Record<string, string>>) => parseInputs(env({ command: 'login', ...inputs }), () => {});
const ROLE = 'arn:aws:iam::123456789012:role/publish';

describe('registry-type and registry-api', () => {
  it('name the kind and the API of hosts, or the kind of all unknown ones', () => {
    expect(
      parse({ 'registry-type': 'harbor.example.com=harbor, nexus.example.com:8082=nexus' })['registry-type'],
    ).toEqual([
      ['harbor.example.com', 'harbor'],
      ['nexus.example.com:8082', 'nexus'],
    ]);
    expect(parse({ 'registry-type': 'artifactory' })['registry-type']).toEqual([['*', 'artifactory']]);
    const [[host, url] = []] = parse({ 'registry-api': 'n.example.com=https://n.example.com/repository/x' })[
      'registry-api'
    ];
    expect([host, url?.href]).toEqual(['n.example.com', 'https://n.example.com/repository/x']);
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
  ])('%s: %s is refused', (name, value, says) => {
    expect(() => parse({ [name]: value })).toThrow(says);
    expect(() => parse({ [name]: value })).toThrow(name);
  });
});

describe('keyless logins', () => {
  it('hold for all hosts, and instead of that for those of registry-auth', () => {
    const parsed = parse({
      'role-to-assume': ROLE,
      'registry-auth': `- registry: ghcr.io\n- registry: 210987654321.dkr.ecr.eu-west-1.amazonaws.com\n  role-to-assume: arn:aws:iam::210987654321:role/prod\n- registry: quay.io\n  username: me\n  password: secret`,
    });
    expect(parsed.keyless).toEqual({ 'role-to-assume': ROLE });
    expect(parsed.keylessOf).toEqual([
      expect.objectContaining({
        host: '210987654321.dkr.ecr.eu-west-1.amazonaws.com',
        keyless: { 'role-to-assume': 'arn:aws:iam::210987654321:role/prod' },
      }),
    ]);
    expect(parsed.logins).toEqual([{ host: 'quay.io', username: 'me', password: 'secret' }]);
    expect(parsed.hosts).toEqual(['ghcr.io', '210987654321.dkr.ecr.eu-west-1.amazonaws.com', 'quay.io']);
  });

  it.each([
    ['- registry: a.example.com\n  username: me\n  password: p\n  role-to-assume: x', /password and a keyless login/],
    ['- registry: a.example.com\n  role-to-asume: x', /unknown key `role-to-asume`.*Did you mean/],
    ['- registry: a.example.com\n  service-account:', /`service-account` is empty/],
  ])('registry-auth %s is refused', (yaml, says) => {
    expect(() => parse({ 'registry-auth': yaml })).toThrow(says);
  });

  it('quotes an address of an API that has no host', () => {
    expect(() => parse({ 'registry-api': 'example' })).toThrow('got "example", expected host=URL');
  });

  it('do not stand beside a password for the same registry', () => {
    const both = { registry: 'ghcr.io', username: 'me', password: 'p', 'role-to-assume': ROLE };
    expect(() => parse(both)).toThrow(/`registry-auth` with one entry for each/);
  });
});

describe('command: login', () => {
  it('wants a registry, and takes one by its name alone', () => {
    expect(() => login({})).toThrow(/no registry to log in to/);
    expect(login({ registry: 'ghcr.io' }).hosts).toEqual(['ghcr.io']);
    expect(login({ 'registry-auth': '- registry: ghcr.io\n- registry: docker.io' }).hosts).toEqual([
      'ghcr.io',
      'docker.io',
    ]);
  });

  it('refuses what belongs to a publish, by name', () => {
    expect(() => login({ registry: 'ghcr.io', images: 'ghcr.io/a/b' })).toThrow(
      /`images`: belongs to `command: publish`/,
    );
    expect(() => login({ registry: 'ghcr.io', 'create-repository': 'true' })).toThrow(
      /`create-repository`: belongs to/,
    );
  });
});
