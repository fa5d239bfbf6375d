import { describe, expect, test } from 'vitest';
import { ActionError } from '../../../src/errors/action-error.ts';
import { CATALOGUE, type ErrorCode } from '../../../src/errors/catalogue.ts';
import { allSteps, filled, MAX_STEPS, type Remedy, stepsFor } from '../../../src/errors/remedy.ts';
import type { VendorId } from '../../../src/inputs/vendors.ts';
import { VENDORS } from '../../../src/registries/vendors.ts';
import { withVendorRemedy } from '../../../src/run/vendor-remedies.ts';
import { bannedPhrases, foreignWords } from '../../support/plain-english.ts';

/** Codes whose rows are about one kind of registry only. */
const ABOUT_ONE: Readonly<Record<string, string>> = {
  GHCR_PACKAGE_NOT_LINKED: 'ghcr',
  ABUSE_LIMIT: 'docker-hub',
  PULL_LIMIT: 'docker-hub',
};

const general = Object.entries(CATALOGUE).map(([code, row]): [string, string | undefined, Remedy] => [
  code,
  ABOUT_ONE[code],
  row.remedy,
]);
const own = Object.values(VENDORS).flatMap(({ id, remedies }) =>
  Object.entries(remedies).map(([code, remedy]): [string, string, Remedy] => [code, id, remedy]),
);

describe('P10: a remedy has at most three steps, for one kind of registry', () => {
  test.each([...general, ...own])('%s (%s)', (_code, vendor, remedy) => {
    for (const [situation, steps] of allSteps(remedy)) {
      expect(steps.length, situation).toBeGreaterThan(0);
      expect(steps.length, situation).toBeLessThanOrEqual(MAX_STEPS);
      for (const step of steps) {
        expect(step).toMatch(/^[A-Z].*[.]$/s);
        expect(bannedPhrases(step), step).toEqual([]);
        expect(foreignWords(step, vendor), step).toEqual([]);
        // Markdown takes what is in angle brackets for HTML, unless it is code.
        expect(step.replaceAll(/`[^`]*`/g, ''), step).not.toMatch(/<\w/);
        expect(filled(step, {}), step).not.toMatch(/(?<!\{)\{[a-z-]+\}(?!\})/);
      }
    }
  });

  test.each(Object.entries(CATALOGUE))('%s is told in plain words', (_code, { title, cause }) => {
    expect([...bannedPhrases(title), ...bannedPhrases(cause)]).toEqual([]);
  });

  test.each(Object.values(VENDORS).map((vendor) => [vendor.id, vendor] as const))(
    '%s has steps of its own for missing credentials and missing rights',
    (_id, { remedies }) => {
      for (const code of ['CREDENTIALS_MISSING', 'DENIED'] as const) expect(remedies).toHaveProperty(code);
    },
  );
});

const raised = (code: ErrorCode, facts: ActionError['facts']) => new ActionError(code, 'It failed.', { facts });
const nothing = new Map<string, VendorId>();

test.each([
  ['push', 'publish', 'ghcr.io', 'packages: write'],
  ['read', 'promote', 'ghcr.io', 'packages: read'],
  ['delete', 'publish', 'docker.io', 'Read, Write & Delete'],
  ['push', 'promote', 'acme.azurecr.io', 'AcrPush'],
  ['read', 'promote', 'acme.azurecr.io', 'AcrPull'],
  ['push', 'publish', 'registry.example.com', 'at registry.example.com'],
] as const)('a missing right to %s with `command: %s` at %s: %s', (operation, command, registry, says) => {
  const error = withVendorRemedy(
    raised('DENIED', { registry, repository: 'a/b', operation }),
    command === 'publish' ? 'push' : command,
    nothing,
  );
  expect(error.remedy.join('\n')).toContain(says);
});

test('the kind of registry that the user names decides', () => {
  const error = raised('DENIED', { registry: 'registry.example.com', repository: 'team/app', operation: 'push' });
  const types = new Map<string, VendorId>([['registry.example.com', 'harbor']]);
  expect(withVendorRemedy(error, 'push', types).remedy).toEqual([
    'Grant push and pull in the project `team`: permissions of the robot account, or the role Developer of the user.',
  ]);
});

test('a version that exists is no matter of settings; a registry that refuses to move a tag is', () => {
  const facts = { registry: '123456789012.dkr.ecr.eu-west-1.amazonaws.com', repository: 'app' };
  const planned = withVendorRemedy(raised('TAG_IMMUTABLE', facts), 'push', nothing);
  expect(planned.remedy.join()).toContain('Publish under a new version');
  const refused = withVendorRemedy(raised('TAG_IMMUTABLE', { ...facts, operation: 'push' }), 'push', nothing);
  expect(refused.remedy.join()).toContain('IMMUTABLE_WITH_EXCLUSION');
  const promoted = withVendorRemedy(raised('TAG_IMMUTABLE', facts), 'promote', nothing);
  expect(promoted.remedy.join()).toContain('`{{env}}`');
});

test('steps that an error was raised with stay, and so do its message, cause and facts', () => {
  const cause = new Error('below');
  const error = new ActionError('DENIED', 'It failed.', {
    cause,
    facts: { registry: 'ghcr.io' },
    remedy: ['Do this.'],
  });
  expect(withVendorRemedy(error, 'push', nothing)).toMatchObject({
    remedy: ['Do this.'],
    cause,
    message: 'It failed.',
  });
  const other = new ActionError('DENIED', 'It failed.', { cause, facts: { registry: 'ghcr.io' } });
  const told = withVendorRemedy(other, 'push', nothing);
  expect(told).toMatchObject({ cause, code: 'DENIED', facts: { registry: 'ghcr.io' } });
  expect(told.stack).toBe(other.stack);
});

test('what is not known keeps its name', () => {
  expect(filled('az acr login --name {registry-name} {repository} {{env}}', { registry: 'acme.azurecr.io' })).toBe(
    'az acr login --name acme <repository> {{env}}',
  );
  expect(stepsFor({ read: ['Read.'] }, 'push')).toBeUndefined();
});
