import type { BaselineReference } from '../../domain/gate/baseline-reference.ts';
import { baseline } from '../../inputs/baseline.ts';
import { BUILD_INPUTS, BUILD_ONLY, BUILD_RULES, type BuildInputs, hasIndex } from '../../inputs/build.ts';
import { CREATE_REPOSITORY, type CreateRepository } from '../../inputs/create-repository.ts';
import { DRY_RUN } from '../../inputs/dry-run.ts';
import { GATE_INPUTS, gateTerms, SCANNER_INPUTS, scannerSettings } from '../../inputs/gate.ts';
import { withDefaultImage } from '../../inputs/images.ts';
import { NAMING_INPUTS, type NamingRules } from '../../inputs/naming.ts';
import { REGISTRY_INPUTS, type RegistrySettings, registrySettings } from '../../inputs/registry-inputs.ts';
import {
  emptyCredentials,
  emptyCredentialsWarning,
  keylessHasRegistry,
  loginHasImage,
  REGISTRY_RULES,
  registryHasLogin,
} from '../../inputs/registry-rules.ts';
import { named, type Rule, type RuleFacts } from '../../inputs/rule.ts';
import { choice, flag, type InputsOf, path, pattern } from '../../inputs/schema.ts';
import { SIGNING_INPUTS, SIGNING_RULES } from '../../inputs/signing.ts';
import { type GateFiles, readGateFiles } from '../../run/gate-files.ts';
import type { ScanSettings } from '../../run/scan.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { readSigningKey, type SigningInputs, signingOf } from './signing-inputs.ts';

/** All inputs of `command: publish`. */
export const INPUTS = {
  ...NAMING_INPUTS,
  source: path({
    group: 'What',
    about:
      'An image that is built already, instead of a build: an OCI layout directory, a tar of one, or a `docker save` tar. Then Docker is not needed.',
    example: 'out/image.tar',
  }),
  push: flag({
    group: 'What',
    about: 'Whether to push. With `false` the image is built and has to pass the gate, and stays on the runner.',
    default: 'true',
  }),
  'if-published': choice(['fail', 'keep'], {
    group: 'What',
    about:
      'What to do when a version tag exists with another build of this commit. `fail`: stop before the build. `keep`: leave it, scan the published image, and publish that under the missing tags; for builds that are not reproducible, such as a `source` from buildah or kaniko.',
    default: 'fail',
  }),
  ...BUILD_INPUTS,
  scan: choice(['gate', 'report', 'off'], {
    group: 'Gate',
    about:
      '`gate`: findings stop the run before anything is visible. `report`: findings are shown and do not stop it, a broken scan does. `off`: no scan.',
    default: 'gate',
  }),
  ...GATE_INPUTS,
  ...SCANNER_INPUTS,
  baseline: baseline({
    group: 'Gate',
    about:
      'An image that is published already: findings that it has on the same platform do not fail the gate and are listed as known. A tag or digest of the first of `images`, or a full name. It is scanned with the same database; one that cannot be read fails the run.',
    example: 'main',
  }),
  'sarif-file': path({
    group: 'Gate',
    about: 'Write the findings of all platforms to this file as SARIF, for github/codeql-action/upload-sarif.',
    example: 'trivy.sarif',
  }),
  'sarif-category': pattern(/^[\w.@:+-]+(?:\/[\w.@:+-]+)*$/, 'words of A-Z a-z 0-9 . _ @ : + - with / between', {
    group: 'Gate',
    about:
      'Category of the alerts on GitHub, to which the platform is added. Each variant of an image needs one of its own, or the alerts of one close those of another. Empty: made of the image name, and of `file` and `target` where they are set.',
    example: 'app-alpine',
  }),
  'attach-gate-result': flag({
    group: 'Gate',
    about:
      'Attach a record to the image in each registry that it has passed the gate, for a later promotion with `require: scan,max-age=7d`.',
    default: 'false',
  }),
  ...SIGNING_INPUTS,
  ...REGISTRY_INPUTS,
  'create-repository': CREATE_REPOSITORY,
  'dry-run': DRY_RUN,
} as const;

type Values = InputsOf<typeof INPUTS>;

/** Settings of a publish. */
export interface PublishInputs {
  readonly registries: RegistrySettings;
  readonly createRepository: CreateRepository;
  /** Names, rules and templates to be filled in from the event; `images` only has enabled ones. */
  readonly naming: NamingRules;
  /** `images` is empty and means the repository's default image. */
  readonly isDefaultImage: boolean;
  /** Path of an already built image; undefined: build it. */
  readonly source: string | undefined;
  readonly build: BuildInputs;
  readonly scan: ScanInputs;
  /** Undefined: the image is not signed. */
  readonly signing: SigningInputs | undefined;
  /** Signing depends on the job's permissions, and it may not request a token. */
  readonly isSigningUnavailable: boolean;
  readonly push: boolean;
  readonly dryRun: boolean;
  /** Some credentials are empty, as in a pull request from a fork; such a run writes nothing. */
  readonly lacksCredentials: boolean;
  readonly ifPublished: 'fail' | 'keep';
}

