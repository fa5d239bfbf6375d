import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import { chunked } from '../../domain/json-parts.ts';
import type { InUse } from '../../domain/retention/in-use.ts';
import type { CleanupPlan } from '../../domain/retention/plan.ts';
import { planCleanup } from '../../domain/retention/plan-cleanup.ts';
import { planDigest, planParts } from '../../domain/retention/plan-document.ts';
import type { CleanupPolicy } from '../../domain/retention/policy.ts';
import { entriesFor } from '../../domain/retention/repository-match.ts';
import { ActionError } from '../../errors/action-error.ts';
import { type ReadTarget, readInUse } from '../../run/in-use/read-in-use.ts';
import { readSourceRefs } from '../../run/in-use/source-refs.ts';
import { readBuildTimes } from '../../run/inventory/build-times.ts';
import { lostTagsWarning } from '../../run/inventory/lost-tags.ts';
import { openTargets } from '../../run/inventory/open-targets.ts';
import { type InventoryReading, readContents } from '../../run/inventory/read-inventory.ts';
import { step, warn } from '../../run/progress.ts';
import { recordVerifier } from '../../run/record-verifier.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import { hashParts, sha256 } from './files.ts';
import type { CleanupInputs } from './inputs.ts';
import { previewed, readNativeRules } from './native-rules.ts';
import type { PartialCleanup } from './result.ts';
import { readTargets } from './targets.ts';

/** Platforms and attachments that are read for their sizes, in each repository. */
const MAX_SIZE_READS = 1000;

export interface Planned {
  readonly plan: CleanupPlan;
  readonly digest: Digest;
  readonly inUse: InUse;
  /** The errors behind what could not be read. */
  readonly unread: readonly ActionError[];
  /** What the repositories have, by name; empty in a dry run, which does not use it again. */
  readonly known: ReadonlyMap<string, InventoryReading>;
}

/** Reads the repositories and what is in use, decides, and writes the plan file. Needs no more than the right to read. */
export async function makePlan(
  runtime: Runtime,
  inputs: CleanupInputs,
  api: GitHubApi | undefined,
  partial: PartialCleanup,
): Promise<Planned> {
  const { planFile } = inputs;
  const decided = await decide(runtime, inputs, api, partial);
  const digest = planDigest(decided.plan, hashParts);
  const path = planFile === undefined ? join(runtime.temp, 'cleanup-plan.json') : resolve(runtime.workspace, planFile);
  await writeFile(path, chunked(planParts(decided.plan, digest)), { mode: 0o600 }).catch((cause: unknown) => {
    throw new ActionError('INPUT_INVALID', `\`plan-file\`: ${path} cannot be written.`, {
      cause,
      facts: { input: 'plan-file' },
    });
  });
  runtime.log.info(`The plan is in ${path}.`);
  partial.planPath = path;
  return { ...decided, digest };
}

/** The decisions. A function of its own: what was read is garbage in a dry run, before the plan is written and shown. */
async function decide(
  runtime: Runtime,
  inputs: CleanupInputs,
  api: GitHubApi | undefined,
  partial: PartialCleanup,
): Promise<Omit<Planned, 'digest'>> {
  const { policy, images } = inputs;
  const access = inputs.dryRun ? 'pull' : 'push';
  const targets = await step(runtime, partial, 'Inventory', async () =>
    withBuildTimes(await readTargets(runtime, await openTargets(runtime, inputs.registries, images, access)), policy),
  );
  for (const { name, reading } of targets) {
    const warning = lostTagsWarning(name.name, reading.lostTags);
    if (warning !== undefined) warn(runtime, partial, warning);
  }
  const { inUse, refs } = await step(runtime, partial, 'Images in use', async () => ({
    inUse: await readInUse(policy.inUse, targets, runtime, api, recordVerifier(runtime, inputs.recordTrust)),
    refs: await readSourceRefs(policy, api),
  }));
  const planned = (all: readonly ReadTarget[]) =>
    planCleanup({
      policy,
      inventories: all.map(({ reading }) => reading.inventory),
      inUse,
      refs,
      now: Math.max(...all.map(({ reading }) => reading.inventory.readAt)),
      sha256,
    });
  const plan = await step(runtime, partial, 'Plan', async () => {
    const first = planned(targets);
    const sized = await withSizes(first, targets, policy);
    return sized === targets ? first : planned(sized);
  });
  const unread = targets.flatMap(({ reading }) => reading.errors);
  const known = new Map(inputs.dryRun ? [] : targets.map(({ name, reading }) => [name.name, reading] as const));
  return { plan: await withNativeRules(runtime, partial, plan, { policy, inUse, targets }), inUse, unread, known };
}

