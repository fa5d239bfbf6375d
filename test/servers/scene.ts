import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ActionRun, runAction } from '../support/action.ts';
import { writeLayout } from '../support/layout.ts';
import type { Login } from '../support/plain-client.ts';
import { createRepository, pushEvent } from '../support/repository.ts';
import { type Front, startFront } from './front.ts';
import type { Server } from './server.ts';

type InputValues = Readonly<Record<string, string>>;

/** A server behind its front, with a job in which the built action runs against it. */
export interface Scene {
  readonly server: Server;
  readonly front: Front;
  /** The `registry-auth` entry of a login; empty where the server has none. */
  readonly auth: (login?: Login) => string;
  /** Commits something new, and makes an image of it. */
  readonly nextImage: () => Promise<void>;
  readonly run: (inputs: InputValues) => Promise<ActionRun>;
  readonly publish: (inputs: InputValues) => Promise<ActionRun>;
  readonly promote: (inputs: InputValues) => Promise<ActionRun>;
  readonly close: () => Promise<void>;
}

export async function createScene(server: Server): Promise<Scene> {
  const front = await startFront(server);
  const root = await realpath(await mkdtemp(join(tmpdir(), 'servers-scene-')));
  const repository = await createRepository();
  const runs: ActionRun[] = [];
  let images = 0;
  const run = async (inputs: InputValues) => {
    const one = await runAction({
      inputs,
      workspace: repository.directory,
      event: await pushEvent(repository),
      tempDir: join(root, 'temp'),
    });
    runs.push(one);
    return one;
  };
  const auth = (login = server.owner) =>
    login === undefined
      ? ''
      : `- registry: ${front.host}\n  username: ${login.username}\n  password: ${login.password}\n`;
  return {
    server,
    front,
    auth,
    nextImage: async () => {
      images += 1;
      const revision = await repository.commit(`change ${images}`, { 'change.txt': `${server.name} ${images}` });
      const directory = join(repository.directory, 'image');
      await rm(directory, { recursive: true, force: true });
      await writeLayout(directory, {
        platforms: ['linux/amd64', 'linux/arm64'].map((platform) => ({
          platform,
          layers: [{ 'base.txt': 'base' }, { 'app.txt': `${server.name} ${platform} ${images}` }],
        })),
        annotations: { 'org.opencontainers.image.revision': revision },
      });
    },
    run,
    publish: (inputs) => run({ source: 'image', scan: 'off', 'db-repository': '', 'registry-auth': auth(), ...inputs }),
    promote: (inputs) => run({ command: 'promote', 'registry-auth': auth(), ...inputs }),
    close: async () => {
      await front.close();
      await Promise.all(runs.map((one) => one.dispose()));
      await repository.dispose();
      await rm(root, { recursive: true, force: true });
    },
  };
}

export function errorCodes(run: ActionRun): readonly string[] {
  return JSON.parse(run.outputs.json ?? '{}').errors.map(({ code }: { readonly code: string }) => code);
}

/** All errors as the log shows them. */
export function errorText(run: ActionRun): string {
  return run.annotations.flatMap(({ level, message }) => (level === 'error' ? message : [])).join('\n');
}

/** Warnings but the one that says that the image was not scanned. */
export function warnings(run: ActionRun): readonly string[] {
  return run.annotations.flatMap(({ level, message }) =>
    level === 'warning' && !message.startsWith('`scan: off`') ? message : [],
  );
}