/** How the image is scanned, and the consequences. */
interface ScanInputs {
  readonly mode: 'gate' | 'report' | 'off';
  readonly settings: ScanSettings;
  /** Content of the files named in the terms. */
  readonly files: GateFiles;
  readonly baseline: BaselineReference | undefined;
  /** Path to write; undefined: none. */
  readonly sarifFile: string | undefined;
  readonly sarifCategory: string | undefined;
  /** Whether to record in the registries that the image has passed. */
  readonly attachResult: boolean;
}

/** A run without registry writes: empty credentials then count as missing, as in pull requests from forks. */
export const mayWrite = ({ push, 'dry-run': dryRun }: Values): boolean => push && !dryRun;

const imagesOf = ({ images }: Values, env: RuleFacts<Values>['env']) => withDefaultImage(images, env).images;

const hostsOf = (inputs: Values, env: RuleFacts<Values>['env']): readonly string[] =>
  imagesOf(inputs, env).map(({ reference }) => reference.host);

export const RULES: readonly Rule<Values>[] = [
  (inputs, { env, given }) =>
    !given('images') && inputs.push && imagesOf(inputs, env).length === 0
      ? '`images` is empty, and there is no name to push to. Add for instance `images: ghcr.io/${{ github.repository }}`, or set `push: false`.'
      : undefined,
  ({ push, images }) =>
    push && images.length > 0 && images.every(({ enable }) => !enable)
      ? '`images`: every line has `enable=false`, and there is no name to push to. Enable one, or set `push: false`.'
      : undefined,
  ...REGISTRY_RULES,
  registryHasLogin,
  loginHasImage(hostsOf),
  ...BUILD_RULES,
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
  (inputs) =>
    !hasIndex(inputs) && inputs.source === undefined && inputs.annotations.some(({ level }) => /^index/.test(level))
      ? '`annotations`: `index:` needs an index, and one platform without SBOM and provenance has none. Write `manifest:`, or build with `sbom` or `provenance`.'
      : undefined,
  (inputs) =>
    inputs['attach-gate-result'] && inputs.scan !== 'gate'
      ? `\`attach-gate-result\` records that the image has passed the gate, and with \`scan: ${inputs.scan}\` none has to be passed. Use \`scan: gate\`, or remove it.`
      : undefined,
  (inputs) =>
    inputs.scan === 'off' && inputs['sarif-file'] !== undefined
      ? '`sarif-file` needs findings, and `scan: off` does not scan. Use `scan: report`, or remove it.'
      : undefined,
  (inputs) =>
    inputs['sarif-category'] !== undefined && inputs['sarif-file'] === undefined
      ? '`sarif-category` has no effect without `sarif-file`. Add it, or remove `sarif-category`.'
      : undefined,
  (inputs, { env, given }) =>
    !given('images') &&
    inputs.baseline !== undefined &&
    inputs.baseline.image === undefined &&
    imagesOf(inputs, env).length === 0
      ? '`baseline` is only a tag or digest, and `images` is empty. Give it a full name, such as `ghcr.io/${{ github.repository }}:main`.'
      : undefined,
];

/** Inputs without effect that may stay: `scan: off` is meant as a temporary switch, and has a warning of its own. */
export const WARNINGS: readonly Rule<Values>[] = [
  keylessHasRegistry(hostsOf),
  emptyCredentialsWarning,
  ({ sign, push }) =>
    !push && sign !== 'off' && sign !== 'auto'
      ? `\`sign: ${sign}\` has no effect: with \`push: false\` nothing is in a registry.`
      : undefined,
  (inputs, { given }) => {
    const gateOnly = [...Object.keys(GATE_INPUTS), ...Object.keys(SCANNER_INPUTS), 'baseline'].filter(isInput);
    const ignored = inputs.scan === 'off' ? gateOnly.filter(given) : [];
    return ignored.length > 0 ? `\`scan: off\`: ${named(ignored)} has no effect, and nothing is scanned.` : undefined;
  },
];

const isInput = (name: string): name is keyof typeof INPUTS => Object.hasOwn(INPUTS, name);

/**
 * The settings in the inputs, including the files that they name.
 * @throws ActionErrors of IGNOREFILE_INVALID and VEX_INVALID
 */
export async function publishInputs(
  inputs: Values,
  { given, env }: RuleFacts<Values>,
  { workspace }: Runtime,
): Promise<PublishInputs> {
  const terms = gateTerms(inputs);
  const registries = registrySettings(inputs);
  const { images, isDefault } = withDefaultImage(inputs.images, env);
  return {
    registries,
    createRepository: inputs['create-repository'],
    naming: { ...inputs, images: images.filter(({ enable }) => enable) },
    isDefaultImage: isDefault,
    source: inputs.source,
    build: inputs,
    scan: {
      mode: inputs.scan,
      settings: { terms, scanner: scannerSettings(inputs), registries },
      files: inputs.scan === 'off' ? { ignores: [], vex: [] } : await readGateFiles(workspace, terms),
      baseline: inputs.baseline,
      sarifFile: inputs['sarif-file'],
      sarifCategory: inputs['sarif-category'],
      attachResult: inputs['attach-gate-result'],
    },
    signing: signingOf(inputs, env),
    isSigningUnavailable: inputs.sign === 'auto' && inputs.push && signingOf(inputs, env) === undefined,
    push: inputs.push,
    dryRun: inputs['dry-run'],
    lacksCredentials: emptyCredentials(inputs, given).length > 0,
    ifPublished: inputs['if-published'],
  };
}
