import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { openRegistries } from '../../../src/run/open-registries.ts';
import { readInputs } from '../../support/inputs.ts';
import { createTestRuntime } from '../../support/runtime.ts';

test('a file of authorities is whole, or the run does not begin', async () => {
  const runtime = await createTestRuntime();
  onTestFinished(runtime.dispose);
  const file = join(runtime.workspace, 'ca.pem');
  const key = join(runtime.workspace, 'ca.key');
  const asked = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=a',
  ];
  await promisify(execFile)('openssl', [...asked, '-keyout', key, '-out', file]);
  const good = await readFile(file, 'utf8');
  const open = async (text: string) => {
    await writeFile(file, text);
    const env = { INPUT_IMAGES: 'ghcr.io/org/app', 'INPUT_REGISTRY-CA': 'ca.pem' };
    const { registries } = (await readInputs(env, runtime.secret)).inputs;
    return openRegistries(runtime, registries, ['ghcr.io'], 'me');
  };
  expect((await open(`# ours\n${good}\n# theirs\n${good.replaceAll('\n', '\r\n')}`)).size).toBe(1);
  for (const [text, words] of [
    ['', 'contains no PEM certificate'],
    [await readFile(key, 'utf8'), 'contains no PEM certificate'],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', 'is broken at its certificate 1'],
    [`${good}${good.slice(0, 200)}`, 'is broken at its certificate 2'],
    [`${good.slice(0, 200)}\n${good}`, 'is broken at its certificate 1'],
  ] as const) {
    const failed = open(text);
    await expect(failed, text).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await expect(failed).rejects.toThrow(words);
  }
});
