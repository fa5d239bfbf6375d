import { parsed } from '../../domain/parsed.ts';
import type { TagMatcher } from '../../domain/patterns/tag-pattern.ts';
import type { ImageName } from '../../domain/reference.ts';
import { FAIL_CONDITIONS, type FailCondition } from '../../domain/report/conditions.ts';
import { parseRepositories, type ReportedRepositories } from '../../domain/report/repository-pattern.ts';
import { allOf } from '../../errors/action-error.ts';
import { GATE_INPUTS, SCANNER_INPUTS, type ScannerSettings, scannerSettings } from '../../inputs/gate.ts';
import { withDefaultImage } from '../../inputs/images.ts';
import { linesAs, list } from '../../inputs/lists.ts';
import { METRICS_INPUTS } from '../../inputs/metrics.ts';
import { inputError, type Problem } from '../../inputs/read-table.ts';
import { RECORD_TRUST_INPUTS, type RecordTrustSettings, recordTrustSettings } from '../../inputs/record-trust.ts';
import { REGISTRY_INPUTS, type RegistrySettings, registrySettings } from '../../inputs/registry-inputs.ts';
import {
  emptyCredentialsWarning,
  keylessHasRegistry,
  loginHasImage,
  REGISTRY_RULES,
} from '../../inputs/registry-rules.ts';
import type { Rule, RuleFacts } from '../../inputs/rule.ts';
import { choice, field, flag, type InputsOf, path, set } from '../../inputs/schema.ts';
import { TRUST_INPUTS } from '../../inputs/signing.ts';
import { type TrustSettings, trustSettings } from '../../inputs/trust.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { SetupFiles } from '../setup/files.ts';
import type { EnvironmentReference } from './environments.ts';

const CONDITIONS = Object.keys(FAIL_CONDITIONS).filter((name): name is FailCondition =>
  Object.hasOwn(FAIL_CONDITIONS, name),
);
const FAIL_ON = set(CONDITIONS, { group: 'Report', about: '', default: '' });
const SCANS = ['registry', 'trivy', 'scout', 'none'] as const;

/** Everything that a step with `command: report` may set. */
export const INPUTS = {
  images: linesAs(
    {
      group: 'What',
      about:
        'Repositories to report on, one per line, without a tag. `*` matches any characters: `registry.example.com/*` is all repositories of a registry, `ghcr.io/org/*` those of an owner; `!` in front excludes. Empty: `ghcr.io/<owner>/<repository>`.',
      example: 'ghcr.io/org/app',
    },
    parseRepositories,
  ),
  watch: list({
    group: 'Report',
    about:
      'Tags to watch: their images get scan results and metrics of their own. A list of globs, or of regular expressions between slashes. The tags of `environments` are always watched.',
    default: 'latest',
    example: 'latest,v1.*',
  }),
  environments: list({
    group: 'Report',
    about:
      'Environments to compare, in the order of promotion: tags of `images`, `name=tag`, or `name=image:tag` for an environment in another repository.',
    example: 'staging,production',
  }),
  scans: set(SCANS, {
    group: 'Report',
    about:
      "Where scan results of watched images come from: `registry` (the registry's own scanner), `trivy` (a scan in this run), `scout` (Docker Scout, if its plugin is on the runner), or `none`. Results of several scanners are compared.",
    default: 'registry',
  }),
  'exact-sizes': flag({
    group: 'Report',
    about:
      'Read every manifest, even where reads count as pulls or downloads (Amazon ECR, Harbor). Without it, sizes there come from the registry, which ignores shared layers.',
    default: 'false',
  }),
  'fail-on': field<readonly FailCondition[]>(
    `list of ${CONDITIONS.join(', ')}`,
    {
      group: 'Report',
      about: `Fail the step if ${CONDITIONS.map((name) => `\`${name}\`: ${FAIL_CONDITIONS[name]}`).join('; ')}. Empty: only when nothing could be read.`,
      example: 'critical,drift',
    },
    (raw, mask) => (raw === '' ? parsed([]) : FAIL_ON.read(raw, mask)),
  ),
  setup: field<string | undefined>(
    'path or YAML',
    {
      group: 'Report',
      about:
        'The file of `command: setup`, as a path or the YAML itself: registries are compared with it, and nothing is changed. Needs the same read permissions as a plan of `setup`.',
      example: '.github/registries.yaml',
    },
    (raw) => parsed(raw || undefined),
  ),
  'history-file': path({
    group: 'Report',
    about:
      'A file that this run adds its numbers to, for trends: one JSON object per line, at most 400 of each repository. Keep it between runs as an artifact or in a branch.',
    example: 'registry-history.jsonl',
  }),
  records: choice(['auto', 'signed', 'any'], {
    group: 'Promotion',
    about:
      'Which promotion records show who promoted an image, and whether something else moved its tag. `signed`: only those that a job signed in the GitHub environment they are about. `any`: others, too, which are shown as not verified. `auto`: `signed` where an environment has a signed record, or `record-identity` or `record-repository` is set; otherwise `any`.',
    default: 'auto',
  }),
  'record-identity': RECORD_TRUST_INPUTS['record-identity'],
  'record-repository': RECORD_TRUST_INPUTS['record-repository'],
  ...TRUST_INPUTS,
  ...METRICS_INPUTS,
  ...SCANNER_INPUTS,
  'max-db-age': GATE_INPUTS['max-db-age'],
  ...REGISTRY_INPUTS,
} as const;

type Values = InputsOf<typeof INPUTS>;

/** Settings of a report. */
export interface ReportInputs {
  readonly registries: RegistrySettings;
  /** Those that are named, each once. */
  readonly images: readonly ImageName[];
  /** Those that are to be found. */
  readonly patterns: Pick<ReportedRepositories, 'included' | 'excluded'>;
  /** Which tags are watched. */
  readonly watch: TagMatcher;
  /** In the order of promotion. */
  readonly environments: readonly EnvironmentReference[];
  readonly scans: { readonly registry: boolean; readonly trivy: boolean; readonly scout: boolean };
  readonly exactSizes: boolean;
  readonly failOn: readonly FailCondition[];
  /** The desired state of registries, to compare them with. */
  readonly setup: SetupFiles | undefined;
  readonly historyFile: string | undefined;
  readonly metricsFile: string | undefined;
  /** Whose promotion records count. */
  readonly recordTrust: RecordTrustSettings;
  /** Signers that images of environments must have; may be empty. */
  readonly trust: TrustSettings;
  readonly scanner: ScannerSettings;
  /** Milliseconds. */
  readonly maxDatabaseAge: Values['max-db-age'];
}

/** Inputs that are about environments only. */
const ENVIRONMENT_INPUTS = [
  'records',
  'record-identity',
  'record-repository',
  'signer-identity',
  'signer-claims',
  'signer-key',
  'trusted-root',
] as const;

const hostsOf = ({ images: { images, included } }: Values): readonly string[] => [
  ...images.map(({ reference }) => reference.host),
  ...included.map(({ host }) => host),
];
const namesAny = ({ images: { images, included } }: Values) => images.length + included.length > 0;

export const RULES: readonly Rule<Values>[] = [
  ({ images: { images, included } }) =>
    images.length > 0 && included.length === 0 && images.every(({ enable }) => !enable)
      ? '`images`: every line has `enable=false`, so there is no repository to report on. Enable one.'
      : undefined,
  ({ scans }) =>
    scans.includes('none') && scans.length > 1
      ? '`scans`: `none` cannot be combined with others. Remove it.'
      : undefined,
  (inputs, { given }) => {
    const unused = (['trivy-version', 'trivy-sha256'] as const).filter(given);
    return unused.length > 0 && !inputs.scans.includes('trivy')
      ? `\`${unused[0]}\` has no effect without \`scans: trivy\`. Add that, or remove it.`
      : undefined;
  },
  ({ environments }, { given }) => {
    const unused = ENVIRONMENT_INPUTS.find(given);
    return unused !== undefined && environments.length === 0
      ? `\`${unused}\` has no effect without \`environments\`. Add that, or remove it.`
      : undefined;
  },
  ...REGISTRY_RULES,
  (inputs, facts) =>
    namesAny(inputs) && inputs.setup === undefined ? loginHasImage(hostsOf)(inputs, facts) : undefined,
];

