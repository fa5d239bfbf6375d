import { expect, test } from 'vitest';
import { startRegistry } from '../../support/registry.ts';
import { createSetting, VULNERABLE } from '../setting.ts';

test.each([
  ['with the referrers API', true],
  ['without the referrers API', false],
])('a publish leaves the verdict of its gate, and a promotion counts on it: a registry %s', async (_, referrers) => {
  await using setting = await createSetting();
  await using registry = await startRegistry({ referrers });
  const images = `${registry.host}/org/app`;
  await setting.image();
  const published = await setting.publish({ images, tags: 'one', 'attach-gate-result': 'true' });
  expect(published.outputs.outcome).toBe('published');
  const { digest = '' } = published.outputs;

  const promote = (inputs: Readonly<Record<string, string>>) =>
    setting.publish({
      command: 'promote',
      source: '',
      'db-repository': '',
      images,
      environment: 'production',
      ...inputs,
    });
  const promoted = await promote({ from: digest, require: 'scan,max-age=7d' });
  expect(promoted.log).toMatch(/met {6}scan,max-age=7d: scanned 1m ago \(when it was published\)/);
  expect(promoted.outputs.outcome).toBe('promoted');
  expect(promoted.summary).toMatch(/s0\["✓ .*"\]:::claimed\n {2}s1\["✓ publish"\]:::claimed\n {2}s2\["✓ production · /);
  expect(registry.tags('org/app').production).toBe(digest);

  await setting.repository.commit('second', { 'README.md': '# second' });
  await setting.image();
  const silent = await setting.publish({ images, tags: 'two' });
  const refused = await promote({ from: silent.outputs.digest ?? '', require: 'scan,max-age=7d' });
  expect(refused.outputs.outcome).toBe('refused');
  expect(refused.annotations[0]?.message).toContain('this image has no gate result');
});

test('an image that did not pass leaves no verdict, and one that nobody had to pass cannot', async () => {
  await using setting = await createSetting();
  await using registry = await startRegistry({ referrers: true });
  const images = `${registry.host}/org/app`;
  await setting.image(VULNERABLE);
  expect((await setting.publish({ images, 'attach-gate-result': 'true' })).outputs.outcome).toBe('findings');
  expect(registry.writes()).toEqual([]);
  const report = await setting.publish({ images, 'attach-gate-result': 'true', scan: 'report' });
  expect(report.outputs.outcome).toBe('invalid-input');
  expect(report.annotations[0]?.message).toContain('Use `scan: gate`');
});
