import type { Digest } from '../../domain/digest.ts';
import { PREDICATES, statementName, statementNames } from '../../domain/trust/predicates.ts';
import {
  type SignedStatement,
  signerText,
  type VerificationPolicy,
  type WantedSigner,
} from '../../domain/trust/verification.ts';
import type { NamedImage } from '../../domain/trust/verification-subject.ts';
import { ActionError, throwAll, toActionError } from '../../errors/action-error.ts';
import { verifySignedImage } from '../../evidence/platform-statements.ts';
import type { SignatureReader, SignaturesOfImage } from '../../evidence/signatures.ts';
import type { Repository } from '../../oci/client/repository.ts';
import { openRegistries, type Registry } from '../../run/open-registries.ts';
import { type OpenTrust, openTrust } from '../../run/trust.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { describePolicy, type VerifyInputs } from './inputs.ts';
import { failedVerify, type VerifiedImage, type VerifyResult } from './result.ts';

/** What all images are verified with. */
interface Verification {
  readonly inputs: VerifyInputs;
  readonly signaturesOf: OpenTrust['signaturesOf'];
  readonly signers: readonly WantedSigner[];
}

/**
 * `command: verify`: finds what is signed about each image, and decides whether it is enough. Every image is looked at, whatever
 * became of the others. Never throws.
 */
export async function verify(
  runtime: Runtime,
  inputs: VerifyInputs,
  warnings: readonly string[],
): Promise<VerifyResult> {
  try {
    const hosts = inputs.images.map(({ reference }) => reference.host);
    const registries = await openRegistries(runtime, inputs.registries, hosts, runtime.env.GITHUB_ACTOR ?? '');
    // The libraries and the trusted root load while the registries answer.
    const [{ signaturesOf, signers }, resolved] = await Promise.all([
      openTrust(runtime, inputs.trust),
      Promise.allSettled(inputs.images.map((image) => resolveImage(image, registries.get(image.reference.host)))),
    ]);
    const verification: Verification = {
      inputs,
      signaturesOf,
      signers: [...signers, ...(inputs.notation === undefined ? [] : [{ kind: 'notation' } as const])],
    };
    runtime.log.info(
      `Required of each image: ${statementNames(inputs.predicateTypes).join(', ')}, ${describePolicy(inputs)}.`,
    );
    const tried = await Promise.allSettled(
      resolved.map(async (image) => {
        if (image.status === 'rejected') throw image.reason;
        return verifyImage(runtime, verification, image.value);
      }),
    );
    const errors = tried.flatMap((each) => (each.status === 'rejected' ? [toActionError(each.reason)] : []));
    const images = tried.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    for (const image of images) report(runtime, image);
    const unverified = images.filter(({ verified }) => !verified).map(unverifiedError);
    if (errors.length + unverified.length > 0) {
      return {
        ...failedVerify(runtime.signal.aborted ? runtime.signal.reason : combined([...errors, ...unverified])),
        warnings,
        images,
      };
    }
    return { outcome: 'verified', errors: [], warnings, images };
  } catch (error) {
    return { ...failedVerify(runtime.signal.aborted ? runtime.signal.reason : error), warnings };
  }
}

