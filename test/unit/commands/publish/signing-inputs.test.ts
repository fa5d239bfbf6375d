import { describe, expect, test } from 'vitest';
import { readInputs } from '../../../support/inputs.ts';

const read = (inputs: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) =>
  readInputs(
    {
      GITHUB_REPOSITORY: 'acme/app',
      ...env,
      INPUT_IMAGES: 'ghcr.io/acme/app',
      ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    },
    () => {},
    {},
  );

describe('inputs for signing that do not go together', () => {
  test.each([
    ['a key that is missing', { sign: 'key' }, '`sign: key` needs `sign-key`'],
    ['a key without its kind', { 'sign-key': 'a.key' }, '`sign-key` has no effect'],
    [
      'a password without a key',
      { sign: 'keyless', 'sign-key-password': 'secret' },
      '`sign-key-password` has no effect',
    ],
    ['a config for a key', { sign: 'key', 'sign-key': 'a.key', 'signing-config': 'public' }, 'is for keyless signing'],
    [
      'a notation key without its certificate',
      { sign: 'notation', 'sign-key': 'a.key' },
      'key=<path>,certificate=<path>',
    ],
    ['an unknown way', { sign: 'keyles' }, 'Did you mean `keyless`?'],
  ])('%s', async (_what, inputs, problem) => {
    await expect(read(inputs)).rejects.toThrow(problem);
  });

  test('Docker Content Trust is refused with what to use', async () => {
    await expect(read({}, { DOCKER_CONTENT_TRUST: '1' })).rejects.toThrow('`sign: notation` for Notary signatures');
    await expect(read({}, { DOCKER_CONTENT_TRUST: '0' })).resolves.toBeDefined();
  });
});

test.each([
  [{ sign: 'keyless' }, {}],
  [{ sign: 'auto' }, {}],
  [{ sign: 'key', 'sign-key': 'env://KEY', 'sign-key-password': 'secret', 'sign-recursive': 'true' }, {}],
  [{ sign: 'notation', 'sign-key': 'plugin=azure-kv,id=https://vault.example.net/k' }, {}],
])('%j goes together', async (inputs, env) => {
  await expect(read(inputs, env)).resolves.toBeDefined();
});
