import { expect, test } from 'vitest';
import { jsonSchema } from '../../scripts/json-schema.ts';
import { jsonProblems } from '../support/json-output.ts';

const LOGIN = { schemaVersion: 1, command: 'login', outcome: 'logged-in', errors: [], warnings: [], logins: [] };

test('what the schema of a command describes fits', async () => {
  expect(await jsonProblems(LOGIN)).toEqual([]);
});

test.each([
  ['a property that nobody described', { ...LOGIN, verdict: 1 }, 'verdict'],
  ['a property of another command', { ...LOGIN, targets: [] }, 'targets'],
  [
    'a property deep inside',
    { ...LOGIN, logins: [{ host: 'a', vendor: 'b', credentialsFrom: 'c', until: 'd' }] },
    'until',
  ],
  ['a property that lacks', { ...LOGIN, errors: undefined }, 'errors'],
  ['another type', { ...LOGIN, warnings: [1] }, '/warnings/0'],
  ['a command that is not there', { ...LOGIN, command: 'logout' }, 'command'],
  ['another version', { ...LOGIN, schemaVersion: 2 }, '/schemaVersion'],
])('%s does not fit', async (_, value, named) => {
  const problems = await jsonProblems(JSON.parse(JSON.stringify(value)));
  expect(problems.join('\n')).toContain(named);
});

test('every object of the schema is closed and every property described', async () => {
  const problems: string[] = [];
  const visit = (node: unknown, path: string) => {
    if (typeof node !== 'object' || node === null) return;
    if ('properties' in node && typeof node.properties === 'object' && node.properties !== null) {
      if (!('additionalProperties' in node) || node.additionalProperties !== false) problems.push(`${path} is open`);
      for (const [name, property] of Object.entries(node.properties)) {
        const isNumber = /^[A-Z]+$/.test(name);
        if (!isNumber && !property.description) problems.push(`${path}.${name} has no description`);
      }
    }
    for (const [name, child] of Object.entries(node)) visit(child, `${path}/${name}`);
  };
  visit(await jsonSchema(), '#');
  expect(problems).toEqual([]);
});

test('property names are camelCase, but for the one that metadata-action spells otherwise', async () => {
  const text = JSON.stringify(await jsonSchema());
  const names = [...text.matchAll(/"properties":(\{)/g)].length;
  expect(names).toBeGreaterThan(10);
  const hyphened = [...text.matchAll(/"([a-z]+-[a-z-]+)":\{/g)].map(([, name]) => name);
  expect([...new Set(hyphened)]).toEqual(['tag-names']);
});
