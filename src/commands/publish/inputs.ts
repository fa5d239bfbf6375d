import { BUILD_INPUTS, BUILD_ONLY, BUILD_RULES, hasIndex } from '../../inputs/build.ts';
import { BUILD_MISTAKES, BUILD_WARNINGS } from '../../inputs/build-mistakes.ts';
import { CREATE_REPOSITORY } from '../../inputs/create-repository.ts';
import { DRY_RUN } from '../../inputs/dry-run.ts';
import { METRICS_INPUTS } from '../../inputs/metrics.ts';
import { NAMING_INPUTS } from '../../inputs/naming.ts';
import { REGISTRY_INPUTS } from '../../inputs/registry-inputs.ts';
import {
  emptyCredentialsWarning,
  keylessHasRegistry,
  loginHasImage,
  REGISTRY_RULES,
  registryHasLogin,
} from '../../inputs/registry-rules.ts';
import { named, type Rule, type RuleFacts } from '../../inputs/rule.ts';
import { flag, type InputsOf, path } from '../../inputs/schema.ts';
import { SIGNING_INPUTS, SIGNING_RULES, signsWhatIsPushed, TRUST_INPUTS } from '../../inputs/signing.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { IMAGE_GATE_INPUTS, IMAGE_GATE_RULES, IMAGE_GATE_WARNINGS } from './gate-inputs.ts';
import { hostsOf, NAMED_RULES, PUSH_INPUTS } from './push-inputs.ts';
import { type PublishInputs, publishSettings } from './settings.ts';
import { readSigningKey } from './signing-inputs.ts';

/** All inputs of `command: publish`. */
export const INPUTS = {
  ...NAMING_INPUTS,
  source: path({
    group: 'What',
    about:
      'An image that is built already, instead of a build: an OCI layout directory, a tar of one, or a `docker save` tar. Then Docker is not needed.',
    example: 'out/image.tar',
  }),
  ...PUSH_INPUTS,
  'push-by-digest': flag({
    group: 'What',
    about:
      'Push the image that has passed the gate by digest only, without a tag: for `digests` of `command: merge`, when it is too large for an artifact.',
    default: 'false',
  }),
  ...BUILD_INPUTS,
  ...IMAGE_GATE_INPUTS,
  ...SIGNING_INPUTS,
  'trusted-root': TRUST_INPUTS['trusted-root'],
  ...REGISTRY_INPUTS,
  ...METRICS_INPUTS,
  'create-repository': CREATE_REPOSITORY,
  'dry-run': DRY_RUN,
} as const;

type Values = InputsOf<typeof INPUTS>;

/** A run without registry writes: empty credentials then count as missing, as in pull requests from forks. */
export const mayWrite = ({ push, 'dry-run': dryRun }: Values): boolean => push && !dryRun;

export const RULES: readonly Rule<Values>[] = [
  ...NAMED_RULES,
  ...REGISTRY_RULES,
  registryHasLogin,
  loginHasImage((inputs: Values, env) => hostsOf(inputs, env)),
  ...BUILD_RULES,
  ...BUILD_MISTAKES,
  ...SIGNING_RULES,
  (inputs) => {
    const read = readSigningKey(inputs);
    return read === undefined || read.ok ? undefined : read.problems.map((problem) => `${problem}.`);
  },
  (_, { given }) => {
    const ignored = given('source') ? [...BUILD_ONLY, 'labels' as const, 'annotations' as const].filter(given) : [];
    return ignored.length > 0
      ? `\`source\` takes an image that is built already, so ${named(ignored)} could have no effect. Remove one or the other.`
      : undefined;
  },
  ({ 'push-by-digest': byDigest, push }) =>
    byDigest && !push ? '`push-by-digest` has no effect with `push: false`. Remove one or the other.' : undefined,
  ({ 'push-by-digest': byDigest, sign, 'attach-gate-result': attach }) =>
    byDigest && ((sign !== 'off' && sign !== 'auto') || attach)
      ? '`push-by-digest` is for a merge, whose result is another digest: set `sign` and `attach-gate-result` where the images are merged.'
      : undefined,
  (inputs) =>
    !hasIndex(inputs) && inputs.source === undefined && inputs.annotations.some(({ level }) => /^index/.test(level))
      ? '`annotations`: `index:` needs an index, and one platform without SBOM and provenance has none. Write `manifest:`, or build with `sbom` or `provenance`.'
      : undefined,
  ...IMAGE_GATE_RULES,
];

/** Inputs that may stay although they have no effect, or probably not the one that is meant. */
export const WARNINGS: readonly Rule<Values>[] = [
  keylessHasRegistry((inputs: Values, env) => hostsOf(inputs, env)),
  emptyCredentialsWarning,
  signsWhatIsPushed,
  ...BUILD_WARNINGS,
  ...IMAGE_GATE_WARNINGS,
];

/** The settings in the inputs, including the files that they name. */
export function publishInputs(inputs: Values, facts: RuleFacts<Values>, runtime: Runtime): Promise<PublishInputs> {
  const origin =
    inputs.source === undefined
      ? ({ kind: 'build', build: inputs } as const)
      : ({ kind: 'file', path: inputs.source } as const);
  return publishSettings({ ...inputs, sign: inputs['push-by-digest'] ? 'off' : inputs.sign }, facts, runtime, {
    origin,
    required: inputs,
    byDigest: inputs['push-by-digest'],
  });
}
