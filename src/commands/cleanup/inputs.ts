import { type Image, parseImages } from '../../domain/images.ts';
import { parsed } from '../../domain/parsed.ts';
import type { ImageName } from '../../domain/reference.ts';
import type { Converted } from '../../domain/retention/import/import-policy.ts';
import type { CleanupPlan } from '../../domain/retention/plan.ts';
import type { CleanupPolicy } from '../../domain/retention/policy.ts';
import { allOf } from '../../errors/action-error.ts';
import { dryRunBeforePlan } from '../../inputs/dry-run.ts';
import { linesAs } from '../../inputs/lists.ts';
import { METRICS_INPUTS } from '../../inputs/metrics.ts';
import { RECORD_TRUST_INPUTS, recordTrustSettings } from '../../inputs/record-trust.ts';
import { REGISTRY_INPUTS, type RegistrySettings, registrySettings } from '../../inputs/registry-inputs.ts';
import {
  emptyCredentialsWarning,
  keylessHasRegistry,
  loginHasImage,
  REGISTRY_RULES,
  registryHasLogin,
} from '../../inputs/registry-rules.ts';
import type { Rule, RuleFacts } from '../../inputs/rule.ts';
import { field, type InputsOf, path } from '../../inputs/schema.ts';
import { TRUST_INPUTS } from '../../inputs/signing.ts';
import type { RecordTrustOptions } from '../../run/record-trust.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { repositoriesOf } from './repositories.ts';

/** Everything that a step with `command: cleanup` may set. */
export const INPUTS = {
  images: linesAs(
    {
      group: 'What',
      about:
        'Repositories to clean up, one per line, without a tag. Empty: those of the plan, or those that the policy names in full; otherwise `ghcr.io/<owner>/<repository>`.',
      example: 'ghcr.io/org/app',
    },
    parseImages,
  ),
  policy: field(
    'path or YAML',
    {
      group: 'Cleanup',
      about: 'What to keep and what to delete: the path of a YAML file, or the YAML itself on several lines.',
      example: '.github/cleanup.yaml',
    },
    (raw) => parsed(raw || undefined),
  ),
  plan: path({
    group: 'Cleanup',
    about:
      'The plan file of an earlier run: this run applies exactly that. It must be a plan of the same policy. Whatever has changed since is skipped.',
    example: 'cleanup-plan.json',
  }),
  'plan-file': path({
    group: 'Cleanup',
    about: 'Where to write the plan. Empty: a file that exists until the end of the job, see the output `plan`.',
    example: 'cleanup-plan.json',
  }),
  import: path({
    group: 'Cleanup',
    about:
      'Retention rules of a registry, to convert to a policy, as JSON: a lifecycle policy of Amazon ECR, cleanup policies of Artifact Registry, tag retention of Harbor, or a container expiration policy of GitLab. Nothing else is done.',
    example: 'lifecycle-policy.json',
  }),
  'import-to': path({
    group: 'Cleanup',
    about:
      'Where to write the policy of `import`; a file with other content is not replaced. Empty: a file that exists until the end of the job, see the output `imported-policy`.',
    example: '.github/cleanup.yaml',
  }),
  'record-identity': RECORD_TRUST_INPUTS['record-identity'],
  'record-repository': RECORD_TRUST_INPUTS['record-repository'],
  'signer-issuer': TRUST_INPUTS['signer-issuer'],
  'trusted-root': TRUST_INPUTS['trusted-root'],
  ...REGISTRY_INPUTS,
  ...METRICS_INPUTS,
  'dry-run': dryRunBeforePlan(
    'Only plan, and delete nothing. Empty: `true`, except with `plan`, which is applied. `false` without `plan` deletes at once what the policy selects; `true` with `plan` shows what of it still applies.',
  ),
} as const;

type Values = InputsOf<typeof INPUTS>;

/** Settings of a cleanup. */
export interface CleanupInputs {
  readonly kind: 'cleanup';
  readonly registries: RegistrySettings;
  /** Each once. */
  readonly images: readonly ImageName[];
  readonly policy: CleanupPolicy;
  /** A plan that was approved, and its path as the user wrote it. */
  readonly approved: { readonly plan: CleanupPlan; readonly path: string } | undefined;
  /** Path to write the plan to; undefined: a file of the run. */
  readonly planFile: string | undefined;
  /** Whose promotion records count as signed. */
  readonly recordTrust: RecordTrustOptions;
  readonly dryRun: boolean;
}

