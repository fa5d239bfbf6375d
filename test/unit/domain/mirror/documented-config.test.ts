import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { fieldsOf } from '../../../../src/domain/fields.ts';
import { mirrorConfigSchema, parseMirrorConfig } from '../../../../src/domain/mirror/read-config.ts';
import { yamlExamples } from '../../../support/workflows.ts';

const page = await readFile(new URL('../../../../docs/mirror.md', import.meta.url), 'utf8');
const MIRROR = '{from: docker.io/library/alpine, to: ghcr.io/acme/alpine, tags: ["*"]}';
/** Examples of a part of the file, completed. */
const COMPLETED: readonly (readonly [key: string, complete: (example: string) => string])[] = [
  ['mirrors', (example) => example],
  ['limits', (example) => `version: 1\nmirrors: [${MIRROR}]\n${example}`],
  [
    'platforms',
    (example) => `version: 1\nmirrors: [${MIRROR}]\ndefaults:\n${example.replaceAll(/^/gm, '  ').trimEnd()}\n`,
  ],
  ['delete', (example) => `version: 1\nmirrors: [${MIRROR}]\ndefaults:\n  ${example}`],
];
const examples = yamlExamples(page).flatMap((example) => {
  const fields = fieldsOf(parse(example));
  const found = COMPLETED.find(([key]) => fields[key] !== undefined);
  return found === undefined ? [] : [found[1](example)];
});

test('the page shows a whole file, limits, platforms and deletion', () => {
  expect(examples).toHaveLength(4);
});

test.each(examples)('an example of the page is one, for the action and for editors: %s', (example) => {
  expect(parseMirrorConfig(example, 'mirror.yaml')).toMatchObject({ ok: true });
  const validate = new Ajv2020({ strict: false }).compile(mirrorConfigSchema());
  expect(validate(parse(example)), JSON.stringify(validate.errors)).toBe(true);
});
