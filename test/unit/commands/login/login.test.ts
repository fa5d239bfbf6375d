import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { login } from '../../../../src/commands/login/login.ts';
import { readInputs } from '../../../support/inputs.ts';
import { type RegistryAuth, startRegistry } from '../../../support/registry.ts';
import { createTestRuntime } from '../../../support/runtime.ts';

test.each<[RegistryAuth, number]>([
  ['none', 1],
  [{ basic: { username: 'me', password: 'canary' } }, 0],
  [{ bearer: { username: 'me', password: 'canary' } }, 0],
])('a login that the registry never asked for is not called proven: %j', async (auth, warnings) => {
  const runtime = await createTestRuntime();
  onTestFinished(runtime.dispose);
  await using registry = await startRegistry({ auth });
  const env = {
    ...runtime.env,
    DOCKER_CONFIG: join(runtime.workspace, 'docker'),
    INPUT_COMMAND: 'login',
    INPUT_REGISTRY: registry.host,
    INPUT_USERNAME: 'me',
    INPUT_PASSWORD: 'canary',
  };
  const record = await login({ ...runtime, env }, (await readInputs(env, runtime.secret)).inputs, []);
  expect(record.outcome).toBe('logged-in');
  const told = runtime.recorded.warnings.filter(({ message }) => message.includes('allows anonymous access'));
  expect(told).toHaveLength(warnings);
});