/** Settings of a conversion. */
export interface ConversionInputs {
  readonly kind: 'conversion';
  readonly registries: RegistrySettings;
  readonly converted: Converted;
  /** Path to write the policy to; undefined: a file of the run. */
  readonly file: string | undefined;
}

const isDryRun = ({ plan, 'dry-run': dryRun }: Values): boolean => dryRun ?? plan === undefined;

/** A run that only plans needs no credentials where anybody may read. */
export const mayWrite = (inputs: Values): boolean => inputs.import === undefined && !isDryRun(inputs);

const enabled = (images: readonly Image[]) => images.filter(({ enable }) => enable);
const hostsOf = ({ images }: Values): readonly string[] => images.map(({ reference }) => reference.host);

/** Rules about the hosts of images have nothing to say where those come from the policy. */
const withImages =
  (rule: Rule<Values>): Rule<Values> =>
  (inputs, facts) =>
    inputs.images.length > 0 ? rule(inputs, facts) : undefined;

export const RULES: readonly Rule<Values>[] = [
  ({ policy, import: from }) =>
    policy === undefined && from === undefined
      ? '`policy` is empty. Name a YAML file such as `.github/cleanup.yaml`, or write the policy itself; `docs/cleanup.md` has five to copy.'
      : undefined,
  ({ images }) =>
    images.length > 0 && enabled(images).length === 0
      ? '`images`: every line has `enable=false`, so there is no repository to clean up. Enable one.'
      : undefined,
  ({ plan, 'plan-file': file }) =>
    plan !== undefined && file !== undefined
      ? '`plan` applies a plan that exists, and `plan-file` is where to write a new one. Remove one of them.'
      : undefined,
  ({ import: from, policy, plan, 'plan-file': file }) => {
    const others = Object.entries({ policy, plan, 'plan-file': file }).filter(([, value]) => value !== undefined);
    return from !== undefined && others.length > 0
      ? `\`import\` makes a policy, and \`${others[0]?.[0]}\` needs one. Remove one of them, and use the policy in a later step.`
      : undefined;
  },
  ({ import: from, 'import-to': to }) =>
    from === undefined && to !== undefined
      ? '`import-to` is where to write the policy of `import`, which is empty. Set `import`, or remove it.'
      : undefined,
  ...REGISTRY_RULES,
  registryHasLogin,
  withImages(loginHasImage(hostsOf)),
];

export const WARNINGS: readonly Rule<Values>[] = [withImages(keylessHasRegistry(hostsOf)), emptyCredentialsWarning];

/**
 * What the inputs come to, with the files that they name.
 * @throws ActionErrors of CLEANUP_POLICY_INVALID, PLAN_UNUSABLE and INPUT_INVALID
 */
export async function cleanupInputs(
  inputs: Values,
  { env }: RuleFacts<Values>,
  { workspace }: Runtime,
): Promise<CleanupInputs | ConversionInputs> {
  if (inputs.import !== undefined) {
    const { readConversion } = await import('./conversion-file.ts');
    const converted = await readConversion(workspace, inputs.import);
    return { kind: 'conversion', registries: registrySettings(inputs), converted, file: inputs['import-to'] };
  }
  // Loaded here: the reader of policies is as large as all that other commands need for their inputs.
  const { readCleanupFiles } = await import('./files.ts');
  const [{ policy, approved }, { identities, repositories }] = await allOf([
    readCleanupFiles(workspace, inputs),
    recordTrustSettings({ ...inputs, records: 'auto' }),
  ]);
  return {
    kind: 'cleanup',
    registries: registrySettings(inputs),
    images: repositoriesOf(enabled(inputs.images), { policy, approved, env }),
    policy,
    approved,
    planFile: inputs['plan-file'],
    recordTrust: {
      ...{ identities, repositories, issuer: inputs['signer-issuer'] },
      trustedRoots: inputs['trusted-root'].filter((line) => line !== '' && !line.startsWith('#')),
    },
    dryRun: isDryRun(inputs),
  };
}
