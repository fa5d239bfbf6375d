import { expect, test } from 'vitest';
import { parseImages } from '../../../src/domain/images.ts';
import { mistakeInTag } from '../../../src/domain/tags/mistakes.ts';

test.each([
  ['ghcr.io/org/app:feature/x', /write `ghcr\.io\/org\/app` into `images`, and only `feature\/x` here/],
  ['ghcr.io/org/app:refs/heads/main', /`images`, and `type=ref,event=branch` here/],
  ['ghcr.io/org/app:{{branch}}', /and only `\{\{branch\}\}` here/],
  ['localhost:5000/app:1', /write `localhost:5000\/app` into `images`, and only `1` here/],
  ['localhost:5000/app', /name of an image: write `localhost:5000\/app`/],
  ['ghcr.io/org/app', /name of an image/],
  ['app:latest', /write `app` into `images`, and only `latest` here/],
  ['ghcr.io/org/app:', /the tag is empty/],
  ['app:', /the tag is empty/],
  [':latest', /before the colon is empty/],
  ['ghcr.io/org/app@sha256:0123', /digest/],
  ['https://ghcr.io/org/app:1', /URL/],
  ['refs/heads/main', /type=ref,event=branch/],
  ['refs/tags/v1', /type=ref,event=tag/],
  ['refs/pull/1/merge', /type=ref,event=pr/],
  ['$TAG', /"\$TAG" is shell syntax/],
  ['v$VERSION', /shell syntax/],
  ['${GITHUB_REF##*/}', /"\$\{GITHUB_REF##\*\/\}" is shell syntax/],
  ['$(git describe)', /shell syntax/],
  ['`date`', /backticks are shell syntax/],
  ['%GITHUB_REF%', /shell syntax/],
  ['${{ github.sha }}', /was not filled in/],
  ['undefined', /a value is missing/],
  ['null', /a value is missing/],
  ['[object Object]', /a value is missing/],
  ["'latest'", /Write `latest` without them/],
  ['<version>', /placeholder/],
  ['v{version}', /placeholder/],
  ['@VERSION@', /placeholder/],
  ['[version]', /placeholder/],
  [`sha256:${'a'.repeat(64)}`, /that is a digest/],
  ['type:raw', /`type=sha`/],
  ['a//b', /a part beside "\/\/" is empty/],
  ['-alpine', /the part before the first "-" is empty/],
  ['1.2.3-', /a part beside "-" is empty/],
  ['main/', /is empty/],
])('%s is a mistake', (text, says) => {
  expect(mistakeInTag(text)).toMatch(says);
});

test.each([
  '1.2.3',
  'feature/x',
  'my tag',
  '{{branch}}-',
  '-{{sha}}',
  'nullable',
  'types',
  "{{date 'HH:mm'}}",
  '{{branch}}-{{sha}}',
  '100%',
  'a$',
  'v1.2',
  'app',
])('%s may become a tag', (text) => {
  expect(mistakeInTag(text)).toBeUndefined();
});

test.each([
  ['$IMAGE', /shell syntax/],
  ['ghcr.io/${OWNER}/app', /shell syntax/],
  ['ghcr.io/${{ github.repository }}', /was not filled in/],
  ['ghcr.io//app', /a part of it is empty/],
  ['ghcr.io/org/', /a part of it is empty/],
  ['https://ghcr.io/org/app', /scheme/],
  ['ghcr.io/org/app:1', /leave out the tag/],
  ['ghcr.io', /that is a registry/],
  ['123456789012.dkr.ecr.eu-west-1.amazonaws.com', /that is a registry/],
  ["'ghcr.io/org/app'", /leave out the quotes/],
  ['ghcr.io/org/app@sha256:0123', /leave out the digest/],
])('%s is no image', (text, says) => {
  const images = parseImages([text]);
  expect(images.ok ? '' : images.problems.join()).toMatch(says);
});

test.each([
  'robot:hunter22@ghcr.io/org/app',
  'https://robot:hunter22@ghcr.io/org/app',
  'robot:hunter22@localhost:5000/app',
])('P8: credentials in the name of an image are refused and not repeated: %s', (text) => {
  const images = parseImages([text]);
  expect(images.ok ? '' : images.problems.join()).toMatch(/cannot contain credentials.*`password`/);
  expect(images.ok ? '' : images.problems.join()).not.toContain('hunter22');
});
