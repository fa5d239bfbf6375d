import { describe, expect, test } from 'vitest';
import { buildErrorCode, buildHint, failureLine, failureText } from '../../../../src/tools/buildx/errors.ts';

const SOLVE = 'ERROR: failed to build: failed to solve:';
const STEP = `${SOLVE} process "/bin/sh -c npm ci" did not complete successfully: exit code: 1`;

describe('what buildx said, and what it means', () => {
  test.each<[string, readonly string[], string]>([
    ['a full disk, from BuildKit', [`${SOLVE} write /var/lib/x: no space left on device`], 'BUILD_NO_SPACE'],
    [
      'a full disk, from a program of a step',
      ['#5 1.2 cp: write error: No space left on device', STEP],
      'BUILD_NO_SPACE',
    ],
    [
      'the pull limit of Docker Hub',
      [
        `${SOLVE} alpine: failed to resolve source metadata for docker.io/library/alpine:3: failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/alpine/manifests/sha256:1: 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit`,
      ],
      'PULL_LIMIT',
    ],
    [
      'the pull limit, in its older words',
      [
        `${SOLVE} toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading`,
      ],
      'PULL_LIMIT',
    ],
    [
      'another limit',
      [`${SOLVE} unexpected status from HEAD request to https://ghcr.io/v2/x/manifests/1: 429 Too Many Requests`],
      'TOO_MANY_REQUESTS',
    ],
    [
      'no login',
      [
        `${SOLVE} ghcr.io/org/base:1: failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token: 401 Unauthorized`,
      ],
      'UNAUTHORIZED',
    ],
    [
      'no login, in the words of Docker Hub',
      [
        `${SOLVE} org/private:1: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
      ],
      'UNAUTHORIZED',
    ],
    [
      'no right',
      [
        `${SOLVE} ghcr.io/org/base:1: unexpected status from HEAD request to https://ghcr.io/v2/org/base/manifests/1: 403 Forbidden`,
      ],
      'DENIED',
    ],
    [
      'a daemon that went away',
      ['ERROR: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'],
      'DAEMON_UNREACHABLE',
    ],
    [
      'a builder that cannot',
      ['ERROR: failed to build: OCI exporter is not supported for the docker driver.'],
      'BUILDER_UNSUITABLE',
    ],
    ['a builder of several nodes', ['ERROR: oci for multi-node builds currently not supported'], 'BUILDER_UNSUITABLE'],
    ['an old buildx', ['unknown flag: --annotation', 'See docker buildx build --help'], 'BUILDX_TOO_OLD'],
    ['a step that failed', [STEP], 'BUILD_FAILED'],
    ['a step whose own program was not let in', ['#7 0.9 npm error 401 Unauthorized', STEP], 'BUILD_FAILED'],
    [
      'a step whose command speaks of limits',
      [
        `${SOLVE} process "/bin/sh -c echo toomanyrequests 401 Unauthorized; exit 1" did not complete successfully: exit code: 1`,
      ],
      'BUILD_FAILED',
    ],
    ['a wrong Dockerfile', [`${SOLVE} dockerfile parse error on line 2: unknown instruction: FOO`], 'BUILD_FAILED'],
    ['nothing', [], 'BUILD_FAILED'],
  ])('%s', (_name, lines, code) => {
    expect(buildErrorCode(lines)).toBe(code);
  });
});

test('signs that are worth a hint', () => {
  expect(buildHint(['#5 0.1 exec /bin/sh: exec format error'])).toContain('setup-qemu-action');
  expect(buildHint(['ERROR: process "x" did not complete successfully: exit code: 137'])).toContain('memory');
  expect(buildHint([STEP])).toBeUndefined();
});

describe('the text of a failure', () => {
  const output = [
    '#5 [2/2] RUN npm ci',
    '#5 0.056 before',
    '#5 ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1',
    '------',
    ' > [linux/arm64 2/2] RUN npm ci:',
    ...Array.from({ length: 30 }, (_, at) => `0.${at} line ${at}`),
    '------',
    'Dockerfile:2',
    '--------------------',
    '   2 | >>> RUN npm ci',
    '--------------------',
    STEP,
  ];

  test('names the error, the failing step with its platform, and the last lines of it', () => {
    const text = failureText(output).split('\n');
    expect(text[0]).toBe(STEP.slice('ERROR: '.length));
    expect(text[1]).toBe('  step [linux/arm64 2/2] RUN npm ci');
    expect(text.slice(2)).toHaveLength(15);
    expect(text.at(-1)).toBe('    0.29 line 29');
  });

  test('has the line of the Dockerfile, and none where buildx shows none', () => {
    expect(failureLine(output)).toBe(2);
    expect(failureLine(output.filter((line) => line !== 'Dockerfile:2'))).toBeUndefined();
    expect(failureLine(['listening on :8080', STEP])).toBeUndefined();
  });

  test('is short however long the lines are', () => {
    expect(failureText([`ERROR: ${'x'.repeat(5000)}`]).length).toBeLessThan(400);
  });

  test('falls back to the end of what there is', () => {
    expect(failureText(['one', 'two'])).toBe('no error was named\n    one\n    two');
  });
});
