import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exampleOf, openVendor } from '../../support/setup/vendor-run.ts';
import { VENDOR_SCENES } from '../../support/setup/vendor-scenes.ts';
import { harborSetupDouble } from '../../support/vendors/harbor-setup.ts';

/** A log without the commands that mask secrets in it. */
const unmasked = (log: string) => log.replaceAll(/^::add-mask::.*$/gm, '');

describe.each(Object.keys(VENDOR_SCENES))('%s', (heading) => {
  test('the documented example is planned with reads only, applied, and then nothing differs', async () => {
    const scene = await VENDOR_SCENES[heading]?.();
    if (scene === undefined) throw new Error(heading);
    const { run, writes, cloud, workspace } = await openVendor(scene);
    const config = exampleOf(heading);
    const plan = await run({ config, 'plan-file': 'plan.json' });
    expect(plan.annotations.filter(({ level }) => level === 'error')).toEqual([]);
    expect(writes()).toEqual([]);
    const secrets = [...Object.values(scene.env ?? {}), scene.inputs.password ?? ''].filter((each) =>
      /-(?:token|password)$/.test(each),
    );
    const planned = await readFile(join(workspace, 'plan.json'), 'utf8');
    for (const secret of secrets) expect(planned).not.toContain(secret);

    const applied = await run({ config, plan: 'plan.json', 'credentials-file': 'credentials.json' });
    expect(applied.annotations.filter(({ level }) => level === 'error')).toEqual([]);
    expect(scene.problems()).toEqual([]);
    expect(cloud.strangers).toEqual([]);

    const before = writes().length;
    const again = await run({ config, 'dry-run': 'false' });
    expect(again.outputs.drift).toBe('false');
    expect(writes()).toHaveLength(before);
    for (const each of [plan, applied, again])
      for (const secret of secrets) expect(unmasked(each.log)).not.toContain(secret);
  });
});

test('secrets of new robot accounts go to a file of mode 600 when asked, and nowhere else', async () => {
  const scene = await VENDOR_SCENES.Harbor?.();
  if (scene === undefined) throw new Error('Harbor');
  const { run, workspace } = await openVendor(scene);
  const applied = await run({
    config: exampleOf('Harbor'),
    'dry-run': 'false',
    'credentials-file': 'credentials.json',
  });
  const file = join(workspace, 'credentials.json');
  expect((await stat(file)).mode % 0o1000).toBe(0o600);
  const text = await readFile(file, 'utf8');
  const [secret = ''] = text.match(/S3cret\w+/) ?? [];
  expect(secret).not.toBe('');
  expect(text).toContain('robot$acme+ci');
  expect(unmasked(applied.log)).not.toContain(secret);
  expect(JSON.stringify(applied.outputs)).not.toContain(secret);
  expect(applied.summary).not.toContain(secret);
});

test('the file has the secrets of all registries, and only this user may read it even where it exists', async () => {
  const hosts = ['one.acme.example', 'two.acme.example'];
  const login = { user: 'admin', password: 'harbor-password' };
  const doubles = hosts.map((host) => harborSetupDouble({ host, ...login }).hosts);
  const { run, workspace } = await openVendor({
    hosts: Object.assign({}, ...doubles),
    inputs: {
      'registry-auth': hosts
        .map((host) => `- {registry: ${host}, username: ${login.user}, password: ${login.password}}`)
        .join('\n'),
      'registry-type': hosts.map((host) => `${host}=harbor`).join('\n'),
    },
    problems: () => [],
  });
  const file = join(workspace, 'credentials.json');
  await writeFile(file, 'old', { mode: 0o644 });
  const config = `version: 1
who: {ci: ["harbor:robot/ci"]}
registries: {one: {at: ${hosts[0]}}, two: {at: ${hosts[1]}}}
repositories:
  - {name: acme/api, push: [ci]}
`;
  const done = await run({ config, 'dry-run': 'false', 'credentials-file': 'credentials.json' });
  expect(done.outputs.outcome, done.log).toBe('applied');
  const text = await readFile(file, 'utf8');
  for (const host of hosts) expect(text).toContain(`${host} robot$acme+ci`);
  expect((await stat(file)).mode % 0o1000).toBe(0o600);
});

test('what may not be read is denied, the rest is applied, and the outcome is partial', async () => {
  const scene = await VENDOR_SCENES.Harbor?.(({ url }) =>
    /\/(?:quotas|replication)\b/.test(url.pathname)
      ? { status: 403, body: { errors: [{ code: 'FORBIDDEN', message: 'forbidden' }] } }
      : undefined,
  );
  if (scene === undefined) throw new Error('Harbor');
  const { run } = await openVendor(scene);
  // The quota of a project that exists is read; that of a new one goes with its creation.
  await run({ config: exampleOf('Harbor'), 'dry-run': 'false' });
  const done = await run({ config: exampleOf('Harbor'), 'dry-run': 'false' });
  expect(done.exitCode).toBe(0);
  expect(done.outputs).toMatchObject({ outcome: 'partial', 'denied-settings': '2' });
  expect(done.summary).toContain('quota');
});

test('on a schedule a change by hand is drift: the run fails, names it, and writes nothing', async () => {
  const scene = await VENDOR_SCENES.Harbor?.();
  if (scene === undefined) throw new Error('Harbor');
  const { run, writes } = await openVendor(scene);
  const config = exampleOf('Harbor');
  await run({ config, 'dry-run': 'false' });
  const service = scene.hosts['harbor.acme.example'];
  const authorization = `Basic ${Buffer.from('admin:harbor-password').toString('base64')}`;
  const url = new URL('https://harbor.acme.example/api/v2.0/projects/acme');
  const body = JSON.stringify({ metadata: { auto_scan: 'false' } });
  const headers = { authorization, 'x-is-resource-name': 'true', 'content-type': 'application/json' };
  await service?.({ method: 'PUT', host: url.host, url, headers, body });
  const before = writes().length;
  const night = await run(
    { config },
    { event: { name: 'schedule', ref: 'refs/heads/main', sha: 'a'.repeat(40), payload: {} } },
  );
  expect(night.exitCode).not.toBe(0);
  expect(night.outputs).toMatchObject({ outcome: 'drift', drift: 'true', 'changed-settings': '1' });
  expect(night.log).toContain('scan');
  expect(writes()).toHaveLength(before);
});

test('mistakes are found before any request, with their lines', async () => {
  const scene = await VENDOR_SCENES.Harbor?.();
  if (scene === undefined) throw new Error('Harbor');
  const { run, cloud } = await openVendor(scene);
  const config = exampleOf('Harbor')
    .replace('severity: high', 'sevrity: high')
    .replace('env:HUB_TOKEN', 'hub-token-itself');
  const done = await run({ config });
  expect(done.outputs.outcome).toBe('invalid-input');
  expect(done.log).toContain('Did you mean `severity`?');
  expect(done.log).toContain('env:NAME');
  expect(done.log).not.toContain('hub-token-itself');
  expect(cloud.requests).toEqual([]);
});
