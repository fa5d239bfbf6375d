import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CLEAN, createSetting, LODASH } from './setting.ts';

test('a VEX statement that matches nothing gets a warning that names it; one that matches lets its finding pass', async () => {
  await using setting = await createSetting();
  const layout = await setting.image({ platforms: [{ platform: 'linux/amd64', files: { ...CLEAN, ...LODASH } }] });
  const statement = (name: string, id: string) => ({
    vulnerability: { name },
    products: [{ '@id': id }],
    status: 'not_affected',
    justification: 'vulnerable_code_not_in_execute_path',
  });
  const app = `pkg:oci/app@${encodeURIComponent(layout.digest)}`;
  const document = {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://example.com/vex',
    author: 'security',
    timestamp: '2026-01-01T00:00:00Z',
    version: 1,
    statements: [statement('CVE-2019-10744', app), statement('CVE-1999-0001', app)],
  };
  await writeFile(join(setting.repository.directory, 'vex.json'), JSON.stringify(document));
  const run = await setting.publish({ push: 'false', vex: 'vex.json', severity: 'CRITICAL' });
  expect(run, run.log).toMatchObject({ exitCode: 0, outputs: { outcome: 'built' } });
  const warnings = run.annotations.filter(({ level, message }) => level === 'warning' && message.includes('vex.json'));
  expect(warnings.map(({ message }) => message).join('\n')).toMatch(/CVE-1999-0001/);
  expect(warnings.map(({ message }) => message).join('\n')).not.toMatch(/CVE-2019-10744/);
});
