import { lstat, readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import type { GitEvent } from '../../domain/event.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { readPolicyFile } from '../../domain/promotion/policy.ts';
import { mergeRequirements, type Requirement, requirementText } from '../../domain/promotion/requirements.ts';
import { sentence } from '../../domain/suggestion.ts';
import { ActionError } from '../../errors/action-error.ts';
import { type GateTerms, gateOf, readGate } from '../../inputs/gate.ts';
import type { Inputs } from '../../inputs/parse.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import { createHistory } from '../../tools/git.ts';
import type { Names } from './names.ts';

/** What a promotion has to show, and how a scan is judged. */
interface Required {
  readonly required: readonly Requirement[];
  readonly gate: GateTerms;
}

/** The file that counts whether an input names it or not. */
const POLICY = '.github/promotion.yaml';
/** Where others keep theirs: a policy that nobody reads would be none. */
const MISSPELT = '.github/promotion.yml';
const LIMIT = 1024 * 1024;

/**
 * All that is required for a stage: `.github/promotion.yaml`, the file that `policy` names, and `require`, together. Where the
 * repository is not checked out, GitHub is asked for the files at the commit of the run, so that a job without a checkout is
 * not a job without a policy.
 * @throws ActionErrors or ActionError POLICY_INVALID
 */
export async function readRequired(
  runtime: Runtime,
  inputs: Inputs,
  to: Pick<Names, 'stage' | 'tags'>,
  event: GitEvent,
  api: GitHubApi | undefined,
): Promise<Required> {
  const paths = [...new Set([POLICY, ...(inputs.policy === undefined ? [] : [inputs.policy])])];
  let required: readonly Requirement[] = [];
  let gate: GateTerms | undefined;
  for (const path of paths) {
    const text = await readText(runtime, path, event, api);
    if (text === undefined) {
      if (path === inputs.policy) throw invalid(path, `\`policy\` names ${path}, and there is no such file`);
      if (!paths.includes(MISSPELT) && (await readText(runtime, MISSPELT, event, api)) !== undefined) {
        throw invalid(MISSPELT, `${MISSPELT} is not read. Give it the name ${POLICY}, or name it with \`policy\``);
      }
      continue;
    }
    const terms = readTerms(text, to, path);
    // A stage that has another name in the file would else be let pass without a word.
    const what = terms.required.length === 0 ? 'nothing' : terms.required.map(requirementText).join(', ');
    runtime.log.info(`${path} requires ${what} of ${to.stage}.`);
    required = mergeRequirements(required, terms.required);
    if (gate !== undefined && terms.gate !== undefined && !isDeepStrictEqual(gate, terms.gate)) {
      throw invalid(
        path,
        `${path} and ${POLICY} both require a scan, and judge it differently. Give both the same \`gate\``,
      );
    }
    gate ??= terms.gate;
  }
  const own = gateOf(inputs);
  if (gate !== undefined && !isDeepStrictEqual(gate, own)) {
    runtime.log.info('The policy file decides how a scan is judged: the inputs of this step for that are not used.');
  }
  return { required: mergeRequirements(required, inputs.require), gate: gate ?? own };
}

/** A file that requires a scan also says how it is judged; what it leaves open has its default. */
function readTerms(
  text: string,
  to: Pick<Names, 'stage' | 'tags'>,
  path: string,
): { readonly required: readonly Requirement[]; readonly gate?: GateTerms } {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const [why = ''] = error instanceof Error ? error.message.split('\n', 1) : [];
    throw invalid(path, `${path} is not YAML: ${why.replace(/:$/, '')}`, error);
  }
  const policy = readPolicyFile(value, to, path);
  const gate = readGate(fieldsOf(value).gate ?? {}, `${path}, gate`);
  const found = [...(policy.ok ? [] : policy.problems), ...(gate.ok ? [] : gate.problems)];
  if (!policy.ok || !gate.ok) throw invalid(path, found.join('\n'));
  const scans = policy.value.some(({ name }) => name === 'scan');
  return { required: policy.value, ...(scans ? { gate: gate.value } : {}) };
}

async function readText(
  runtime: Runtime,
  path: string,
  { sha }: GitEvent,
  api: GitHubApi | undefined,
): Promise<string | undefined> {
  const { workspace } = runtime;
  const file = resolve(workspace, path);
  try {
    const { size } = await stat(file);
    if (size > LIMIT) throw invalid(path, `${path} has ${size} bytes, more than ${LIMIT}`);
    return await readFile(file, 'utf8');
  } catch (error) {
    const isMissing =
      error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    if (!isMissing) throw error instanceof ActionError ? error : invalid(path, `${path} cannot be read`, error);
  }
  if (await isThere(lstat, file)) throw invalid(path, `${path} is a link that leads nowhere`);
  const isCheckedOut = await isThere(stat, resolve(workspace, '.git'));
  if (isCheckedOut && (await createHistory(runtime, undefined, false).lacks(path))) return undefined;
  const asked = (await api?.file(path, sha)) ?? { is: 'unknown', reason: 'there is no `github-token`' };
  if (asked.is === 'unknown') {
    throw invalid(
      path,
      `It could not be found out whether the repository has ${path} at ${sha.slice(0, 7)}: it is not checked out, and ${asked.reason}. Add actions/checkout before this step, or \`contents: read\` to the permissions of the job`,
    );
  }
  return asked.is === 'file' ? asked.text : undefined;
}

/** Whether a path can be looked at. */
function isThere(look: (path: string) => Promise<unknown>, path: string): Promise<boolean> {
  return look(path).then(
    () => true,
    () => false,
  );
}

function invalid(path: string, message: string, cause?: unknown): ActionError {
  return new ActionError('POLICY_INVALID', sentence(message), {
    cause,
    facts: { file: path },
  });
}
