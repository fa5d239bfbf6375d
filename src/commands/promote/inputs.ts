import type { Image } from '../../domain/images.ts';
import type { Requirement } from '../../domain/promotion/requirement.ts';
import { allOf } from '../../errors/action-error.ts';
import { CREATE_REPOSITORY, type CreateRepository } from '../../inputs/create-repository.ts';
import { DRY_RUN } from '../../inputs/dry-run.ts';
import { GATE_INPUTS, gateTerms, SCANNER_INPUTS, scannerSettings } from '../../inputs/gate.ts';
import { withDefaultImage } from '../../inputs/images.ts';
import { lines } from '../../inputs/lists.ts';
import { METRICS_INPUTS } from '../../inputs/metrics.ts';
import { NAMING_INPUTS } from '../../inputs/naming.ts';
import { RECORD_TRUST_INPUTS, type RecordTrustSettings, recordTrustSettings } from '../../inputs/record-trust.ts';
import { REGISTRY_INPUTS, type RegistrySettings, registrySettings } from '../../inputs/registry-inputs.ts';
import { keylessHasRegistry, REGISTRY_RULES, registryHasLogin } from '../../inputs/registry-rules.ts';
import type { Rule, RuleFacts } from '../../inputs/rule.ts';
import { flag, type InputsOf, path, pattern, text } from '../../inputs/schema.ts';
import { SIGNING_INPUTS, TRUST_INPUTS } from '../../inputs/signing.ts';
import { type TrustSettings, trustSettings } from '../../inputs/trust.ts';
import type { ScanSettings } from '../../run/scan.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { hostsIn, nameProblems, needsImages, requirements } from './name-inputs.ts';

/** All inputs of `command: promote`. */
export const INPUTS = {
  images: NAMING_INPUTS.images,
  from: text({
    group: 'Promotion',
    about:
      'What to promote: a tag, a digest, `env:<name>` for the image of an environment, or a full name `host/repository:tag`. `{{sha}}` and `{{version}}` are replaced by the commit and the git tag of the run. With `rollback`: what to go back to; empty for the previous image.',
    example: 'sha-abc1234',
  }),
  to: lines({
    group: 'Promotion',
    about:
      'Where to, one per line: a tag, a repository, or `host/repository:tag`. `{{env}}`, `{{version}}` and `{{sha}}` are replaced by the environment, the version and the commit of the image. Empty: the tag of the environment.',
    example: 'ghcr.io/org/prod/app:{{version}}',
  }),
  environment: pattern(/^[^\n\r]{1,255}$/, 'the name of an environment on one line', {
    group: 'Promotion',
    about: "The environment that is promoted to. Name it as the job's `environment:`, which protects it.",
    example: 'production',
  }),
  require: requirements({
    group: 'Promotion',
    about:
      'What must be shown before anything is written, one per line: `platforms=linux/amd64,linux/arm64`, `sbom`, `provenance,builder=…,repository=…,commit=…`, `scan=now`, `scan,max-age=7d`, `deployed=staging`, `branch=main`, `not-older`, `signature`, `signature,identity=…,statement=gate-result`. `sbom`, `provenance` and `scan,max-age=…` take `signed` or `identity=…`: then only a signed statement meets them.',
    example: 'deployed=staging',
  }),
  policy: path({
    group: 'Promotion',
    about:
      'A YAML file of the repository with more requirements. `.github/promotion.yaml` counts whether it is named or not: inputs can add to it, and take nothing away.',
    example: '.github/promotion.yaml',
  }),
  rollback: flag({
    group: 'Promotion',
    about:
      'Go back to the previous image of the environment, without a build, and put the replaced image on hold: it cannot be promoted there again until a person forces it.',
    default: 'false',
  }),
  force: flag({
    group: 'Promotion',
    about:
      'Promote an image although the environment was rolled back from it. Only in a `workflow_dispatch` run. It lifts the hold but no requirement.',
    default: 'false',
  }),
  record: flag({
    group: 'Promotion',
    about:
      'Attach a record to the image in the registry: who promoted what from where, and why it was allowed. With `false` there is no history to roll back to, and no hold.',
    default: 'true',
  }),
  ...GATE_INPUTS,
  ...SCANNER_INPUTS,
  ...RECORD_TRUST_INPUTS,
  ...TRUST_INPUTS,
  'signing-config': SIGNING_INPUTS['signing-config'],
  ...REGISTRY_INPUTS,
  ...METRICS_INPUTS,
  'create-repository': CREATE_REPOSITORY,
  'dry-run': DRY_RUN,
} as const;

