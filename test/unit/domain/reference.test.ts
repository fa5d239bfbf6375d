import { describe, expect, test } from 'vitest';
import { fullNames } from '../../../src/domain/images.ts';
import { apiHost, parseImageName } from '../../../src/domain/reference.ts';

describe('the name of an image', () => {
  test.each([
    ['ghcr.io/Org/app', 'ghcr.io', 'org/app', 'ghcr.io/org/app'],
    ['alpine', 'docker.io', 'library/alpine', 'alpine'],
    ['Org/App', 'docker.io', 'org/app', 'org/app'],
    ['docker.io/alpine', 'docker.io', 'library/alpine', 'docker.io/alpine'],
    ['index.docker.io/org/app', 'docker.io', 'org/app', 'index.docker.io/org/app'],
    ['registry-1.docker.io/org/app', 'docker.io', 'org/app', 'registry-1.docker.io/org/app'],
    ['localhost/app', 'localhost', 'app', 'localhost/app'],
    ['localhost:5000/a/b/c', 'localhost:5000', 'a/b/c', 'localhost:5000/a/b/c'],
    ['[::1]:5000/app', '[::1]:5000', 'app', '[::1]:5000/app'],
    ['127.0.0.1:5000/app', '127.0.0.1:5000', 'app', '127.0.0.1:5000/app'],
    ['123456789012.dkr.ecr.eu-west-1.amazonaws.com/a', '123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'a', undefined],
    ['a/b__c/d.e-f--g_h', 'docker.io', 'a/b__c/d.e-f--g_h', undefined],
    [' ghcr.io/org/app ', 'ghcr.io', 'org/app', 'ghcr.io/org/app'],
    [`ghcr.io/${'a'.repeat(255)}`, 'ghcr.io', 'a'.repeat(255), undefined],
  ])('%s', (text, host, repository, familiarName = text) => {
    const name = `${host}/${repository}`;
    expect(parseImageName(text)).toEqual({ ok: true, value: { host, repository, name, familiarName } });
  });

  test.each([
    ['', /it is empty/],
    ['https://ghcr.io/org/app', /leave out the scheme/],
    ['ghcr.io/org/app:1.2', /leave out the tag$/],
    ['app:1.2', /leave out the tag/],
    ['localhost:5000', /leave out the tag, or add a path after the host/],
    [`app@sha256:${'0'.repeat(64)}`, /leave out the digest/],
    ['user:secret@ghcr.io/org/app', /cannot contain credentials/],
    ['ghcr.io/', /a part of it is empty/],
    ['ghcr.io//app', /a part of it is empty/],
    ['/app', /a part of it is empty/],
    ['ghcr.io/org/../app', /"\.\." cannot be a part/],
    ['ghcr.io/org/a___b', /cannot be a part/],
    ['ghcr.io/-org/app', /cannot be a part/],
    ['ghcr.io/org/app?x', /cannot be a part/],
    ['ghcr.io/órg/app', /cannot be a part/],
    ['-x.io/app', /"-x\.io" is not a host/],
    ['x.io:0/app', /is not a host/],
    ['x.io:65536/app', /is not a host/],
    ['x.io:5000:1/app', /is not a host/],
    [`${'a.'.repeat(200)}io/app`, /is not a host/],
    [`ghcr.io/${'a'.repeat(256)}`, /longer than 255/],
    ['0'.repeat(64), /looks like an image id/],
  ])('%s is refused', (text, why) => {
    const read = parseImageName(text);
    expect(read.ok ? [] : read.problems).toEqual([expect.stringMatching(why)]);
  });

  test('a hostile name is refused at once', () => {
    const start = performance.now();
    for (const text of [`${'a-'.repeat(5000)}.io/app`, `x/${'a-'.repeat(50_000)}`, `${'a.'.repeat(50_000)}/x`]) {
      expect(parseImageName(text).ok).toBe(false);
    }
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('the API of Docker Hub has a host of its own', () => {
    expect(apiHost('docker.io')).toBe('registry-1.docker.io');
    expect(apiHost('ghcr.io')).toBe('ghcr.io');
  });
});

test('full names: images outermost, disabled ones left out, bare tags without any', () => {
  const tags = [{ name: '1.2.3' }, { name: 'latest' }];
  const images = [
    { name: 'Org/App', enable: true },
    { name: 'x/y', enable: false },
    { name: 'ghcr.io/org/app', enable: true },
  ];
  expect(fullNames(images, tags)).toEqual([
    'org/app:1.2.3',
    'org/app:latest',
    'ghcr.io/org/app:1.2.3',
    'ghcr.io/org/app:latest',
  ]);
  expect(fullNames([{ name: 'x/y', enable: false }], tags)).toEqual(['1.2.3', 'latest']);
});
