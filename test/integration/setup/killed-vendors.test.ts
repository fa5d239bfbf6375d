import type { ChildProcess } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { exampleOf, openVendor } from '../../support/setup/vendor-run.ts';
import { VENDOR_SCENES, type VendorScene } from '../../support/setup/vendor-scenes.ts';

/** How many writes the documented example of a vendor takes. */
const WRITES: Readonly<Record<string, number>> = {
  'Google Artifact Registry': 5,
  'Azure Container Registry': 14,
  Harbor: 13,
  'Docker Hub': 6,
  'Sonatype Nexus': 5,
  'JFrog Artifactory': 5,
};
const APPLY = { 'dry-run': 'false' };

type Before = Parameters<NonNullable<(typeof VENDOR_SCENES)[string]>>[0];

async function sceneOf(heading: string, before?: Before): Promise<VendorScene> {
  const scene = await VENDOR_SCENES[heading]?.(before);
  if (scene === undefined) throw new Error(heading);
  return scene;
}

describe.each(Object.entries(WRITES))('%s', (heading, count) => {
  test('the documented example takes this many writes', async () => {
    const { run, writes } = await openVendor(await sceneOf(heading));
    await run({ config: exampleOf(heading), ...APPLY });
    expect(writes()).toHaveLength(count);
  });

  test.each(Array.from({ length: count }, (_, at) => at + 1))(
    'killed at write %i, a second run of the same plan comes to the same end',
    async (nth) => {
      let child: ChildProcess | undefined;
      let logins: RegExp | undefined;
      let seen = 0;
      const scene = await sceneOf(heading, ({ method, url }) => {
        if (child === undefined || /^(?:GET|HEAD)$/.test(method) || logins?.test(url.pathname) === true)
          return undefined;
        seen += 1;
        if (seen === nth) child.kill('SIGKILL');
        // Half of the time the vendor still does what it was asked, half of the time it does not.
        return seen >= nth && nth % 2 === 0 ? { status: 503, body: {} } : undefined;
      });
      logins = scene.logins;
      const { run, writes, workspace } = await openVendor(scene);
      const config = exampleOf(heading);
      const made = await run({ config, 'plan-file': 'plan.json' });
      expect(made.annotations.filter(({ level }) => level === 'error')).toEqual([]);
      const killed = await run({ config, plan: 'plan.json' }, { workspace, onSpawn: (process) => (child = process) });
      expect(killed.exitCode).toBeNull();
      child = undefined;
      const resumed = await run({ config, plan: 'plan.json' }, { workspace });
      expect(resumed.annotations.filter(({ level }) => level === 'error')).toEqual([]);
      await run({ config, ...APPLY });
      const before = writes().length;
      const end = await run({ config, ...APPLY });
      expect(end.outputs.drift).toBe('false');
      expect(writes()).toHaveLength(before);
      expect(scene.problems()).toEqual([]);
    },
  );
});
