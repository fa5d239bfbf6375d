import { parsed, problems } from '../../domain/parsed.ts';
import { EXPORTERS, type ExportFormat, isExportFormat } from '../../domain/setup/export/exporters.ts';
import { didYouMean, quoted } from '../../domain/suggestion.ts';
import { dryRunBeforePlan } from '../../inputs/dry-run.ts';
import { METRICS_INPUTS } from '../../inputs/metrics.ts';
import { REGISTRY_INPUTS, type RegistrySettings, registrySettings } from '../../inputs/registry-inputs.ts';
import { emptyCredentialsWarning, REGISTRY_RULES } from '../../inputs/registry-rules.ts';
import { named, type Rule, type RuleFacts } from '../../inputs/rule.ts';
import { field, type InputsOf, oneOf, path } from '../../inputs/schema.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { SetupFiles } from './files.ts';

const FORMATS = Object.keys(EXPORTERS);

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
  export: field<ExportFormat | undefined>(
    FORMATS.map((format) => `\`${format}\``).join(', '),
    {
      group: 'Setup',
      about:
        'Instead of a plan: export the desired state for another tool. Registries with credentials are read, so that what exists is imported; nothing is ever written to them.',
      example: 'terraform',
    },
    (raw) => {
      if (raw === '') return parsed(undefined);
      return isExportFormat(raw)
        ? parsed(raw)
        : problems(`got ${quoted(raw)}, expected ${oneOf(FORMATS)}.${didYouMean(raw, FORMATS)}`);
    },
  ),
  'export-directory': path({
    group: 'Setup',
    about:
      'Folder of the workspace that `export` writes to. Empty: `setup-export/` and the name of the format. Files that are not of an earlier export are never overwritten.',
    example: 'infrastructure/registries',
  }),
  ...REGISTRY_INPUTS,
  ...METRICS_INPUTS,
  'dry-run': dryRunBeforePlan(
    'Only compare and plan, and write nothing. Empty: `true`, except with `plan`, which is applied. `false` without `plan` applies at once what differs. On a schedule, `true` fails with the outcome `drift` when something differs.',
  ),
} as const;

type Values = InputsOf<typeof INPUTS>;

/** Settings of a setup. */
export interface SetupInputs extends SetupFiles {
  readonly registries: RegistrySettings;
  /** Path to write the plan to; undefined: a file of the run. */
  readonly planFile: string | undefined;
  readonly credentialsFile: string | undefined;
  readonly dryRun: boolean;
  /** Only write code; undefined: compare and apply. */
  readonly export: { readonly format: ExportFormat; readonly directory: string } | undefined;
}

const isDryRun = ({ plan, 'dry-run': dryRun }: Values): boolean => dryRun ?? plan === undefined;

/** Inputs of a run that compares or applies. */
const OF_PLANS = ['plan', 'plan-file', 'credentials-file'] as const;

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
  (inputs) => {
    if (inputs.export === undefined)
      return inputs['export-directory'] === undefined
        ? undefined
        : '`export-directory` is set, and `export` is not: add `export: terraform`, or remove it.';
    const others = [
      ...OF_PLANS.filter((name) => inputs[name] !== undefined),
      ...(inputs['dry-run'] === false ? ['dry-run: false'] : []),
    ];
    return others.length === 0
      ? undefined
      : `\`export\` only writes files: it neither plans nor applies. Remove ${named(others)}, or do that in a step of its own.`;
  },
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
    export:
      inputs.export === undefined
        ? undefined
        : { format: inputs.export, directory: inputs['export-directory'] ?? `setup-export/${inputs.export}` },
  };
}
