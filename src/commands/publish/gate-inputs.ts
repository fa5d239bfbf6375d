import type { BaselineReference } from '../../domain/gate/baseline-reference.ts';
import { baseline } from '../../inputs/baseline.ts';
import { GATE_INPUTS, gateTerms, SCANNER_INPUTS, scannerSettings } from '../../inputs/gate.ts';
import { withDefaultImage } from '../../inputs/images.ts';
import type { RegistrySettings } from '../../inputs/registry-inputs.ts';
import { named, type Rule } from '../../inputs/rule.ts';
import { choice, flag, type InputsOf, path, pattern } from '../../inputs/schema.ts';
import { type GateFiles, readGateFiles } from '../../run/gate-files.ts';
import type { ScanSettings } from '../../run/scan.ts';

/** Inputs for the gate of an image that is published. */
export const IMAGE_GATE_INPUTS = {
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
      'Category of the alerts on GitHub, to which the platform is added. Each variant of an image needs one of its own, or the alerts of one close those of another. Empty: the image name, with `file` and `target` if they are set.',
    example: 'app-alpine',
  }),
  'attach-gate-result': flag({
    group: 'Gate',
    about:
      'Attach the gate result to the image in each registry, for a later promotion with `require: scan,max-age=7d`.',
    default: 'false',
  }),
} as const;

type Values = InputsOf<typeof IMAGE_GATE_INPUTS> & { readonly images: Parameters<typeof withDefaultImage>[0] };

/** How the image is scanned, and the consequences. */
export interface ScanInputs {
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

/** Rules for combinations of these inputs. */
export const IMAGE_GATE_RULES: readonly Rule<Values>[] = [
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
    withDefaultImage(inputs.images, env).images.length === 0
      ? '`baseline` is only a tag or digest, and `images` is empty. Give it a full name, such as `ghcr.io/${{ github.repository }}:main`.'
      : undefined,
];

/** Inputs without effect that may stay: `scan: off` is meant as a temporary switch, and has a warning of its own. */
export const IMAGE_GATE_WARNINGS: readonly Rule<Values>[] = [
  (inputs, { given }) => {
    const gateOnly = [...Object.keys(GATE_INPUTS), ...Object.keys(SCANNER_INPUTS), 'baseline'].filter(isInput);
    const ignored = inputs.scan === 'off' ? gateOnly.filter(given) : [];
    return ignored.length > 0
      ? `\`scan: off\`: ${named(ignored)} ${ignored.length === 1 ? 'has' : 'have'} no effect, and nothing is scanned.`
      : undefined;
  },
];

const isInput = (name: string): name is keyof typeof IMAGE_GATE_INPUTS => Object.hasOwn(IMAGE_GATE_INPUTS, name);

/**
 * The gate settings in the inputs, with the files that they name.
 * @throws ActionErrors of IGNOREFILE_INVALID and VEX_INVALID
 */
export async function scanInputs(inputs: Values, registries: RegistrySettings, workspace: string): Promise<ScanInputs> {
  const terms = gateTerms(inputs);
  return {
    mode: inputs.scan,
    settings: { terms, scanner: scannerSettings(inputs), registries },
    files: inputs.scan === 'off' ? { ignores: [], vex: [] } : await readGateFiles(workspace, terms),
    baseline: inputs.baseline,
    sarifFile: inputs['sarif-file'],
    sarifCategory: inputs['sarif-category'],
    attachResult: inputs['attach-gate-result'],
  };
}
