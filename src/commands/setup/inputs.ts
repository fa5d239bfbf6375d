import { parsed } from '../../domain/parsed.ts';
import { dryRunBeforePlan } from '../../inputs/dry-run.ts';
import { METRICS_INPUTS } from '../../inputs/metrics.ts';
import { REGISTRY_INPUTS, type RegistrySettings, registrySettings } from '../../inputs/registry-inputs.ts';
import { emptyCredentialsWarning, REGISTRY_RULES } from '../../inputs/registry-rules.ts';
import type { Rule, RuleFacts } from '../../inputs/rule.ts';
import { field, type InputsOf, path } from '../../inputs/schema.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { SetupFiles } from './files.ts';

/** Everything that a step with `command: setup` may set. */
export const INPUTS = {
  config: field(
    'path or YAML',
    {
      group: 'Setup',
      about: 'The desired state: the path of a YAML file, or the YAML itself on several lines.',
      example: '.github/registries.yaml',
    },
    (raw) => parsed(raw || undefined),
  ),
  plan: path({
    group: 'Setup',
    about:
      'The plan file of an earlier run: this run applies only what it names. It must be a plan of the same desired state. Whatever has changed since is left alone and reported.',
    example: 'setup-plan.json',
  }),
  'plan-file': path({
    group: 'Setup',
    about: 'Where to write the plan. Empty: a file that exists until the end of the job, see the output `plan`.',
    example: 'setup-plan.json',
  }),
  'credentials-file': path({
    group: 'Setup',
    about:
      'Where to write credentials that a registry shows only once, such as the secret of a new robot account, as JSON that only this user may read. Empty: they are masked and discarded.',
    example: 'credentials.json',
  }),
  ...REGISTRY_INPUTS,
  ...METRICS_INPUTS,
  'dry-run': dryRunBeforePlan(
    'Only compare and plan, and write nothing. Empty: `true`, except with `plan`, which is applied. `false` without `plan` applies at once what differs. On a schedule, `true` fails with the outcome `drift` when something differs.',
  ),
} as const;

type Values = InputsOf<typeof INPUTS>;

/** What a setup goes by. */
export interface SetupInputs extends SetupFiles {
  readonly registries: RegistrySettings;
  /** Path to write the plan to; undefined: a file of the run. */
  readonly planFile: string | undefined;
  readonly credentialsFile: string | undefined;
  readonly dryRun: boolean;
}

const isDryRun = ({ plan, 'dry-run': dryRun }: Values): boolean => dryRun ?? plan === undefined;

export const mayWrite = (inputs: Values): boolean => !isDryRun(inputs);

export const RULES: readonly Rule<Values>[] = [
  ({ config }) =>
    config === undefined
      ? '`config` is empty. Name a YAML file such as `.github/registries.yaml`, or write the desired state itself; `docs/setup.md` has an example for each registry.'
      : undefined,
  ({ plan, 'plan-file': file }) =>
    plan !== undefined && file !== undefined
      ? '`plan` applies a plan that exists, and `plan-file` is where to write a new one. Remove one of them.'
      : undefined,
  ...REGISTRY_RULES,
];

export const WARNINGS: readonly Rule<Values>[] = [emptyCredentialsWarning];

/**
 * What the inputs come to, with the files that they name.
 * @throws ActionErrors of DESIRED_STATE_INVALID, CLEANUP_POLICY_INVALID and PLAN_UNUSABLE
 */
export async function setupInputs(
  inputs: Values,
  _facts: RuleFacts<Values>,
  { workspace }: Runtime,
): Promise<SetupInputs> {
  // Loaded here: the reader of the file is as large as all that other commands need for their inputs.
  const { readSetupFiles } = await import('./files.ts');
  return {
    ...(await readSetupFiles(workspace, inputs)),
    registries: registrySettings(inputs),
    planFile: inputs['plan-file'],
    credentialsFile: inputs['credentials-file'],
    dryRun: isDryRun(inputs),
  };
}
