import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { allErrors } from '../../../../src/errors/action-error.ts';
import { readIgnoreFile, readVex } from '../../../../src/tools/trivy/gate-files.ts';
import { createTestRuntime, type TestRuntime } from '../../../support/runtime.ts';

let runtime: TestRuntime;
beforeEach(async () => {
  runtime = await createTestRuntime();
});
afterEach(() => runtime.dispose());

const write = (name: string, content: string) => writeFile(join(runtime.workspace, name), content);
const errorsOf = (promise: Promise<unknown>) =>
  promise.then(
    () => [],
    (error: unknown) => allErrors(error),
  );

test('an ignore file is found from the workspace', async () => {
  await write('accepted.yaml', '- {id: CVE-1, reason: x, expires: 2026-12-31}');
  expect(await readIgnoreFile(runtime.workspace, 'accepted.yaml')).toMatchObject([
    { id: 'CVE-1', file: 'accepted.yaml', line: 1 },
  ]);
});

test('files of Windows: a byte order mark and its line ends are no problem, UTF-16 is named', async () => {
  await write('accepted.yaml', '\ufeff- id: CVE-1\r\n  reason: x\r\n  expires: 2026-12-31\r\n');
  expect(await readIgnoreFile(runtime.workspace, 'accepted.yaml')).toMatchObject([{ id: 'CVE-1', reason: 'x' }]);
  const vex = { '@context': 'https://openvex.dev/ns/v0.2.0', timestamp: '2026-01-01T00:00:00Z', statements: [] };
  await write('vex.json', `\ufeff${JSON.stringify(vex)}`);
  expect(await readVex(runtime.workspace, ['vex.json'])).toEqual([]);
  await writeFile(join(runtime.workspace, 'utf16.yaml'), Buffer.from('\ufeff- id: CVE-1', 'utf16le'));
  expect(await errorsOf(readIgnoreFile(runtime.workspace, 'utf16.yaml'))).toMatchObject([
    { message: expect.stringContaining('it is not text in UTF-8') },
  ]);
});

test('case 6: every problem of an ignore file is an error with file and line', async () => {
  await write('accepted.yaml', '- id: CVE-1\n  reason: x\n- id: CVE-2\n  expires: soon\n  reason: y\n');
  expect(await errorsOf(readIgnoreFile(runtime.workspace, 'accepted.yaml'))).toMatchObject([
    {
      code: 'IGNOREFILE_INVALID',
      message: expect.stringMatching(/^accepted\.yaml:1:3: .*CVE-1 needs `expires`/),
      facts: { file: 'accepted.yaml', line: 1 },
    },
    {
      code: 'IGNOREFILE_INVALID',
      message: expect.stringMatching(/^accepted\.yaml:\d+:\d+: .*"soon"/),
      facts: { line: 4 },
    },
  ]);
});

test('a missing file is an error: nothing is ignored without a file, and nobody said so', async () => {
  expect(await errorsOf(readIgnoreFile(runtime.workspace, 'nope.yaml'))).toMatchObject([
    {
      code: 'IGNOREFILE_INVALID',
      message: expect.stringContaining('there is no such file'),
      // Not at a line: there is none.
      facts: { input: 'ignorefile', file: 'nope.yaml' },
    },
  ]);
  expect(await errorsOf(readVex(runtime.workspace, ['nope.json', 'neither.json']))).toMatchObject([
    { code: 'VEX_INVALID', message: expect.stringMatching(/^nope\.json: .*no such file/) },
    { code: 'VEX_INVALID', message: expect.stringMatching(/^neither\.json/) },
  ]);
});

test('a folder or a huge file is not read', async () => {
  await mkdir(join(runtime.workspace, 'folder'));
  await write('huge.json', '');
  await truncate(join(runtime.workspace, 'huge.json'), 20_000_000);
  expect(await errorsOf(readVex(runtime.workspace, ['folder', 'huge.json']))).toMatchObject([
    { message: expect.stringContaining('it is not a file') },
    { message: expect.stringContaining('20000000 bytes, more than') },
  ]);
});

test('VEX documents are read in order; what is wrong in one names its path inside', async () => {
  const document = {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    timestamp: '2026-01-01T00:00:00Z',
    statements: [{ status: 'maybe' }],
  };
  await write('a.json', JSON.stringify({ ...document, statements: [] }));
  await write('b.json', JSON.stringify(document));
  expect(await readVex(runtime.workspace, ['a.json'])).toEqual([]);
  expect(await errorsOf(readVex(runtime.workspace, ['a.json', 'b.json']))).toMatchObject([
    {
      code: 'VEX_INVALID',
      message: expect.stringMatching(/^b\.json: statements\[0\]\.status: expected not_affected/),
      facts: { file: 'b.json' },
    },
  ]);
});