/** Adds the retention rules of the registries, where the policy wants them, and writes them to a file of their own. */
async function withNativeRules(
  runtime: Runtime,
  partial: PartialCleanup,
  plan: CleanupPlan,
  {
    policy,
    inUse,
    targets,
  }: { readonly policy: CleanupPolicy; readonly inUse: InUse; readonly targets: readonly ReadTarget[] },
): Promise<CleanupPlan> {
  if (policy.repositories.every(({ engine }) => engine === 'client')) return plan;
  const nativeRules = await step(runtime, partial, 'Rules of the registries', async () => {
    const now = Date.parse(plan.plannedAt);
    const scopes = await readNativeRules(targets, { policy, plan, inUse, now });
    return Promise.all(scopes.map((scope) => previewed(scope, plan)));
  });
  if (nativeRules.length === 0) return plan;
  const path = join(runtime.temp, 'native-rules.json');
  const shown = nativeRules.map(({ scope, vendor, title, action, after }) => ({
    scope,
    vendor,
    title,
    action,
    rules: after,
  }));
  await writeFile(path, `${JSON.stringify(shown, undefined, 2)}\n`, { mode: 0o600 });
  partial.nativeRulesPath = path;
  return { ...plan, nativeRules };
}

/** Reads when images were built, where the policy counts from that. */
function withBuildTimes(targets: readonly ReadTarget[], policy: CleanupPolicy): Promise<readonly ReadTarget[]> {
  return Promise.all(
    targets.map(async (each) => {
      const isCounted = entriesFor(policy, each.name.name).some(({ basis }) => basis === 'created');
      if (!isCounted || each.reading.inventory.gaps.length > 0) return each;
      return { ...each, reading: await readBuildTimes(each.target, each.reading) };
    }),
  );
}

/**
 * Reads what the platforms consist of that are to go, so that the bytes are counted, and of those that stay where that is cheap: which
 * layers they share. Not where reads count as pulls and the policy uses pulls.
 */
async function withSizes(
  plan: CleanupPlan,
  targets: readonly ReadTarget[],
  policy: CleanupPolicy,
): Promise<readonly ReadTarget[]> {
  const sized = targets.map(async (each) => {
    const { reading, target } = each;
    const own = plan.repositories.find(({ repository }) => repository === reading.inventory.repository);
    const isCounted = target.vendor.reading?.manifests === 'counted';
    if (own === undefined || own.steps.length === 0 || (isCounted && goesByPulls(policy))) return each;
    const going = new Set(own.manifests.flatMap(({ digest, action }) => (action === 'delete' ? digest : [])));
    const unread = reading.inventory.manifests.filter(
      ({ blobs, children, presence }) => blobs === undefined && children.length === 0 && presence !== 'missing',
    );
    const due = unread.filter(({ digest }) => going.has(digest));
    const all = isCounted || unread.length > MAX_SIZE_READS ? due : unread;
    if (all.length === 0 || all.length > MAX_SIZE_READS) return each;
    const digests = all.map(({ digest }) => digest);
    return { ...each, reading: await readContents(target, reading, digests) };
  });
  const result = await Promise.all(sized);
  return result.every((each, at) => each === targets[at]) ? targets : result;
}

function goesByPulls({ repositories }: CleanupPolicy): boolean {
  return repositories.some(
    ({ basis, rules }) =>
      basis === 'pulled' ||
      rules.some(({ keep, remove }) => remove?.notPulledFor !== undefined || keep?.pulledWithin !== undefined),
  );
}
