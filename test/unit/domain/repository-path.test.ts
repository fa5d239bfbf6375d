import { expect, test } from 'vitest';
import { dockerfilePath } from '../../../src/domain/repository-path.ts';

test.each([
  ['.', undefined, 'Dockerfile'],
  ['./app/', undefined, 'app/Dockerfile'],
  ['app', 'docker/Dockerfile', 'docker/Dockerfile'],
  ['.', './docker/../Dockerfile.alpine', 'Dockerfile.alpine'],
  ['.', '/work/space/docker/Dockerfile', 'docker/Dockerfile'],
  ['/work/space/app', undefined, 'app/Dockerfile'],
  ['https://github.com/org/app.git#main:docker', undefined, 'docker/Dockerfile'],
  ['https://github.com/org/app.git', undefined, 'Dockerfile'],
  ['https://github.com/org/app.git#main', 'build/Dockerfile', 'build/Dockerfile'],
  ['https://github.com/org/app.git#main:../..', undefined, undefined],
  ['{{defaultContext}}:docker', undefined, 'Dockerfile'],
  ['git@github.com:org/app.git#v1:a/b', undefined, 'a/b/Dockerfile'],
  ['..', undefined, undefined],
  ['.', '/tmp/Dockerfile', undefined],
  ['.', '../Dockerfile', undefined],
  ['/work/spaceship', undefined, undefined],
])('context %s with file %s is %s', (context, file, path) => {
  expect(dockerfilePath(context, file, '/work/space')).toBe(path);
});
