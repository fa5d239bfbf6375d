import { expect, test } from 'vitest';
import { parseErrorBody } from '../../../src/http/error-body.ts';

test.each(['<style', '<', '<script ', '<style></scrip', 'http://a', '&lt;<'])(
  'a page of %s without an end is read in the time of its length',
  (piece) => {
    const begun = performance.now();
    expect(parseErrorBody(piece.repeat(500_000)).message?.length ?? 0).toBeLessThanOrEqual(501);
    expect(performance.now() - begun).toBeLessThan(3000);
  },
);

test.each([
  ['<html><style>body { color: red }</style><h1>Bad</h1><p>gateway</p></html>', 'Bad gateway'],
  ['<p>Sign in</p><script>location = "/login"', 'Sign in'],
  ['a < b, and c > d', 'a d'],
])('%s says %s', (page, message) => {
  expect(parseErrorBody(page)).toMatchObject({ message });
});

test.each([
  ['<!DOCTYPE html><title>Blocked</title>', true],
  ['\n<HTML><body>x', true],
  ['<p>Sign in</p>', undefined],
  ['{"errors":[]}', undefined],
  ['denied', undefined],
])('%s is a web page: %s', (body, isPage) => {
  expect(parseErrorBody(body).isPage).toBe(isPage);
});
