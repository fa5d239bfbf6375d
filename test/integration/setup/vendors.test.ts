import { mkdir, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ActionOptions, runAction } from '../../support/action.ts';
import { startCloud } from '../../support/cloud.ts';
import { VENDOR_SCENES, type VendorScene } from '../../support/setup/vendor-scenes.ts';
import { yamlExamples } from '../../support/workflows.ts';

const PAGE = await readFile(new URL('../../../docs/setup.md', import.meta.url), 'utf8');
const CLEANUP = `version: 1
protect: { tags: [latest] }
repositories:
  - match: ["**"]
    multi-tag: any
    rules:
      - { select: { tags: ["dev-*"], kind: any }, remove: { older-than: 30d } }
`;

/** A log without the commands that mask secrets in it. */
const unmasked = (log: string) => log.replaceAll(/^::add-mask::.*$/gm, '');

/** The example of a vendor in the documentation. */
function exampleOf(heading: string): string {
  const section = PAGE.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  const [example] = yamlExamples(section);
  if (example === undefined) throw new Error(`docs/setup.md has no example for ${heading}`);
  return example;
}

/** `command: setup` of the built action in front of a vendor. */
async function open(scene: VendorScene) {
  const cloud = await startCloud(scene.hosts);
  onTestFinished(cloud.close);
  const workspace = await mkdtemp(join(tmpdir(), 'setup-vendors-'));
  await mkdir(join(workspace, '.github'));
  await writeFile(join(workspace, '.github/cleanup.yaml'), CLEANUP);
  const writes = () =>
    cloud.requests
      .filter(({ method, url }) => !/^(?:GET|HEAD)$/.test(method) && scene.logins?.test(url.pathname) !== true)
      .map(({ method, url }) => `${method} ${url.pathname}`);
  const run = async (inputs: Readonly<Record<string, string>>, options: Partial<ActionOptions> = {}) => {
    const done = await runAction({
      workspace,
      ...options,
      inputs: { command: 'setup', ...scene.inputs, ...inputs },
      env: { ...cloud.env, ...scene.env, ...options.env },
    });
    onTestFinished(done.dispose);
    return done;
  };
  return { run, writes, cloud, workspace };
}

describe.each(Object.keys(VENDOR_SCENES))('%s', (heading) => {
  test('the documented example is planned with reads only, applied, and then nothing differs', async () => {
    const scene = await VENDOR_SCENES[heading]?.();
    if (scene === undefined) throw new Error(heading);
    const { run, writes, cloud, workspace } = await open(scene);
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
  const { run, workspace } = await open(scene);
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
