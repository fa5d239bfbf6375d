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
import type { SignedScan } from './statements.ts';

/** The signer of this run; undefined without signing. @throws ActionError before the build */
export async function openSigner(
  runtime: Runtime,
  { signing, isSigningUnavailable }: PublishInputs,
  { event }: Naming,
  destinations: readonly Destination[],
  scan: () => Promise<SignedScan | undefined>,
  partial: PartialResult,
): Promise<ImageSigner | undefined> {
  if (isSigningUnavailable) {
    runtime.log.notice(
      '`sign: auto`: the image is not signed, because the job may not request an OIDC token (`id-token: write`).',
    );
  }
  if (signing === undefined) return undefined;
  const { openImageSigner } = await import('./sign.ts');
  return step(runtime, partial, 'Signer', () =>
    openImageSigner(runtime, signing, destinations, {
      scan,
      run: { url: event.runUrl, server: runtime.env.GITHUB_SERVER_URL || 'https://github.com' },
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
      const terms = { ...scanTermsOf(settings.terms), ...(isEased(partial) ? { baseline: true } : {}) };
      return {
        ...{ gateResult, terms, started, finished },
        scannerVersion: trivy.version,
        databaseDate: database?.updatedAt,
      };
    },
  };
}
