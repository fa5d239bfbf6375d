import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Digest } from '../../domain/digest.ts';
import type { CleanupPolicy } from '../../domain/retention/policy.ts';
import { parsePolicy } from '../../domain/retention/read-policy.ts';
import type { DesiredState, Given, VendorBlock } from '../../domain/setup/desired-state.ts';
import type { Json } from '../../domain/setup/json.ts';
import { type ApprovedSteps, configDigest, parseSetupPlan } from '../../domain/setup/plan-document.ts';
import { parseDesiredState } from '../../domain/setup/read-desired-state.ts';
import { ActionError, ActionErrors, allOf } from '../../errors/action-error.ts';
import { digestOf } from '../../oci/image/digest-of.ts';
import { fileProblem, readYamlInput } from '../../run/yaml-input.ts';

const MAX_PLAN_BYTES = 256 * 1024 * 1024;
const MAX_REFERENCE_BYTES = 1024 * 1024;

/** SHA-256 of a text, for plans and desired states. */
export function sha256(text: string): Digest {
  return digestOf(Buffer.from(text), 'sha256');
}

export interface SetupFiles {
  readonly state: DesiredState;
  /** Its path as the user wrote it; the name of the input where the YAML itself was given. */
  readonly configPath: string;
  /** Whether the input has the YAML itself. */
  readonly isInline: boolean;
  readonly configDigest: Digest;
  /** Cleanup policies that it names, by path. */
  readonly policies: ReadonlyMap<string, CleanupPolicy>;
  /** A plan that was approved. */
  readonly approved: { readonly path: string; readonly digest: Digest; readonly steps: ApprovedSteps } | undefined;
}

/**
 * Reads the desired state with every file that it names, and the plan if there is one.
 * @param workspace folder that relative paths start from
 * @param inputs `input` is the input that names the file; default: `config`
 */
export async function readSetupFiles(
  workspace: string,
  inputs: { readonly config: string | undefined; readonly plan: string | undefined; readonly input?: string },
): Promise<SetupFiles> {
  // A missing input is already reported with the inputs.
  if (inputs.config === undefined) throw new ActionErrors([]);
  const { input = 'config' } = inputs;
  const written = await readYamlInput(workspace, inputs.config, {
    input,
    title: 'desired state',
    code: 'DESIRED_STATE_INVALID',
    parse: parseDesiredState,
  });
  const [state, policies] = await allOf([withReferences(workspace, written), readPolicies(workspace, written)]);
  const isInline = inputs.config.includes('\n') || inputs.config.startsWith('{');
  const digest = configDigest(state, policies, sha256);
  return {
    state,
    configPath: isInline ? input : inputs.config,
    isInline,
    configDigest: digest,
    policies,
    approved: inputs.plan === undefined ? undefined : await readPlan(workspace, inputs.plan, digest),
  };
}

/** Every cleanup policy that some `retention` names, once. */
async function readPolicies(workspace: string, state: DesiredState): Promise<ReadonlyMap<string, CleanupPolicy>> {
  const settings = [
    state.defaults,
    ...state.repositories.map((each) => each.settings),
    ...state.registries.flatMap(({ templates }) => templates?.value?.map((each) => each.settings) ?? []),
  ];
  const lines = new Map(
    settings.flatMap(({ retention }) => {
      const path = retention?.value?.from;
      return retention === undefined || path === undefined ? [] : [[path, retention.line] as const];
    }),
  );
  const about = {
    input: 'config',
    title: 'cleanup policy',
    code: 'CLEANUP_POLICY_INVALID',
    parse: parsePolicy,
  } as const;
  const policies = [...lines].map(async ([path, line]): Promise<readonly [string, CleanupPolicy]> => {
    await refuseOutside(workspace, path, line);
    return [path, await readYamlInput(workspace, path, about)];
  });
  return new Map(await allOf(policies));
}

