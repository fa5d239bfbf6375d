import { canonicalJson, type Sha256 } from '../canonical-json.ts';
import type { Digest } from '../digest.ts';
import { isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { CHANGED_PLAN, parsePlanFile } from '../plan-file.ts';
import { canonicalPolicy } from '../retention/canonical-policy.ts';
import type { CleanupPolicy } from '../retention/policy.ts';
import { quoted } from '../suggestion.ts';
import type { DesiredState } from './desired-state.ts';
import type { RegistryPlan, Setting, SetupStep } from './setting.ts';
import { withoutLines } from './without-lines.ts';

const PLAN_VERSION = 1;

/** What differs, on all registries of a file. */
export interface SetupPlan {
  readonly version: typeof PLAN_VERSION;
  /** Of the desired state, cleanup policies included. */
  readonly configDigest: Digest;
  readonly registries: readonly PlannedRegistry[];
}

export interface PlannedRegistry extends RegistryPlan {
  /** Its key in the file. */
  readonly key: string;
  /** Its address. */
  readonly at: string;
  readonly vendor: string;
  /** What exists and the file does not name: it stays. */
  readonly unlisted: readonly string[];
}

/** The digest of what a file asks for: comments, order of keys and lines do not count. */
export function configDigest(
  state: DesiredState,
  policies: ReadonlyMap<string, CleanupPolicy>,
  sha256: Sha256,
): Digest {
  const texts = [...policies].map(([path, policy]) => [path, canonicalPolicy(policy)]);
  return sha256(canonicalJson({ state: withoutLines(state), policies: Object.fromEntries(texts) }));
}

export function setupPlanDigest(plan: SetupPlan, sha256: Sha256): Digest {
  return sha256(canonicalJson(plan));
}

/** The plan as a file: `{"digest": …, "plan": …}`, the same bytes for the same plan. */
export function writeSetupPlan(plan: SetupPlan, sha256: Sha256): string {
  const text = canonicalJson(plan);
  return `{"digest":${JSON.stringify(sha256(text))},"plan":${text}}\n`;
}

/** The steps of a plan that was approved, as they are compared with those of a new one. */
export type ApprovedSteps = ReadonlyMap<string, ApprovedStep>;

interface ApprovedStep {
  /** The request as one text. */
  readonly request: string;
  /** The values before, by setting. */
  readonly is: Readonly<Record<string, string>>;
}

/** Tells a step from those of all registries. */
const stepKey = (registry: string, step: Pick<SetupStep, 'id'>) => `${registry} ${step.id}`;

export function requestText({ request }: Pick<SetupStep, 'request'>): string {
  return canonicalJson(request);
}

/**
 * Reads the file of a plan. Nothing in it is executed: it says which steps of a new plan were approved.
 * @param expected the digest of the desired state that is to be applied
 */
export function parseSetupPlan(
  text: string,
  sha256: Sha256,
  expected: Digest,
): Parsed<{ readonly digest: Digest; readonly steps: ApprovedSteps }> {
  const file = parsePlanFile(text, 'setup');
  if (!file.ok) return file;
  const { plan, digest } = file.value;
  if (plan.version !== PLAN_VERSION || plan.configDigest === undefined) {
    return problems(
      `This is no plan of \`command: setup\` with version ${PLAN_VERSION}, but ${quoted(String(plan.version))}. Plan again with this version of the action.`,
    );
  }
  if (sha256(canonicalJson(plan)) !== digest) return problems(CHANGED_PLAN);
  if (plan.configDigest !== expected) {
    return problems(
      'The plan was made for another desired state than the one given now. Plan again, or apply with the file of the plan.',
    );
  }
  const steps = approvedSteps(plan.registries);
  return steps === undefined
    ? problems('The plan is damaged: `registries` has another form. Plan again.')
    : parsed({ digest, steps });
}

function approvedSteps(registries: unknown): ApprovedSteps | undefined {
  if (!Array.isArray(registries)) return undefined;
  const approved = new Map<string, ApprovedStep>();
  for (const registry of registries) {
    if (!isFields(registry) || typeof registry.key !== 'string') return undefined;
    const { key, settings, steps } = registry;
    if (!Array.isArray(settings) || !Array.isArray(steps)) return undefined;
    const before = new Map(
      settings.filter(isFields).map((each) => {
        const subject = String(each.subject);
        return [subject === '' ? String(each.name) : `${subject} ${String(each.name)}`, canonicalJson(each.is ?? null)];
      }),
    );
    for (const step of steps) {
      if (!isFields(step) || typeof step.id !== 'string' || !Array.isArray(step.settings)) return undefined;
      const names = step.settings.map(String);
      approved.set(stepKey(key, { id: step.id }), {
        request: canonicalJson(step.request),
        is: Object.fromEntries(names.map((name) => [name, before.get(name) ?? 'null'])),
      });
    }
  }
  return approved;
}

/**
 * Whether a step may be done under a plan. `changed`: what it is about is not any more as it was when the plan was made. A value that
 * did not exist then may exist by now, made by a run of the same plan that was interrupted.
 */
export function approvalOf(
  approved: ApprovedSteps,
  registry: string,
  step: SetupStep,
  settings: ReadonlyMap<string, Setting>,
): 'approved' | 'changed' | 'unknown' {
  const found = approved.get(stepKey(registry, step));
  if (found === undefined) return 'unknown';
  const isSame = step.settings.every((name) => {
    const before = found.is[name];
    return before === undefined || before === 'null' || before === canonicalJson(settings.get(name)?.is ?? null);
  });
  return isSame && found.request === requestText(step) ? 'approved' : 'changed';
}