export const WARNINGS: readonly Rule<Values>[] = [
  (inputs, facts) =>
    namesAny(inputs) && inputs.setup === undefined ? keylessHasRegistry(hostsOf)(inputs, facts) : undefined,
  emptyCredentialsWarning,
];

async function setupFiles(workspace: string, config: string): Promise<SetupFiles> {
  const { readSetupFiles } = await import('../setup/files.ts');
  return readSetupFiles(workspace, { config, plan: undefined, input: 'setup' });
}

/**
 * What the inputs come to.
 * @throws ActionError INPUT_INVALID
 */
export async function reportInputs(
  inputs: Values,
  { env }: RuleFacts<Values>,
  { workspace }: Runtime,
): Promise<ReportInputs> {
  // Loaded here: patterns and versions need libraries that other commands do not.
  const { readEnvironments, readWatch } = await import('./environments.ts');
  const { images: named, ...patterns } = inputs.images;
  const enabled = named.filter(({ enable }) => enable);
  const isDefault = !namesAny(inputs);
  const images = withDefaultImage(enabled, env, isDefault).images.map(({ reference }) => reference);
  const environments = readEnvironments(inputs.environments, images.length + patterns.included.length > 0);
  const watch = readWatch(inputs.watch);
  const found: Problem[] = [
    ...(environments.ok ? [] : environments.problems.map((text) => ({ input: 'environments', text }))),
    ...(watch.ok ? [] : watch.problems.map((text) => ({ input: 'watch', text }))),
    ...(images.length === 0 && isDefault
      ? [
          {
            input: 'images',
            text: 'it is empty, and this repository has no default image. Name a repository such as registry.example.com/org/app.',
          },
        ]
      : []),
  ];
  const [setup, recordTrust, trust] = await allOf([
    inputs.setup === undefined ? undefined : setupFiles(workspace, inputs.setup),
    recordTrustSettings(inputs),
    trustSettings(inputs),
    found.length > 0 ? Promise.reject(inputError(found)) : undefined,
  ]);
  if (!environments.ok || !watch.ok) throw inputError(found);
  return {
    registries: registrySettings(inputs),
    images,
    patterns,
    watch: watch.value,
    environments: environments.value,
    scans: {
      registry: inputs.scans.includes('registry'),
      trivy: inputs.scans.includes('trivy'),
      scout: inputs.scans.includes('scout'),
    },
    exactSizes: inputs['exact-sizes'],
    failOn: inputs['fail-on'],
    setup,
    historyFile: inputs['history-file'],
    metricsFile: inputs['metrics-file'],
    recordTrust,
    trust,
    scanner: scannerSettings(inputs),
    maxDatabaseAge: inputs['max-db-age'],
  };
}
