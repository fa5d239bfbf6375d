import { ActionError } from '../../errors/action-error.ts';
import { scanTermsOf } from '../../inputs/gate.ts';
import { step } from '../../run/progress.ts';
import type { Scanner } from '../../run/scan.ts';
import type { Destination } from '../../run/targets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { isEased } from './attach-gate-result.ts';
import type { Naming } from './naming.ts';
import type { PartialResult } from './partial-result.ts';
import type { PublishInputs } from './settings.ts';
import type { ImageSigner } from './sign.ts';
import type { SigningInputs } from './signing-inputs.ts';
import type { SignedScan } from './statements.ts';

/**
 * How this run signs. With `sign: auto`, a private repository is signed only where an instance of Sigstore is named:
 * GitHub's own needs Enterprise Cloud, and the public one would publish the names of repository and workflow.
 * @throws ActionError SIGNING_NOT_PERMITTED
 */
export async function decideSigning(
  runtime: Runtime,
  { signing, isSigningUnavailable, dryRun }: PublishInputs,
): Promise<SigningInputs | undefined> {
  // No annotation: `auto` is the default, and most jobs never asked for a signature.
  if (isSigningUnavailable) {
    runtime.log.info('The image is not signed: the job may not request an OIDC token (`id-token: write`).');
  }
  if (signing?.kind !== 'keyless' || !signing.isAuto || signing.config !== undefined || dryRun) return signing;
  const { readJobToken } = await import('../../run/signing.ts');
  const token = await readJobToken(runtime);
  if (token?.repository_visibility === 'public') return signing;
  runtime.log.info(
    'The image is not signed: the repository is not public. `sign: keyless` signs with the Sigstore instance of GitHub Enterprise Cloud, `signing-config` names another one.',
  );
  return undefined;
}

/** The signer of this run; undefined without signing. @throws ActionError before the build */
export async function openSigner(
  runtime: Runtime,
  signing: SigningInputs | undefined,
  { registries: { githubToken } }: Pick<PublishInputs, 'registries'>,
  { event }: Naming,
  destinations: readonly Destination[],
  scan: () => Promise<SignedScan | undefined>,
  partial: PartialResult,
): Promise<ImageSigner | undefined> {
  if (signing === undefined) return undefined;
  const { openImageSigner } = await import('./sign.ts');
  const { owner, name } = event.repository;
  const isStored = signing.kind === 'keyless' && signing.isStoredOnGitHub;
  if (isStored && githubToken === undefined) {
    throw new ActionError('INPUT_INVALID', '`github-attestations` needs `github-token`, with `attestations: write`.', {
      facts: { input: 'github-attestations' },
    });
  }
  const store =
    isStored && githubToken !== undefined ? { apiUrl: event.apiUrl, owner, name, token: githubToken } : undefined;
  return step(runtime, partial, 'Signer', () =>
    openImageSigner(runtime, signing, destinations, {
      scan,
      run: { url: event.runUrl, server: runtime.env.GITHUB_SERVER_URL || 'https://github.com' },
      store,
      names: destinations.map(({ repository: { host, name } }) => `${host}/${name}`),
    }),
  );
}

/** Records when the gate ran, and returns the statements about it afterwards. */
export function watchScan(
  { clock }: Runtime,
  { scan: { settings } }: PublishInputs,
  scanner: (() => Promise<Scanner>) | undefined,
  partial: PartialResult,
) {
  let started = clock.now();
  let finished = started;
  return {
    during: async (gate: () => Promise<void>): Promise<void> => {
      started = clock.now();
      await gate();
      finished = clock.now();
    },
    facts: async (): Promise<SignedScan | undefined> => {
      const { gateResult } = partial;
      if (gateResult === undefined || scanner === undefined) return undefined;
      const { trivy, database } = await scanner();
      const earlier = gateResult.platforms.flatMap(({ scannedAt }) =>
        scannedAt === undefined ? [] : [new Date(scannedAt)],
      );
      const first = [started, ...earlier].toSorted((a, b) => a.getTime() - b.getTime())[0] ?? started;
      const terms = { ...scanTermsOf(settings.terms), ...(isEased(partial) ? { baseline: true } : {}) };
      return {
        ...{ gateResult, terms, started: first, finished },
        scannerVersion: trivy.version,
        databaseDate: database?.updatedAt,
      };
    },
  };
}
