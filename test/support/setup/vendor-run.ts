import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type ActionOptions, runAction } from '../action.ts';
import { startCloud } from '../cloud.ts';
import { yamlExamples } from '../workflows.ts';
import type { VendorScene } from './vendor-scenes.ts';

const PAGE = await readFile(new URL('../../../docs/setup.md', import.meta.url), 'utf8');
const CLEANUP = `version: 1
protect: { tags: [latest] }
repositories:
  - match: ["**"]
    multi-tag: any
    rules:
      - { select: { tags: ["dev-*"], kind: any }, remove: { older-than: 30d } }
`;

/** The example of a vendor in the documentation. */
export function exampleOf(heading: string): string {
  const section = PAGE.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  const [example] = yamlExamples(section);
  if (example === undefined) throw new Error(`docs/setup.md has no example for ${heading}`);
  return example;
}

/** `command: setup` of the built action in front of a vendor. */
export async function openVendor(scene: VendorScene) {
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
