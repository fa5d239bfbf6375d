import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActionRun, StepResult } from '../support/action.ts';
import { pushEvent } from '../support/repository.ts';
import type { Registry } from './registry.ts';
import { authFor, BUILDERS, createScene, LOGIN, type Scene } from './scene.ts';

/** Values that must be nowhere. The password is that of the registry. */
const SECRETS = { password: LOGIN.password, build: 'canary-of-the-build-4711', token: 'canary-of-the-token-4712' };
const FORMS = [
  ...Object.values(SECRETS),
  ...Object.values(SECRETS).map((secret) => Buffer.from(secret).toString('base64')),
  Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64'),
];

function found(text: string): readonly string[] {
  return FORMS.filter((form) => text.includes(form));
}

/** What all processes of the machine show of themselves, as often as possible while something runs. */
function watchProcesses() {
  const commands = new Set<string>();
  const scanners = new Set<string>();
  const look = () => {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        commands.add(command);
        if (/trivy image/.test(command)) scanners.add(readFileSync(`/proc/${pid}/environ`, 'utf8'));
      } catch {
        // It has ended.
      }
    }
  };
  const timer = setInterval(look, 3);
  return { commands, scanners, stop: () => clearInterval(timer) };
}

/** Files below a folder that hold one of the texts, as they are or compressed. */
async function filesWith(texts: readonly string[], folder: string): Promise<readonly string[]> {
  const hits: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    const content = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    if (texts.some((text) => content.includes(text))) hits.push(join(entry.parentPath, entry.name));
  }
  return hits;
}

describe.each(BUILDERS)('P8: secrets given to a run with $builder', ({ inputs }) => {
  let scene: Scene;
  let registry: Registry;
  let ran: ActionRun;
  let post: StepResult;
  let processes: ReturnType<typeof watchProcesses>;
  let registryHome: string;

  beforeAll(async () => {
    scene = await createScene();
    registry = await scene.registry({ secure: true });
    registryHome = join(registry.ca ?? '', '..');
    await scene.repository.commit('Uses a secret', {
      Dockerfile: `FROM scratch
COPY --chmod=755 busybox /bin/busybox
RUN --mount=type=secret,id=token ["/bin/busybox", "sh", "-c", "/bin/busybox wc -c /run/secrets/token >/length"]
`,
    });
    processes = watchProcesses();
    ran = await scene.publish({
      inputs: {
        images: `${registry.host}/org/app`,
        platforms: 'linux/amd64',
        'registry-auth': authFor(registry),
        'registry-ca': registry.ca ?? '',
        secrets: `token=${SECRETS.build}`,
        'github-token': SECRETS.token,
        ...inputs,
      },
      event: await pushEvent(scene.repository),
    });
    processes.stop();
    post = await ran.post();
    expect(ran.exitCode, ran.log).toBe(0);
    expect(ran.outputs.outcome).toBe('published');
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  it('are in no line of the log, but for those that tell the runner to mask them', () => {
    for (const secret of Object.values(SECRETS)) expect(ran.masks).toContain(secret);
    const shown = `${ran.log}\n${post.log}`.split('\n').filter((line) => !line.startsWith('::add-mask::'));
    expect(shown.filter((line) => found(line).length > 0)).toEqual([]);
  });

  it('are in no argument of any process, and the scanner has none in its environment', () => {
    expect([...processes.commands].filter((line) => /buildx build/.test(line)).length).toBeGreaterThan(0);
    expect([...processes.commands].filter((line) => found(line).length > 0)).toEqual([]);
    expect(processes.scanners.size).toBeGreaterThan(0);
    expect([...processes.scanners].filter((line) => found(line).length > 0)).toEqual([]);
  });

  it('are in no output, summary, state or other file that the runner reads', () => {
    for (const [file, text] of Object.entries(ran.commandFiles))
      expect({ file, found: found(text) }).toEqual({ file, found: [] });
  });

  it('are in no file after the post step', async () => {
    // The folder of the whole run holds the runner's temporary files, the home folder and the tools.
    const folders = [join(ran.runnerTemp, '..'), ran.workspace, process.env.DOCKER_CONFIG ?? ''];
    for (const folder of folders)
      expect({ folder, files: await filesWith(FORMS, folder) }).toEqual({ folder, files: [] });
  });

  it('are in nothing that the registry holds: no layer, no manifest, no attestation', async () => {
    const data = join(registryHome, 'data');
    expect(await filesWith(FORMS, data)).toEqual([]);
    // The secret was there while the image was built: its length is in a layer.
    expect(await filesWith([`${SECRETS.build.length} /run/secrets/token`], data)).not.toEqual([]);
  });
});
