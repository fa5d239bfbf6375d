import { writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { loadCsv } from '../../domain/csv.ts';
import type { GitEvent } from '../../domain/event.ts';
import type { Written } from '../../domain/promotion/policy.ts';
import { mergeRequirements, type Requirement, requirementText } from '../../domain/promotion/requirement.ts';
import { type GateTerms, stricterGate } from '../../inputs/gate.ts';
import type { GitHubApi, Runtime } from '../../runtime/runtime.ts';
import type { PromoteInputs } from './inputs.ts';
import { invalid, openPolicyFiles, type PolicyFiles } from './policy-files.ts';
import { POLICY, type PolicySource, readTerms } from './policy-terms.ts';

/** The requirements of a promotion, and its gate terms. */
export interface Required {
  readonly required: readonly Requirement[];
  readonly gate: GateTerms;
}

/** The requirements for the targets. Determined again when all names are known. */
export type Policy = (written: Written) => Promise<Required>;

/** A common misspelling: an ignored policy would be as good as none. */
const MISSPELT = '.github/promotion.yml';

/**
 * All requirements: `.github/promotion.yaml`, the file in `policy`, and `require`, combined, with each file in the
 * versions of the checkout and the default branch: the stricter applies. Without a checkout the files are read from
 * GitHub at the run's commit, so that such a job still has its policy.
 * @throws ActionErrors or ActionError POLICY_INVALID
 */
export async function readPolicies(
  runtime: Runtime,
  inputs: PromoteInputs,
  event: GitEvent,
  api: GitHubApi | undefined,
): Promise<Policy> {
  const files = await openPolicyFiles(runtime, event, api);
  const paths = [...new Set([POLICY, ...(inputs.policy === undefined ? [] : [inputs.policy])])];
  const sources: PolicySource[] = [];
  for (const path of paths) {
    const { own, base } = await files.read(path);
    if (own === undefined && path === inputs.policy) {
      throw invalid(path, `\`policy\` names ${path}, and there is no such file`);
    }
    if (own === undefined && base === undefined && !paths.includes(MISSPELT)) {
      const misspelt = await files.read(MISSPELT);
      if (misspelt.own !== undefined || misspelt.base !== undefined) {
        throw invalid(MISSPELT, `${MISSPELT} is not read. Give it the name ${POLICY}, or name it with \`policy\``);
      }
    }
    if (own !== undefined) sources.push({ path, name: path, text: own });
    if (base !== undefined && base !== own) {
      sources.push({ path, name: `${path} on ${files.defaultBranch}`, text: base });
      runtime.log.info(`${path} is another one on ${files.defaultBranch}: the stricter of both counts.`);
    }
  }
  await loadCsv(sources.map(({ text }) => text));
  const logged = new Set<string>();
  const say = (line: string) => {
    if (!logged.has(line)) runtime.log.info(line);
    logged.add(line);
  };
  return async (written) => {
    const decided = decide(inputs, sources, written, files, say);
    const scans = decided.required.some((each) => each.name === 'scan' && each.maxAge === 'now');
    return scans ? { ...decided, gate: await accepted(runtime, files, decided.gate) } : decided;
  };
}

function decide(
  inputs: PromoteInputs,
  sources: readonly PolicySource[],
  written: Written,
  { defaultBranch }: Pick<PolicyFiles, 'defaultBranch'>,
  say: (line: string) => void,
): Required {
  let required: readonly Requirement[] = [];
  const gates = new Map<string, GateTerms>();
  for (const source of sources) {
    const terms = readTerms(source, written);
    // Otherwise an environment with another name in the file would silently have no requirements.
    const what = terms.required.length === 0 ? 'nothing' : terms.required.map(requirementText).join(', ');
    say(`${source.name} requires ${what} of ${written.environment}.`);
    required = mergeRequirements(required, terms.required);
    const before = gates.get(source.path);
    if (terms.gate === undefined) continue;
    gates.set(source.path, before === undefined ? terms.gate : stricterGate(before, terms.gate));
  }
  const [gate, ...others] = gates.values();
  if (gate !== undefined && others.some((other) => !isDeepStrictEqual(gate, other))) {
    const [, path = POLICY] = [...gates.keys()];
    throw invalid(
      path,
      `${path} and ${POLICY} both require a scan, and judge it differently. Give both the same \`gate\`, in the checkout and on ${defaultBranch}`,
    );
  }
  const own = inputs.scan.terms;
  if (gate !== undefined && !isDeepStrictEqual(gate, own)) {
    say('The policy file decides how a scan is judged: the inputs of this step for that are not used.');
  }
  return { required: mergeRequirements(required, inputs.require), gate: gate ?? own };
}

/** Whatever lets findings pass is read from the default branch: a branch cannot accept its own findings. */
async function accepted(runtime: Runtime, files: PolicyFiles, gate: GateTerms): Promise<GateTerms> {
  const read = async (path: string, at: number): Promise<string | undefined> => {
    const { own, base } = await files.read(path);
    if (own === base) return path;
    runtime.log.info(`${path} is another one on ${files.defaultBranch}: that one counts for this scan.`);
    if (base === undefined) return undefined;
    const copy = join(runtime.temp, `accepted-${at}${extname(path)}`);
    await writeFile(copy, base);
    return copy;
  };
  const vex: (string | undefined)[] = [];
  for (const [at, path] of gate.vex.entries()) vex.push(await read(path, at + 1));
  return {
    ...gate,
    ignorefile: gate.ignorefile === undefined ? undefined : await read(gate.ignorefile, 0),
    vex: vex.filter((path) => path !== undefined),
  };
}
