import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushEvent } from '../support/repository.ts';
import { type Registry, writes } from './registry.ts';
import { BUILDERS, createScene, type Scene, vulnerableFiles } from './scene.ts';

describe.each(BUILDERS)('amd64 is clean and arm64 holds lodash 4.17.11, built by $builder', ({ inputs }) => {
  let scene: Scene;
  let registry: Registry;
  beforeAll(async () => {
    scene = await createScene();
    registry = await scene.registry();
    await scene.repository.commit('lodash for arm64', vulnerableFiles('app-arm64'));
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  it('P1: the run fails, names platform, package, installed and fixed version, and nothing was written', async () => {
    const ran = await scene.publish({
      inputs: { images: `${registry.host}/org/app`, ...inputs },
      event: await pushEvent(scene.repository),
    });
    expect(ran.exitCode, ran.log).toBe(1);
    expect(ran.outputs.outcome).toBe('findings');
    expect(Number(ran.outputs['scan-critical'])).toBeGreaterThan(0);
    const errors = ran.annotations.filter(({ level }) => level === 'error').map(({ message }) => message);
    const named = errors.filter((message) => message.includes('linux/arm64') && message.includes('lodash'));
    expect(named.join('\n')).toMatch(/4\.17\.11 → 4\.17\.\d+/);
    expect(errors.join('\n')).not.toContain('linux/amd64');
    for (const word of ['linux/arm64', 'lodash', '4.17.11']) expect(ran.summary).toContain(word);

    const requests = await registry.requests();
    expect(requests.length).toBeGreaterThan(0);
    expect(writes(requests)).toEqual([]);
    await ran.post();
  });

  it('`scan: report` shows the same and publishes', async () => {
    const ran = await scene.publish({
      inputs: { images: `${registry.host}/org/app`, scan: 'report', ...inputs },
      event: await pushEvent(scene.repository),
    });
    expect(ran.exitCode, ran.log).toBe(0);
    expect(ran.outputs.outcome).toBe('published');
    expect(ran.summary).toContain('lodash');
    expect(writes(await registry.requests()).length).toBeGreaterThan(0);
    await ran.post();
  });
});
