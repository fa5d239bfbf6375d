import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushEvent } from '../support/repository.ts';
import { type Registry, writes } from './registry.ts';
import { actionBuilders, BUILDERS, createScene, type Scene } from './scene.ts';

/** Marks the build of this test in the command lines of all processes. */
const MARK = 'cancelled-by-test';

/** Command lines of all running processes. */
function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch {
        return [];
      }
    });
}

describe.each(BUILDERS)('A job that is cancelled during a long build by $builder', ({ inputs }) => {
  let scene: Scene;
  let registry: Registry;
  let before: readonly string[];
  beforeAll(async () => {
    before = await actionBuilders();
    scene = await createScene();
    registry = await scene.registry();
    await scene.repository.commit('A long build', {
      Dockerfile: 'FROM scratch\nCOPY --chmod=755 busybox /bin/busybox\nRUN ["/bin/busybox", "sleep", "600"]\n',
    });
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  it('ends buildx, says that it was cancelled, and its post step removes the builder', async () => {
    const start = performance.now();
    let stopped = 0;
    let building: readonly string[] = [];
    const ran = await scene.publish({
      inputs: {
        images: `${registry.host}/org/app`,
        platforms: 'linux/amd64',
        'build-args': `MARK=${MARK}`,
        ...inputs,
      },
      event: await pushEvent(scene.repository),
      onLine: (line) => {
        if (stopped > 0 || !/RUN .*sleep/.test(line)) return;
        stopped = performance.now();
        building = commandLines().filter((command) => command.includes(MARK));
      },
      signalAfter: { line: /RUN .*sleep/, signal: 'SIGINT' },
    });
    expect(stopped, ran.log).toBeGreaterThan(start);
    expect(building.length).toBeGreaterThan(0);
    // The runner waits 7.5 seconds before it gets rough.
    expect(performance.now() - stopped).toBeLessThan(7500);
    expect(ran.exitCode, ran.log).toBe(1);
    expect(ran.outputs.outcome).toBe('cancelled');
    await sleep(200);
    expect(commandLines().filter((line) => line.includes(MARK))).toEqual([]);
    expect(writes(await registry.requests())).toEqual([]);

    const post = await ran.post();
    expect(post.exitCode, post.log).toBe(0);
    expect(await actionBuilders()).toEqual(before);
  });
});
