import { expect, test } from 'vitest';
import { allErrors } from '../../../src/errors/action-error.ts';
import { readInputs, withInputs } from '../../support/inputs.ts';

const read = (inputs: Readonly<Record<string, string>>) =>
  readInputs({ ...withInputs({ images: 'ghcr.io/org/app', ...inputs }), GITHUB_REPOSITORY: 'org/app' });

test.each([
  ['cache-from', 'gha', '`cache-from`: `gha` alone is the name of an image. Write `type=gha`.'],
  ['cache-to', 'type=inline\nregistry', '`cache-to`: `registry` alone is the name of an image. Write `type=registry`.'],
  [
    'cache-from',
    'type=s3,bucket=b,secret_access_key=one\ntype=s3,bucket=c,secret_access_key=two',
    'different values of `secret_access_key`',
  ],
  ['secrets', 'id=npm,src=.npmrc', '`secret-files: npm=.npmrc`'],
  ['secrets', 'id=npm,env=NPM_TOKEN', '`secret-envs: npm=NPM_TOKEN`'],
])('%s: %s', async (input, value, text) => {
  const error: unknown = await read({ [input]: value }).catch((problem: unknown) => problem);
  expect(
    allErrors(error)
      .map(({ message }) => message)
      .join('\n'),
  ).toContain(text);
});

test.each([
  ['cache-from', 'type=gha'],
  ['cache-from', 'ghcr.io/org/app:cache'],
  ['secrets', 'id=42'],
  ['build-args', 'LIST=a,b=c'],
])('%s: %s is none', async (input, value) => {
  await expect(read({ [input]: value })).resolves.toBeDefined();
});

test.each(['secret-envs', 'build-args'])('%s and a cache read one variable with two values', async (input) => {
  const inputs = {
    images: 'ghcr.io/org/app',
    'cache-to': 'type=s3,bucket=b,access_key_id=of-the-cache,secret_access_key=one',
    [input]: input === 'secret-envs' ? 'id=AWS_ACCESS_KEY_ID' : 'AWS_ACCESS_KEY_ID',
  };
  const variables = { ...withInputs(inputs), GITHUB_REPOSITORY: 'org/app' };
  await expect(readInputs({ ...variables, AWS_ACCESS_KEY_ID: 'of-the-build' })).rejects.toThrow(
    'The build reads the variable AWS_ACCESS_KEY_ID',
  );
  await expect(readInputs({ ...variables, AWS_ACCESS_KEY_ID: 'of-the-cache' })).resolves.toBeDefined();
});