function combined(errors: readonly ActionError[]): unknown {
  try {
    throwAll(errors);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** An image by digest, however it was named. */
interface ResolvedImage {
  readonly name: string;
  readonly image: string;
  readonly digest: Digest;
  readonly registry: Registry;
  readonly repository: Repository;
}

/** Resolves a tag once: everything that follows is about this digest, even if the tag moves. */
async function resolveImage(
  { reference, version, digest: wanted }: NamedImage,
  registry: Registry | undefined,
): Promise<ResolvedImage> {
  const name = `${reference.familiarName}${wanted === undefined ? ':' : '@'}${version}`;
  if (registry === undefined) throw new ActionError('INTERNAL', `${reference.host} was not opened.`);
  const repository = registry.client.repository(reference.repository);
  const found = await repository.head(version);
  if (found !== undefined) return { name, image: reference.familiarName, digest: found.digest, registry, repository };
  throw new ActionError('MANIFEST_UNKNOWN', `${name} does not exist, so it cannot be verified.`, {
    facts: { registry: reference.host, repository: reference.repository, reference: version, operation: 'read' },
  });
}

async function verifyImage(
  runtime: Runtime,
  { inputs, signaturesOf, signers }: Verification,
  { name, image, digest, registry, repository }: ResolvedImage,
): Promise<VerifiedImage> {
  const policy: VerificationPolicy = {
    digest,
    signers,
    predicateTypes: inputs.predicateTypes,
    ...(inputs.maxAge === undefined ? {} : { maxAge: inputs.maxAge }),
    now: runtime.clock.now(),
  };
  const { verified, requirements } = await verifySignedImage(repository, open, policy);
  return { name, image, digest, verified, requirements };

  /** Notary signatures are about the image as it was named. */
  function open(about: Digest): SignatureReader {
    const signatures = signaturesOf(repository)(about);
    if (about !== digest) return signatures;
    return {
      ...signatures,
      all: async () => {
        const found = await signatures.all();
        for (const problem of found.unread) runtime.log.warning(problem);
        const notary = await notarySignatures(runtime, inputs, registry, repository.name, found, digest);
        return {
          ...found,
          signed: [...found.signed, ...notary.signed],
          rejected: [...found.rejected, ...notary.rejected],
        };
      },
    };
  }
}

/** Notary signatures are checked by notation, and only where a trust policy asks for them. */
async function notarySignatures(
  runtime: Runtime,
  { notation }: VerifyInputs,
  { host, client, credentials }: Registry,
  repository: string,
  { notary }: SignaturesOfImage,
  digest: Digest,
): Promise<Pick<SignaturesOfImage, 'signed' | 'rejected'>> {
  const [manifest] = notary;
  if (notation === undefined || manifest === undefined) return { signed: [], rejected: [] };
  const { installTool } = await import('../../tools/installer.ts');
  const { NOTATION } = await import('../../tools/notation/release.ts');
  const { verifyWithNotation } = await import('../../tools/notation/run.ts');
  const tool = await installTool(runtime, NOTATION, { sha256: notation.sha256 });
  const login = await credentials();
  const result = await verifyWithNotation(runtime, tool, notation, {
    repository: `${host}/${repository}`,
    digest,
    login: login?.kind === 'password' ? login : undefined,
    plainHttp: client.origin.startsWith('http:'),
  });
  const common = { format: 'Notary signature', manifest } as const;
  if (!result.verified) return { signed: [], rejected: [{ ...common, reason: result.reason }] };
  const signed: SignedStatement = {
    ...common,
    signer: { kind: 'notation', identity: result.identities.join(' or ') },
    predicateType: PREDICATES.signature,
    subjects: [digest],
    predicate: {},
  };
  return { signed: [signed], rejected: [] };
}

/** An image as it was named, and what it points to; the digest only once. */
function withDigest(name: string, digest: string): string {
  return name.endsWith(digest) ? name : `${name} (${digest})`;
}

function report({ log }: Runtime, { name, digest, requirements }: VerifiedImage): void {
  for (const { predicateType, met, reasons } of requirements) {
    const what = `${withDigest(name, digest)}: ${statementName(predicateType)}`;
    if (met === undefined) log.info(`${what}: not verified. ${reasons.join(' ')}`);
    else log.info(`${what}: ${signerText(met)}${met.time === undefined ? '' : `, ${met.time.toISOString()}`}`);
  }
}

function unverifiedError({ name, digest, requirements }: VerifiedImage): ActionError {
  const lines = requirements
    .filter(({ met }) => met === undefined)
    .flatMap(({ predicateType, reasons }) => [
      `- ${statementName(predicateType)}:`,
      ...reasons.map((reason) => `  ${reason}`),
    ]);
  return new ActionError('UNVERIFIED', [`${withDigest(name, digest)} could not be verified:`, ...lines].join('\n'));
}