type Values = InputsOf<typeof INPUTS>;

/** Settings of a promotion. */
export interface PromoteInputs {
  readonly registries: RegistrySettings;
  readonly createRepository: CreateRepository;
  /** Those that are enabled. */
  readonly images: readonly Image[];
  readonly isDefaultImage: boolean;
  /** Templates: filled in when the event and the image are known. */
  readonly from: string | undefined;
  readonly to: readonly string[];
  readonly environment: string | undefined;
  readonly require: readonly Requirement[];
  /** Path of a policy file besides the default one. */
  readonly policy: string | undefined;
  readonly scan: ScanSettings;
  /** For `require: signature`. */
  readonly trust: TrustSettings;
  readonly recordTrust: RecordTrustSettings;
  /** The Sigstore instance that signs records: a file, `public`, `github`; undefined: by the repository's visibility. */
  readonly signingConfig: string | undefined;
  readonly rollback: boolean;
  readonly force: boolean;
  readonly record: boolean;
  readonly dryRun: boolean;
}

const imagesOf = (inputs: Values, env: RuleFacts<Values>['env']) =>
  withDefaultImage(inputs.images, env, needsImages(inputs));

export const RULES: readonly Rule<Values>[] = [
  ...REGISTRY_RULES,
  registryHasLogin,
  (inputs, { env }) => nameProblems({ ...inputs, images: imagesOf(inputs, env).images }),
  ({ rollback, record, force }) =>
    rollback && !record
      ? '`rollback` reads and writes the records of the environment, which `record: false` switches off. Remove one or the other.'
      : rollback && force
        ? '`force` is for promotions: a rollback has no requirements to lift. Remove it.'
        : undefined,
  ({ record, records }) =>
    !record && records === 'signed'
      ? '`record: false` writes no promotion record, and `records: signed` needs signed ones. Remove one or the other.'
      : undefined,
];

export const WARNINGS: readonly Rule<Values>[] = [
  keylessHasRegistry((inputs, env) => [
    ...imagesOf(inputs, env).images.map(({ reference }) => reference.host),
    ...hostsIn(inputs),
  ]),
];

async function checkPolicies(workspace: string, named: string | undefined): Promise<void> {
  const { checkPolicyFiles } = await import('./policy-terms.ts');
  await checkPolicyFiles(workspace, named);
}

/** @throws ActionErrors of INPUT_INVALID and POLICY_INVALID, with every problem of identities and policy files */
export async function promoteInputs(
  inputs: Values,
  { env }: RuleFacts<Values>,
  { workspace }: Runtime,
): Promise<PromoteInputs> {
  const { from, to, environment, require, policy, rollback, force, record } = inputs;
  const { images, isDefault } = imagesOf(inputs, env);
  const registries = registrySettings(inputs);
  const [trust, recordTrust] = await allOf([
    trustSettings(inputs),
    recordTrustSettings(inputs),
    ...(rollback ? [] : [checkPolicies(workspace, policy)]),
  ]);
  return {
    registries,
    createRepository: inputs['create-repository'],
    images: images.filter(({ enable }) => enable),
    isDefaultImage: isDefault,
    from,
    to,
    environment,
    require,
    policy,
    scan: { terms: gateTerms(inputs), scanner: scannerSettings(inputs), registries },
    trust,
    recordTrust,
    signingConfig: inputs['signing-config'],
    rollback,
    force,
    record,
    dryRun: inputs['dry-run'],
  };
}
