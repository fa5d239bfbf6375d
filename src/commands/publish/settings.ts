import type { WrittenDigest } from '../../domain/merge/written-digest.ts';
import type { BuildInputs } from '../../inputs/build.ts';
import type { CREATE_REPOSITORY, CreateRepository } from '../../inputs/create-repository.ts';
import type { DRY_RUN } from '../../inputs/dry-run.ts';
import { withDefaultImage } from '../../inputs/images.ts';
import type { NAMING_INPUTS, NamingRules } from '../../inputs/naming.ts';
import { type REGISTRY_INPUTS, type RegistrySettings, registrySettings } from '../../inputs/registry-inputs.ts';
import { emptyCredentials } from '../../inputs/registry-rules.ts';
import type { RuleFacts } from '../../inputs/rule.ts';
import type { InputsOf } from '../../inputs/schema.ts';
import type { SIGNING_INPUTS, TRUST_INPUTS } from '../../inputs/signing.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type IMAGE_GATE_INPUTS, type ScanInputs, scanInputs } from './gate-inputs.ts';
import type { LocalCopies, PUSH_INPUTS } from './push-inputs.ts';
import { type SigningInputs, signingOf } from './signing-inputs.ts';

/** Where the bytes of the image come from. */
type ImageOrigin =
  | { readonly kind: 'build'; readonly build: BuildInputs }
  /** An image that is built already. */
  | { readonly kind: 'file'; readonly path: string }
  | MergedOrigin;

/** Images of single platforms, which become one. */
export interface MergedOrigin {
  readonly kind: 'merge';
  /** Layouts, tars of them, or folders that contain some. */
  readonly layouts: readonly string[];
  /** Images in the first repository. */
  readonly digests: readonly WrittenDigest[];
}

/** What the image must contain. */
export type RequiredContent = Pick<BuildInputs, 'platforms' | 'sbom' | 'provenance'>;

/** Settings of a publish. */
export interface PublishInputs {
  readonly registries: RegistrySettings;
  readonly createRepository: CreateRepository;
  /** Names, rules and templates to be filled in from the event; `images` only has enabled ones. */
  readonly naming: NamingRules;
  /** `images` is empty and means the repository's default image. */
  readonly isDefaultImage: boolean;
  readonly origin: ImageOrigin;
  readonly required: RequiredContent;
  readonly scan: ScanInputs;
  /** Undefined: the image is not signed. */
  readonly signing: SigningInputs | undefined;
  /** Signing depends on the job's permissions, and it may not request a token. */
  readonly isSigningUnavailable: boolean;
  /** To check signatures of this workflow: files, `public`, `github`; empty: both instances. */
  readonly trustedRoots: readonly string[];
  readonly copies: LocalCopies;
  readonly push: boolean;
  /** Without tags. */
  readonly byDigest: boolean;
  readonly dryRun: boolean;
  /** Some credentials are empty, as in a pull request from a fork; such a run writes nothing. */
  readonly lacksCredentials: boolean;
  readonly ifPublished: 'fail' | 'keep';
}

/** The inputs that are the same whatever the image is made from. */
type Values = InputsOf<typeof NAMING_INPUTS> &
  InputsOf<typeof PUSH_INPUTS> &
  InputsOf<typeof IMAGE_GATE_INPUTS> &
  InputsOf<typeof SIGNING_INPUTS> &
  Pick<InputsOf<typeof TRUST_INPUTS>, 'trusted-root'> &
  InputsOf<typeof REGISTRY_INPUTS> & {
    readonly 'create-repository': InputsOf<{ readonly it: typeof CREATE_REPOSITORY }>['it'];
    readonly 'dry-run': InputsOf<{ readonly it: typeof DRY_RUN }>['it'];
  };

/**
 * The settings in the inputs, including the files that they name.
 * @throws ActionErrors of IGNOREFILE_INVALID and VEX_INVALID
 */
export async function publishSettings(
  inputs: Values,
  { given, env }: Pick<RuleFacts<InputsOf<typeof REGISTRY_INPUTS>>, 'given' | 'env'>,
  { workspace }: Runtime,
  own: Pick<PublishInputs, 'origin' | 'required' | 'byDigest'>,
): Promise<PublishInputs> {
  const registries = registrySettings(inputs);
  const { images, isDefault } = withDefaultImage(inputs.images, env);
  return {
    ...own,
    registries,
    createRepository: inputs['create-repository'],
    naming: { ...inputs, images: images.filter(({ enable }) => enable) },
    isDefaultImage: isDefault,
    scan: await scanInputs(inputs, registries, workspace),
    signing: signingOf(inputs, env),
    isSigningUnavailable: inputs.sign === 'auto' && inputs.push && signingOf(inputs, env) === undefined,
    copies: {
      layoutDirectory: inputs['layout-directory'],
      load: inputs.load,
      archives: inputs.export,
    },
    trustedRoots: inputs['trusted-root'].filter((line) => line !== '' && !line.startsWith('#')),
    push: inputs.push,
    dryRun: inputs['dry-run'],
    lacksCredentials: emptyCredentials(inputs, given).length > 0,
    ifPublished: inputs['if-published'],
  };
}
