import { parseAnnotations } from '../../domain/labels.ts';
import { parseDigests } from '../../domain/merge/written-digest.ts';
import { CREATE_REPOSITORY } from '../../inputs/create-repository.ts';
import { DRY_RUN } from '../../inputs/dry-run.ts';
import { entries, KEY_VALUE, lines, linesAs } from '../../inputs/lists.ts';
import { METRICS_INPUTS } from '../../inputs/metrics.ts';
import { NAMING_INPUTS } from '../../inputs/naming.ts';
import { platforms } from '../../inputs/platforms.ts';
import { REGISTRY_INPUTS } from '../../inputs/registry-inputs.ts';
import {
  emptyCredentialsWarning,
  keylessHasRegistry,
  loginHasImage,
  REGISTRY_RULES,
  registryHasLogin,
} from '../../inputs/registry-rules.ts';
import { named, type Rule, type RuleFacts } from '../../inputs/rule.ts';
import { flagOrAttributes, type InputsOf } from '../../inputs/schema.ts';
import { SIGNING_INPUTS, SIGNING_RULES, signsWhatIsPushed, TRUST_INPUTS } from '../../inputs/signing.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { IMAGE_GATE_INPUTS, IMAGE_GATE_RULES, IMAGE_GATE_WARNINGS } from '../publish/gate-inputs.ts';
import { hostsOf, NAMED_RULES, PUSH_INPUTS } from '../publish/push-inputs.ts';
import { type PublishInputs, publishSettings } from '../publish/settings.ts';
import { readSigningKey } from '../publish/signing-inputs.ts';

const { labels: _, annotations: __, ...NAMES } = NAMING_INPUTS;

/** All inputs of `command: merge`. */
export const INPUTS = {
  ...NAMES,
  layouts: lines({
    group: 'What',
    about:
      'The images to merge, one path per line: an OCI layout, a tar of one, or a folder that contains several, as actions/download-artifact makes it.',
    example: 'layouts',
  }),
  digests: linesAs(
    {
      group: 'What',
      about:
        'Images that are in the first of `images` already, one per line: `linux/arm64=sha256:…`, or a file or folder with digests. Anyone who can read the repository can pull them before the gate has passed; `layouts` avoids that.',
      example: 'digests',
    },
    parseDigests,
  ),
  platforms: platforms({
    group: 'What',
    about: 'The platforms that the image must have: all of them, and no others.',
    example: 'linux/amd64,linux/arm64',
  }),
  annotations: entries(
    {
      form: KEY_VALUE,
      group: 'What',
      about:
        'Annotations of the index, one `key=value` per line; with `manifest-descriptor:` or `manifest-descriptor[linux/arm64]:` in front, of its entries.',
      example: 'org.opencontainers.image.title=app',
    },
    parseAnnotations,
  ),
  ...PUSH_INPUTS,
  provenance: flagOrAttributes({
    group: 'Attestations',
    about: '`true`: a platform without provenance fails the run.',
    default: 'false',
  }),
  sbom: flagOrAttributes({
    group: 'Attestations',
    about: '`true`: a platform without SBOM fails the run.',
    default: 'false',
  }),
  ...IMAGE_GATE_INPUTS,
  ...SIGNING_INPUTS,
  'trusted-root': TRUST_INPUTS['trusted-root'],
  ...REGISTRY_INPUTS,
  ...METRICS_INPUTS,
  'create-repository': CREATE_REPOSITORY,
  'dry-run': DRY_RUN,
} as const;

type Values = InputsOf<typeof INPUTS>;

export const mayWrite = ({ push, 'dry-run': dryRun }: Values): boolean => push && !dryRun;

export const RULES: readonly Rule<Values>[] = [
  ({ layouts, digests }) =>
    layouts.length === 0 && digests.length === 0
      ? '`command: merge` needs `layouts` or `digests`: the images to merge.'
      : undefined,
  ({ platforms: expected }) =>
    expected.length === 0
      ? '`command: merge` needs `platforms`: the image is published only if it has all of them. Add for instance `platforms: linux/amd64,linux/arm64`.'
      : undefined,
  ({ platforms: expected }) =>
    expected.includes('local')
      ? '`platforms`: `local` is the platform of a builder, and a merge has none. Write its name.'
      : undefined,
  ({ annotations }) => {
    const levels = annotations.map(({ level }) => level).filter((level) => /^(?:manifest(?![\w-])|index-)/.test(level));
    return levels.length > 0
      ? `\`annotations\`: ${named([...new Set(levels)])} would change what exists already. Set those of a manifest where the platform is built.`
      : undefined;
  },
  ...NAMED_RULES,
  ...REGISTRY_RULES,
  registryHasLogin,
  loginHasImage((inputs: Values, env) => hostsOf(inputs, env)),
  ...SIGNING_RULES,
  (inputs) => {
    const read = readSigningKey(inputs);
    return read === undefined || read.ok ? undefined : read.problems.map((problem) => `${problem}.`);
  },
  ...IMAGE_GATE_RULES,
];

export const WARNINGS: readonly Rule<Values>[] = [
  keylessHasRegistry((inputs: Values, env) => hostsOf(inputs, env)),
  emptyCredentialsWarning,
  signsWhatIsPushed,
  ...IMAGE_GATE_WARNINGS,
];

/** The settings in the inputs, including the files that they name. */
export function mergeInputs(inputs: Values, facts: RuleFacts<Values>, runtime: Runtime): Promise<PublishInputs> {
  const { layouts, digests } = inputs;
  return publishSettings({ ...inputs, labels: [] }, facts, runtime, {
    origin: { kind: 'merge', layouts: layouts.filter((line) => line !== '' && !line.startsWith('#')), digests },
    required: inputs,
    byDigest: false,
  });
}
