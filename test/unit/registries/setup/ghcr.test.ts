import { expect, test } from 'vitest';
import { ghcrSetup } from '../../../../src/registries/ghcr/setup/setup.ts';
import { desiredRegistry } from '../../../support/setup/desired.ts';
import { setupRun } from '../../../support/setup/run.ts';

test('a list of what a person does, with links, and no request', async () => {
  const { plan, cloud } = await setupRun(ghcrSetup, { 'ghcr.io': () => ({ status: 500 }) }, { host: 'ghcr.io' });
  const { settings, steps } = await plan(
    desiredRegistry('ghcr.io/acme', [
      { name: 'acme/tools/cli', visibility: 'public', immutable: { mode: 'all' }, accept: ['immutable'] },
    ]),
  );
  expect(steps).toEqual([]);
  expect(cloud.requests).toEqual([]);
  expect(settings.map(({ name, action }) => `${name} ${action}`)).toEqual([
    'visibility unsupported',
    'immutable unsupported',
    'source kept-foreign',
  ]);
  expect(settings[0]).toMatchObject({
    should: 'public',
    reason: expect.stringContaining('https://github.com/orgs/acme/packages/container/tools%2Fcli/settings'),
  });
  expect(settings[1]?.isAccepted).toBe(true);
});
