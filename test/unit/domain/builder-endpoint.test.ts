import { describe, expect, it, test } from 'vitest';
import { driverOption, isLoopback, parseEndpoints } from '../../../src/domain/builder-endpoint.ts';

describe('the endpoints of BuildKit daemons', () => {
  it('are addresses with the platforms that each builds', () => {
    const read = parseEndpoints([
      '# two machines',
      'tcp://amd.example.com:1234,platform=linux/amd64,platform=linux/386',
      'tcp://[::1]:1235 , platform=linux/aarch64',
      'unix:///run/buildkit/buildkitd.sock',
      'docker-container://buildkit',
    ]);
    expect(read).toEqual({
      ok: true,
      value: [
        {
          address: 'tcp://amd.example.com:1234',
          tcp: { host: 'amd.example.com', port: 1234 },
          platforms: ['linux/amd64', 'linux/386'],
        },
        { address: 'tcp://[::1]:1235', tcp: { host: '::1', port: 1235 }, platforms: ['linux/arm64'] },
        { address: 'unix:///run/buildkit/buildkitd.sock', platforms: [] },
        { address: 'docker-container://buildkit', platforms: [] },
      ],
    });
  });

  test.each([
    ['tcp://host', 'no port'],
    ['tcp://host:0', 'port 0'],
    ['tcp://user:secret@host:1234', 'credentials'],
    ['tcp://host:1234/path', 'a path'],
    ['http://host:1234', 'another scheme'],
    ['host:1234', 'no scheme'],
    ['unix://relative', 'a relative path'],
    ['tcp://host:1234,plattform=linux/arm64', 'an unknown option'],
    ['--help', 'an option of docker'],
  ])('%s is refused: %s', (line) => {
    const read = parseEndpoints([line]);
    expect(read.ok).toBe(false);
    expect(JSON.stringify(read)).not.toContain('secret');
  });

  it('are each given once', () => {
    expect(parseEndpoints(['tcp://host:1234', 'tcp://host:1234,platform=linux/arm64']).ok).toBe(false);
  });

  test.each([
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['127.0.0.1.example.com', false],
    ['localhost.example.com', false],
    ['0.0.0.0', false],
    ['10.0.0.1', false],
  ])('%s stays on this machine: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

test.each([
  ['namespace=ci', 'namespace=ci'],
  ['network=host,image=x', 'network=host,image=x'],
  ['nodeselector=kubernetes.io/arch=arm64', 'nodeselector=kubernetes.io/arch=arm64'],
  ['nodeselector=a=b,c=d', '"nodeselector=a=b,c=d"'],
  ['tolerations=key=k,value=v;key=x', '"tolerations=key=k,value=v;key=x"'],
])('the option %s reaches buildx as %s', (option, expected) => {
  expect(driverOption(option)).toBe(expected);
});
