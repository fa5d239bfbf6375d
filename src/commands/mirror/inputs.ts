import { counted } from '../../domain/amount.ts';
import type { MirrorConfig } from '../../domain/mirror/config.ts';
import { parsed } from '../../domain/parsed.ts';
import { ActionErrors } from '../../errors/action-error.ts';
import { CREATE_REPOSITORY, type CreateRepository } from '../../inputs/create-repository.ts';
import { DRY_RUN } from '../../inputs/dry-run.ts';
import { METRICS_INPUTS } from '../../inputs/metrics.ts';
import { inputError } from '../../inputs/read-table.ts';
import { REGISTRY_INPUTS, type RegistrySettings, registrySettings } from '../../inputs/registry-inputs.ts';
import { ACCOUNT_RULES, emptyCredentialsWarning, registryHasLogin } from '../../inputs/registry-rules.ts';
import type { Rule, RuleFacts } from '../../inputs/rule.ts';
import { field, type InputsOf, secret } from '../../inputs/schema.ts';
import type { Runtime } from '../../runtime/runtime.ts';

const MIN_KEY_LENGTH = 16;

/** Everything that a step with `command: mirror` may set. */
export const INPUTS = {
  config: field(
    'path or YAML',
    {
      group: 'Mirror',
      about: 'What to copy, and where: the path of a YAML file, or the YAML itself on several lines.',
      example: '.github/mirror.yaml',
    },
    (raw) => parsed(raw || undefined),
  ),
  'state-key': secret({
    group: 'Mirror',
    about:
      'A secret of at least 16 characters, for `delete: untag-missing`: proves that the list of tags that this mirror wrote, kept at the target, was not made by somebody else.',
    example: '${{ secrets.MIRROR_STATE_KEY }}',
  }),
  ...REGISTRY_INPUTS,
  ...METRICS_INPUTS,
  'create-repository': CREATE_REPOSITORY,
  'dry-run': DRY_RUN,
} as const;

type Values = InputsOf<typeof INPUTS>;

/** Settings of a mirror run. */
export interface MirrorInputs {
  readonly registries: RegistrySettings;
  readonly createRepository: CreateRepository;
  readonly config: MirrorConfig;
  readonly stateKey: string | undefined;
  readonly dryRun: boolean;
}

export const mayWrite = ({ 'dry-run': dryRun }: Values): boolean => !dryRun;

export const RULES: readonly Rule<Values>[] = [
  ({ config }) =>
    config === undefined
      ? '`config` is empty. Name a YAML file such as `.github/mirror.yaml`, or write the YAML itself; `docs/mirror.md` has the format.'
      : undefined,
  ({ 'state-key': key }) =>
    key !== undefined && key.length < MIN_KEY_LENGTH
      ? `\`state-key\`: got ${counted(key.length, 'character')}, expected at least ${MIN_KEY_LENGTH}: an unguessable secret, for instance from \`openssl rand -hex 32\`.`
      : undefined,
  ...ACCOUNT_RULES,
  registryHasLogin,
];

export const WARNINGS: readonly Rule<Values>[] = [emptyCredentialsWarning];

/**
 * What the inputs come to, with the file that they name.
 * @throws ActionErrors of MIRROR_CONFIG_INVALID and INPUT_INVALID
 */
export async function mirrorInputs(
  inputs: Values,
  _facts: RuleFacts<Values>,
  { workspace }: Runtime,
): Promise<MirrorInputs> {
  // Loaded here: the reader is as large as all that other commands need for their inputs.
  const [{ readYamlInput }, { parseMirrorConfig }] = await Promise.all([
    import('../../run/yaml-input.ts'),
    import('../../domain/mirror/read-config.ts'),
  ]);
  const { config: written, 'state-key': stateKey } = inputs;
  // A missing input is already reported with the inputs.
  if (written === undefined) throw new ActionErrors([]);
  const config = await readYamlInput(workspace, written, {
    input: 'config',
    title: 'mirror configuration',
    code: 'MIRROR_CONFIG_INVALID',
    parse: parseMirrorConfig,
  });
  if (stateKey === undefined && config.mirrors.some(({ deletion }) => deletion === 'untag-missing')) {
    throw inputError([
      {
        input: 'state-key',
        text: 'it is empty, and the configuration has `delete: untag-missing`: a tag is removed only when it is proven that this mirror wrote it. Set it to a secret of at least 16 characters.',
      },
    ]);
  }
  return {
    registries: registrySettings(inputs),
    createRepository: inputs['create-repository'],
    config,
    stateKey,
    dryRun: inputs['dry-run'],
  };
}
