import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import { chunked } from '../../domain/json-parts.ts';
import { canonicalPolicy } from '../../domain/retention/canonical-policy.ts';
import type { CleanupPlan } from '../../domain/retention/plan.ts';
import { parsePlan } from '../../domain/retention/plan-document.ts';
import type { CleanupPolicy } from '../../domain/retention/policy.ts';
import { parsePolicy } from '../../domain/retention/read-policy.ts';
import { ActionError, ActionErrors, throwAll } from '../../errors/action-error.ts';
import { digestOf } from '../../oci/image/digest-of.ts';
import { fileProblem, readYamlInput } from '../../run/yaml-input.ts';

/** A plan of 100,000 manifests has about 60 MB. */
const MAX_PLAN_BYTES = 256 * 1024 * 1024;

/** SHA-256 of a text, for plans and policies. */
export function sha256(text: string): Digest {
  return digestOf(Buffer.from(text), 'sha256');
}

/** The same of a text in pieces. */
export function hashParts(parts: Iterable<string>): Digest {
  const hash = createHash('sha256');
  for (const chunk of chunked(parts)) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

/**
 * Reads the policy, and the plan if there is one.
 * @param workspace folder that relative paths start from
 * @throws ActionErrors of CLEANUP_POLICY_INVALID and PLAN_UNUSABLE, all problems of both files
 */
export async function readCleanupFiles(
  workspace: string,
  inputs: { readonly policy: string | undefined; readonly plan: string | undefined },
): Promise<{
  readonly policy: CleanupPolicy;
  readonly approved: { readonly plan: CleanupPlan; readonly path: string } | undefined;
}> {
  const errors: ActionError[] = [];
  const keep = (error: unknown): undefined => {
    if (!(error instanceof ActionError)) throw error;
    errors.push(error);
  };
  const policy = inputs.policy === undefined ? undefined : await readPolicy(workspace, inputs.policy).catch(keep);
  const { plan: path } = inputs;
  const text = path === undefined ? undefined : await readPlanText(workspace, path).catch(keep);
  throwAll(errors);
  // A missing input is already reported with the inputs.
  if (policy === undefined) throw new ActionErrors([]);
  if (path === undefined || text === undefined) return { policy, approved: undefined };
  const plan = parsePlan(text, hashParts, { policyDigest: sha256(canonicalPolicy(policy)) });
  if (!plan.ok) throw unusable(path, `${path}: ${plan.problems.join(' ')}`);
  return { policy, approved: { plan: plan.value, path } };
}

async function readPolicy(workspace: string, written: string): Promise<CleanupPolicy> {
  return readYamlInput(workspace, written, {
    input: 'policy',
    title: 'policy',
    code: 'CLEANUP_POLICY_INVALID',
    parse: parsePolicy,
  });
}

async function readPlanText(workspace: string, path: string): Promise<string> {
  try {
    const file = resolve(workspace, path);
    const { size } = await stat(file);
    if (size > MAX_PLAN_BYTES) throw unusable(path, `The plan ${path} has ${size} bytes, more than ${MAX_PLAN_BYTES}.`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof ActionError) throw error;
    throw unusable(path, `The plan ${path} cannot be read: ${fileProblem(error)}.`, error);
  }
}

function unusable(file: string, message: string, cause?: unknown): ActionError {
  return new ActionError('PLAN_UNUSABLE', message, { cause, facts: { input: 'plan', file } });
}
