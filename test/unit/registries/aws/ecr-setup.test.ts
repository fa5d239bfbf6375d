import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { parseDesiredState } from '../../../../src/domain/setup/read-desired-state.ts';
import { resolveRegistry } from '../../../../src/domain/setup/resolve.ts';
import { ecrSetup } from '../../../../src/registries/aws/setup/ecr-setup.ts';
import { checked } from '../../../support/contract/checked.ts';
import { readContract } from '../../../support/contract/read.ts';
import { vendorPlace } from '../../../support/vendor-place.ts';
import { ACCOUNT, ECR_API, ECR_HOST, ecrSettings } from '../../../support/vendors/ecr-settings.ts';

const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const names = fc.constantFrom('acme/a', 'acme/b', 'team-b/c');
const roles = fc.uniqueArray(fc.constantFrom(role('x'), role('y'), '444455556666', 'o-a1b2c3d4e5'), {
  minLength: 1,
  maxLength: 3,
});
const immutable = fc.constantFrom<unknown>(
  true,
  false,
  { except: ['latest'] },
  { except: ['v*', 'dev-*'] },
  { only: ['v*'] },
);

/** A file as JSON, which is YAML. */
const files = fc.record({
  settings: fc.uniqueArray(
    fc.record(
      {
        name: names,
        immutable,
        scan: fc.constantFrom('on-push', 'off'),
        labels: fc.constantFrom({ team: 'a' }, { team: 'none', tier: 'gold' }),
        pull: fc.oneof(roles, fc.constant('none')),
        push: fc.subarray([role('x'), '444455556666'], { minLength: 1 }),
        retention: fc.constant('none'),
      },
      { requiredKeys: ['name'] },
    ),
    { selector: ({ name }) => name, maxLength: 3 },
  ),
  replicate: optional(
    fc.oneof(
      fc.constant('none' as const),
      fc
        .uniqueArray(fc.constantFrom('us-east-1', '444455556666/us-west-2'), { minLength: 1 })
        .map((to) => [{ to, only: ['acme/'] }]),
    ),
  ),
  receive: optional(
    fc.constantFrom<unknown>('none', [{ from: ['444455556666'] }], [{ from: ['444455556666'], only: ['acme/'] }]),
  ),
  scanning: optional(fc.constantFrom('basic', 'enhanced')),
});

const foreign = { Sid: 'theirs', Effect: 'Allow', Principal: { AWS: role('other') }, Action: 'ecr:BatchGetImage' };
const lives = fc.record({
  repositories: fc.uniqueArray(
    fc.record({
      name: names,
      mutability: fc.constantFrom('MUTABLE', 'IMMUTABLE'),
      flag: fc.boolean(),
      policy: fc.boolean(),
      lifecycle: fc.boolean(),
      tags: fc.constantFrom({}, { team: 'z', owner: 'q' }),
    }),
    { selector: ({ name }) => name },
  ),
  replication: fc.boolean(),
  registryPolicy: fc.boolean(),
  scanning: fc.subarray(['team-b/*', 'acme/a', 'legacy']),
});

test('random files and random registries: apply comes to what the file says or says why not, deletes nothing else, and foreign rules stay', async () => {
  // The SDK's own chain of credentials reads the environment of the process.
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENVIRONMENT');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'environment-secret');
  const contract = await readContract('ecr');
  const double = ecrSettings();
  const api = checked(double.hosts[ECR_API] ?? (() => ({ status: 404 })), contract);
  const { place } = await vendorPlace(
    { [ECR_API]: api },
    { host: ECR_HOST, repository: '', env: { AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT', AWS_SECRET_ACCESS_KEY: 's' } },
  );
  const rule = {
    destinations: [{ region: 'us-east-1', registryId: ACCOUNT }],
    repositoryFilters: [{ filter: 'legacy/', filterType: 'PREFIX_MATCH' }],
  };
  const plan = async (text: string) => {
    const state = parseDesiredState(text, 'setup.yml');
    const entry = state.ok ? state.value.registries[0] : undefined;
    if (!state.ok || entry === undefined) throw new Error(JSON.stringify(state));
    const setup = ecrSetup.open(place);
    const { desired, mistakes } = resolveRegistry(
      state.value,
      entry,
      ecrSetup,
      (await setup.names('')) ?? [],
      new Map(),
    );
    expect([...mistakes, ...ecrSetup.mistakes(desired)].filter(({ severity }) => severity === 'error')).toEqual([]);
    return setup.plan(desired);
  };
  await fc.assert(
    fc.asyncProperty(files, lives, async ({ settings, replicate, receive, scanning }, live) => {
      const { state } = double;
      state.repositories.clear();
      state.asked.length = 0;
      for (const { name, mutability, flag, policy, lifecycle, tags } of live.repositories) {
        double.repository(
          name,
          { imageTagMutability: mutability, imageScanningConfiguration: { scanOnPush: flag } },
          {
            tags: { ...tags },
            ...(policy ? { policy: JSON.stringify({ Version: '2012-10-17', Statement: [foreign] }) } : {}),
            ...(lifecycle ? { lifecycle: '{"rules":[]}' } : {}),
          },
        );
      }
      state.replication = live.replication ? [rule] : [];
      state.registryPolicy = live.registryPolicy
        ? JSON.stringify({ Version: '2012-10-17', Statement: [{ ...foreign, Resource: '*' }] })
        : undefined;
      state.scanning = {
        scanType: 'BASIC',
        rules:
          live.scanning.length === 0
            ? []
            : [
                {
                  scanFrequency: 'SCAN_ON_PUSH',
                  repositoryFilters: live.scanning.map((filter) => ({ filter, filterType: 'WILDCARD' })),
                },
              ],
      };
      const before = new Map([...state.repositories].map(([name, stored]) => [name, structuredClone(stored)]));
      const text = JSON.stringify({
        version: 1,
        owner: 'ours',
        registries: {
          ecr: {
            at: ECR_HOST,
            ...(replicate === undefined ? {} : { replicate }),
            ...(receive === undefined ? {} : { receive }),
            ...(scanning === undefined ? {} : { scanning }),
          },
        },
        repositories: settings,
      });
      const first = await plan(text);
      expect(double.writes()).toEqual([]);
      for (const step of first.steps) await step.apply();

      const second = await plan(text);
      expect(second.steps).toEqual([]);
      expect(
        second.settings.filter(({ action }) => action === 'create' || action === 'change' || action === 'remove'),
      ).toEqual([]);
      expect(
        second.settings.filter(
          ({ action, reason }) => (action === 'kept-foreign' || action === 'unsupported') && reason === undefined,
        ),
      ).toEqual([]);
      expect(api.problems).toEqual([]);

      expect(double.writes()).not.toContain('DeleteRepository');
      for (const [name, stored] of before) {
        const now = state.repositories.get(name);
        const own = settings.find((each) => each.name === name);
        if (own === undefined) expect(now).toEqual(stored);
        if (stored.policy !== undefined) expect(now?.policy).toContain('theirs');
        if (stored.tags.owner !== undefined) expect(now?.tags.owner).toBe('q');
        if (stored.lifecycle !== undefined && own?.retention !== 'none') expect(now?.lifecycle).toBe(stored.lifecycle);
      }
      if (live.replication) expect(state.replication).toContainEqual(rule);
      if (live.registryPolicy) expect(state.registryPolicy).toContain('theirs');
      for (const filter of live.scanning.filter((each) => each !== 'acme/a'))
        expect(JSON.stringify(state.scanning.rules)).toContain(`"${filter}"`);
    }),
    { numRuns: 40 },
  );
}, 120_000);
