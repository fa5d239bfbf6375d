import type { ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runCleanup } from '../../support/cleanup/command.ts';
import { ecrRulesScene } from '../../support/cleanup/ecr-rules-scene.ts';
import { googleRow, harborRow } from '../../support/cleanup/native-rows.ts';
import { vendorCommand } from '../../support/cleanup/vendor-command.ts';
import type { CloudRequest } from '../../support/cloud.ts';

const POLICY = `
defaults: { engine: native, multi-tag: any, limits: { tagged: 100%, keep-newest-image: false } }
protect: { tags: ["v1*"], in-use: [] }
rules:
  - { name: pull requests, select: { tags: ["pr-*"], kind: any }, remove: { older-than: 14d } }
`;

/** A vendor with retention rules of its own, whose writes can be seen as they arrive. */
interface Vendor {
  readonly isRuleWrite: (request: CloudRequest) => boolean;
  readonly open: (onRequest: (request: CloudRequest) => void) => Promise<{
    readonly run: (
      inputs: Readonly<Record<string, string>>,
      options?: { readonly onSpawn: (child: ChildProcess) => void },
    ) => ReturnType<typeof runCleanup>;
    readonly rules: () => unknown;
  }>;
}

const passing = (see: (request: CloudRequest) => void) => (request: CloudRequest) => {
  see(request);
  return undefined;
};

const VENDORS: Readonly<Record<string, Vendor>> = {
  'Amazon ECR': {
    isRuleWrite: ({ headers }) => /PutLifecyclePolicy$/.test(String(headers['x-amz-target'])),
    open: async (see) => {
      const { content, image, cloud, env, lifecycle } = await ecrRulesScene({ before: passing(see) });
      content.index([content.image('old')], 'pr-1');
      content.index([content.image('release')], 'v1.0.0');
      return {
        run: (inputs, options) =>
          runCleanup({ images: image, 'registry-ca': cloud.caFile, ...inputs }, { env, ...options }),
        rules: lifecycle,
      };
    },
  },
  'Artifact Registry': {
    isRuleWrite: ({ method }) => method === 'PATCH',
    open: async (see) => {
      const google = googleRow();
      const { content, run } = await vendorCommand(google.row, passing(see));
      content.index([content.image('old')], 'pr-1');
      content.index([content.image('release')], 'v1.0.0');
      google.set({
        cleanupPolicies: { theirs: { id: 'theirs', action: 'KEEP', mostRecentVersions: { keepCount: 5 } } },
      });
      return { run, rules: google.repository };
    },
  },
  Harbor: {
    isRuleWrite: ({ method, url }) => ['PUT', 'POST'].includes(method) && /\/retentions/.test(url.pathname),
    open: async (see) => {
      const harbor = harborRow();
      const { content, run } = await vendorCommand(harbor.row, passing(see));
      content.index([content.image('old')], 'pr-1');
      content.index([content.image('release')], 'v1.0.0');
      return { run, rules: () => harbor.stored().map(({ policy }) => policy) };
    },
  },
};

test.each(Object.entries(VENDORS))(
  '%s: killed at every write of its rules, the same plan finishes',
  { timeout: 180_000 },
  async (_, { isRuleWrite, open }) => {
    const reference = await open(() => undefined);
    expect((await reference.run({ policy: POLICY, 'dry-run': 'false' })).outputs.outcome).toBe('cleaned');
    let running: ChildProcess | undefined;
    let killsLeft = 0;
    const { run, rules } = await open((request) => {
      if (killsLeft === 0 || !isRuleWrite(request)) return;
      killsLeft -= 1;
      running?.kill('SIGKILL');
    });
    const planned = await run({ policy: POLICY });
    expect(planned.outputs.outcome, planned.log).toBe('planned');
    // The folder of a run that was killed goes with it.
    const text = await readFile(planned.outputs.plan ?? '');
    const plan = `${planned.outputs.plan}.approved.json`;
    await writeFile(plan, text);
    const onSpawn = (child: ChildProcess) => {
      running = child;
    };
    let kills = 0;
    for (; kills < 6; kills += 1) {
      killsLeft = 1;
      const killed = await run({ policy: POLICY, plan }, { onSpawn });
      await sleep(50);
      if (killed.exitCode !== null) break;
    }
    expect(kills).toBeGreaterThan(0);
    killsLeft = 0;
    const last = await run({ policy: POLICY, plan });
    expect(last.exitCode, last.log).toBe(0);
    expect(JSON.parse(JSON.stringify(rules()))).toEqual(JSON.parse(JSON.stringify(reference.rules())));
  },
);

test.each([1, 2])(
  'Artifact Registry: 409 to request %i for the rules fails the run, and the same plan finishes',
  async (nth) => {
    let patches = 0;
    let isBusy = true;
    const google = googleRow();
    const { content, run } = await vendorCommand(google.row, ({ method }) => {
      if (method !== 'PATCH' || !isBusy) return undefined;
      patches += 1;
      if (patches < nth) return undefined;
      const message = 'There were concurrent policy changes. Please retry the whole read-modify-write.';
      return { status: 409, body: { error: { code: 409, status: 'ABORTED', message } } };
    });
    content.index([content.image('old')], 'pr-1');
    content.index([content.image('release')], 'v1.0.0');
    const plan = await run({ policy: POLICY });
    const approved = `${plan.outputs.plan}.approved.json`;
    await writeFile(approved, await readFile(plan.outputs.plan ?? ''));
    const first = await run({ policy: POLICY, plan: approved });
    expect(first.exitCode).toBe(1);
    expect(first.log).toContain('concurrent policy changes');
    // Until all was set, the rules have no effect.
    expect(google.repository()?.cleanupPolicyDryRun).toBe(nth === 1 ? undefined : true);
    isBusy = false;
    const second = await run({ policy: POLICY, plan: approved });
    expect(second.exitCode, second.log).toBe(0);
    expect(google.repository()).toMatchObject({ cleanupPolicyDryRun: false });
  },
);