/** Puts the content of files in the place of `file:policy.json` among the fields of vendors. */
async function withReferences(workspace: string, state: DesiredState): Promise<DesiredState> {
  type Own = ReadonlyMap<VendorBlock, ReadonlyMap<string, Given<Json>>>;
  const read = async (own: Own): Promise<Own> => {
    const blocks = [...own].map(async ([name, fields]) => {
      const entries = [...fields].map(async ([key, given]) => {
        const { value, line } = given;
        if (typeof value !== 'string' || !value.startsWith('file:')) return [key, given] as const;
        return [key, { value: await readReference(workspace, value.slice('file:'.length), line), line }] as const;
      });
      return [name, new Map(await allOf(entries))] as const;
    });
    return new Map(await allOf(blocks));
  };
  const withOwn = async <T extends { readonly own: Own }>(each: T): Promise<T> => ({
    ...each,
    own: await read(each.own),
  });
  const [defaults, registries, repositories] = await allOf([
    withOwn(state.defaults),
    allOf(state.registries.map(withOwn)),
    allOf(state.repositories.map(async (each) => ({ ...each, settings: await withOwn(each.settings) }))),
  ]);
  return { ...state, defaults, registries, repositories };
}

/**
 * The author of a pull request writes the desired state, and must not choose which files of the runner are read: their text would show in
 * messages and in the plan. Git's own folder may hold a token. A missing file is reported when it is read.
 * @throws ActionError DESIRED_STATE_INVALID
 */
async function refuseOutside(workspace: string, path: string, line: number): Promise<void> {
  const root = await realpath(workspace);
  const written = resolve(root, path);
  const inside = relative(root, await realpath(written).catch(() => written));
  const parts = inside.split(sep);
  const isOutside = parts[0] === '..' || isAbsolute(inside);
  if (!isOutside && !parts.some((part) => part.toLowerCase() === '.git')) return;
  const why = isOutside ? 'is outside of the workspace' : "is part of git's own folder";
  throw new ActionError('DESIRED_STATE_INVALID', `${path} ${why}. (line ${line} of the desired state)`, {
    facts: { input: 'config' },
  });
}

async function readReference(workspace: string, path: string, line: number): Promise<Json> {
  const invalid = (message: string, cause?: unknown) =>
    new ActionError('DESIRED_STATE_INVALID', `${message} (line ${line} of the desired state)`, {
      cause,
      facts: { input: 'config', file: path },
    });
  await refuseOutside(workspace, path, line);
  try {
    const file = resolve(workspace, path);
    const { size } = await stat(file);
    if (size > MAX_REFERENCE_BYTES) throw invalid(`${path} has ${size} bytes, more than ${MAX_REFERENCE_BYTES}.`);
    const value: Json = JSON.parse(await readFile(file, 'utf8'));
    return value;
  } catch (error) {
    if (error instanceof ActionError) throw error;
    if (error instanceof SyntaxError) throw invalid(`${path} is not JSON: ${error.message}`, error);
    throw invalid(`${path} cannot be read: ${fileProblem(error)}.`, error);
  }
}

async function readPlan(workspace: string, path: string, digest: Digest): Promise<SetupFiles['approved']> {
  const unusable = (message: string, cause?: unknown) =>
    new ActionError('PLAN_UNUSABLE', message, { cause, facts: { input: 'plan', file: path } });
  let text: string;
  try {
    const file = resolve(workspace, path);
    const { size } = await stat(file);
    if (size > MAX_PLAN_BYTES) throw unusable(`The plan ${path} has ${size} bytes, more than ${MAX_PLAN_BYTES}.`);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof ActionError) throw error;
    throw unusable(`The plan ${path} cannot be read: ${fileProblem(error)}.`, error);
  }
  const plan = parseSetupPlan(text, sha256, digest);
  if (!plan.ok) throw unusable(`${path}: ${plan.problems.join(' ')}`);
  return { path, ...plan.value };
}
