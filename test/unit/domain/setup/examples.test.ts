import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { fieldsOf } from '../../../../src/domain/fields.ts';
import { parseDesiredState } from '../../../../src/domain/setup/read-desired-state.ts';
import { resolveRegistry } from '../../../../src/domain/setup/resolve.ts';
import { setupDefinition } from '../../../../src/registries/setup-vendors.ts';
import { vendorOf } from '../../../../src/registries/vendors.ts';
import { yamlExamples } from '../../../support/workflows.ts';

const page = await readFile(new URL('../../../../docs/setup.md', import.meta.url), 'utf8');
const examples = yamlExamples(page).filter((example) => fieldsOf(parse(example)).version === 1);

describe('the examples of docs/setup.md', () => {
  test('there is one for each vendor that has an API', () => {
    expect(examples.length).toBeGreaterThan(1);
  });

  test.each(examples)('can be read and has no mistakes: %s', async (example) => {
    const state = parseDesiredState(example, 'setup.yml');
    expect(state.ok ? [] : state.problems).toEqual([]);
    if (!state.ok) return;
    for (const entry of state.value.registries) {
      const definition = await setupDefinition(vendorOf(entry.at.split('/')[0] ?? '').id);
      if (definition === undefined) continue;
      const settings = [state.value.defaults, ...state.value.repositories.map((each) => each.settings)];
      const paths = settings.flatMap(({ retention }) => retention?.value?.from ?? []);
      const policy = { version: 1, protect: { digests: [], locked: true }, inUse: [], repositories: [] } as const;
      const policies = new Map(paths.map((path) => [path, policy]));
      const { desired, mistakes } = resolveRegistry(state.value, entry, definition, [], policies);
      const all = [...mistakes, ...definition.mistakes(desired)];
      expect(all.filter(({ severity }) => severity === 'error')).toEqual([]);
    }
  });
});
