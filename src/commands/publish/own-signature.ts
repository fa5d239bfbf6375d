import { type Digest, shortDigest } from '../../domain/digest.ts';
import type { Fields } from '../../domain/fields.ts';
import { PREDICATES } from '../../domain/trust/predicates.ts';
import type { WantedSigner } from '../../domain/trust/verification.ts';
import { ActionError } from '../../errors/action-error.ts';
import { verifySignedImage } from '../../evidence/platform-statements.ts';
import { openSignatures } from '../../evidence/signatures.ts';
import { readJobToken } from '../../run/signing.ts';
import { loadTrustedRoots } from '../../run/sigstore.ts';
import type { Destination } from '../../run/targets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { createBundleChecker } from '../../sigstore/verify-bundle.ts';

/**
 * Why an image in another repository was not signed by this very workflow for this commit, as the end of a sentence;
 * undefined when it was. Push access to that repository would otherwise be enough to add an image to all others (P13).
 * Whatever cannot be checked counts as not signed: the image is then built.
 * @throws ActionError CANCELLED
 */
export async function notSignedByUs(
  runtime: Runtime,
  trustedRoots: readonly string[],
  { repository, image }: Destination,
  digest: Digest,
): Promise<string | undefined> {
  try {
    const token = await readJobToken(runtime);
    if (token === undefined) {
      return 'the job may not request an OIDC token (`id-token: write`), so its own signatures are unknown';
    }
    const check = await createBundleChecker({ roots: await loadTrustedRoots(runtime, trustedRoots), keys: [] });
    const policy = {
      digest,
      signers: [ownSigner(token, runtime.env.GITHUB_SERVER_URL || 'https://github.com')],
      predicateTypes: [PREDICATES.signature],
      now: runtime.clock.now(),
    };
    const open = (about: Digest) => openSignatures(repository, about, check);
    const { verified, requirements } = await verifySignedImage(repository, open, policy);
    if (verified) {
      runtime.log.info(`${image}@${shortDigest(digest)} was signed by this workflow for this commit.`);
      return undefined;
    }
    return requirements
      .flatMap(({ reasons }) => reasons)
      .join(' ')
      .replace(/\.$/, '');
  } catch (error) {
    runtime.signal.throwIfAborted();
    if (!(error instanceof ActionError)) throw error;
    return `its signature could not be checked: ${error.message.replace(/\.$/, '')}`;
  }
}

/** The identity of this job: another trigger on the same branch may run the code of a pull request. */
function ownSigner(token: Fields, server: string): WantedSigner {
  const text = (name: string) => String(token[name]);
  return {
    kind: 'identity',
    issuer: text('iss'),
    identity: { kind: 'exact', text: `${server}/${text('job_workflow_ref')}` },
    repository: `${server}/${text('repository')}`,
    repositoryId: text('repository_id'),
    commit: text('sha'),
    triggers: [text('event_name')],
  };
}
