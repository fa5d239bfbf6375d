import type { Digest } from '../../domain/digest.ts';
import { fieldsOf } from '../../domain/fields.ts';
import { isIndexType, type ManifestBytes } from '../../domain/manifest.ts';
import type { EnvironmentState, ImageSignature } from '../../domain/report/drift.ts';
import { type CountedRecords, lastPromotion } from '../../domain/report/recorded-promotion.ts';
import { PREDICATES } from '../../domain/trust/predicates.ts';
import { signerText } from '../../domain/trust/verification.ts';
import { ActionError } from '../../errors/action-error.ts';
import { createRecords, type ReadRecords } from '../../evidence/environment-history.ts';
import { readRecorded } from '../../evidence/image-origin.ts';
import { hasSignature } from '../../evidence/signatures.ts';
import type { Repository } from '../../oci/client/repository.ts';
import type { OpenTarget } from '../../run/inventory/open-targets.ts';
import { recordVerifier } from '../../run/record-verifier.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { EnvironmentReference } from './environments.ts';
import type { ReportInputs } from './inputs.ts';

/** What is known beyond the tags, each read once for all environments. */
interface Evidence {
  readonly records: ReadRecords;
  readonly counted: CountedRecords;
  /** Undefined without accepted signers. */
  readonly verify: ((repository: Repository, digest: Digest) => Promise<ImageSignature>) | undefined;
}

/** Signatures are verified if signers are named; what that needs is loaded with the first image. */
export function openEvidence(runtime: Runtime, { trust, recordTrust }: ReportInputs): Evidence {
  const { asked, identities, repositories } = recordTrust;
  const counted = asked === 'auto' && identities.length + repositories.length > 0 ? 'signed' : asked;
  const verifier = recordVerifier(runtime, {
    ...{ identities, repositories, issuer: trust.issuer, trustedRoots: trust.trustedRoots },
  });
  return {
    records: createRecords(runtime.clock.now, counted === 'any' ? undefined : verifier),
    counted,
    verify: trust.identities.length + trust.keys.length === 0 ? undefined : signatureVerifier(runtime, trust),
  };
}

function signatureVerifier(runtime: Runtime, trust: ReportInputs['trust']): NonNullable<Evidence['verify']> {
  const open = async () => {
    const [{ openTrust }, { verifySignedImage }] = await Promise.all([
      import('../../run/trust.ts'),
      import('../../evidence/platform-statements.ts'),
    ]);
    return { ...(await openTrust(runtime, trust)), verifySignedImage };
  };
  let opened: ReturnType<typeof open> | undefined;
  return async (repository, digest) => {
    opened ??= open();
    const { signaturesOf, signers, verifySignedImage } = await opened;
    const policy = { digest, signers, predicateTypes: [PREDICATES.signature], now: runtime.clock.now() };
    const { requirements } = await verifySignedImage(repository, signaturesOf(repository), policy);
    const [signature] = requirements;
    return signature?.met === undefined
      ? { isVerified: false, reason: signature?.reasons.join(' ') ?? 'There is no signature.' }
      : { isVerified: true, by: signerText(signature.met) };
  };
}

/**
 * Reads what an environment runs in one repository.
 * @param promoted other images there that have promotion records
 * @throws ActionError CANCELLED
 */
export async function readEnvironmentState(
  environment: EnvironmentReference,
  { name, target }: OpenTarget,
  evidence: Evidence,
  promoted: readonly Digest[],
): Promise<EnvironmentState> {
  const { repository, vendor } = target;
  const reference = `${name.name}:${environment.tag}`;
  const common = { name: environment.name, reference };
  try {
    const head = await repository.head(environment.tag);
    if (head === undefined) return { ...common, state: 'absent' };
    const present = { ...common, state: 'present', digest: head.digest } as const;
    // Docker Hub counts manifests as pulls, and HEAD as none.
    if (vendor.reading?.manifests === 'avoided') return present;
    const root = await repository.get(head.digest);
    return root === undefined
      ? present
      : { ...present, ...(await readDetails(environment, repository, root, evidence, promoted)) };
  } catch (error) {
    return { ...common, state: 'unknown', reason: whyUnread(error) };
  }
}

/** What the registry has about an image. Each part may be unknown without the others. */
async function readDetails(
  { name }: EnvironmentReference,
  repository: Repository,
  root: ManifestBytes,
  { records, counted, verify }: Evidence,
  promoted: readonly Digest[],
) {
  const unread: string[] = [];
  const known = async <T>(what: string, task: Promise<T>): Promise<T | undefined> => {
    try {
      return await task;
    } catch (error) {
      unread.push(`${what}: ${whyUnread(error)}`);
      return undefined;
    }
  };
  const { digest } = root.descriptor;
  const origin = await known('commit and version', readRecorded(repository, root, ['revision', 'version']));
  const isSigned = await known('signatures', hasSignature(repository, digest));
  const signature =
    verify === undefined ? undefined : await known('verification of signatures', verify(repository, digest));
  const checked = await known('promotion records', recordsOf(repository, records, [digest, ...promoted]));
  const last = checked === undefined ? undefined : lastPromotion(name, checked, counted);
  const platforms = platformsOf(root);
  unread.push(...(checked?.problems ?? []));
  return {
    ...(origin?.revision === undefined ? {} : { revision: origin.revision }),
    ...(origin?.version === undefined ? {} : { version: origin.version }),
    ...(platforms === undefined ? {} : { platforms }),
    ...(isSigned === undefined ? {} : { hasSignature: isSigned }),
    ...(signature === undefined ? {} : { signature }),
    ...(last?.promoted === undefined ? {} : { promoted: last.promoted }),
    ...(last === undefined || last.uncounted.length === 0 ? {} : { uncountedRecords: last.uncounted }),
    ...(unread.length === 0 ? {} : { unread }),
  };
}

/**
 * The promotion records of several images. The newest one of an environment may be attached to another image than the
 * environment's: a tag that something else moved shows in nothing else.
 */
async function recordsOf(repository: Repository, records: ReadRecords, images: readonly Digest[]) {
  const found = [];
  for (const image of new Set(images)) found.push(await records(repository, image));
  return {
    verified: found.flatMap(({ own }) => own),
    uncounted: found.flatMap(({ uncounted }) => uncounted),
    problems: found.flatMap(({ problems }) => problems),
  };
}

/** Platforms of an index, sorted; undefined for a manifest of one platform. */
function platformsOf({ descriptor, bytes }: ManifestBytes): readonly string[] | undefined {
  if (!isIndexType(descriptor.mediaType)) return undefined;
  const parsed: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  const { manifests } = fieldsOf(parsed);
  const entries: readonly unknown[] = Array.isArray(manifests) ? manifests : [];
  const found = entries.flatMap((entry) => {
    const { os, architecture, variant } = fieldsOf(fieldsOf(entry).platform);
    if (typeof os !== 'string' || os === 'unknown') return [];
    return [[os, architecture, variant].filter((part) => typeof part === 'string' && part !== '').join('/')];
  });
  return [...new Set(found)].toSorted();
}

/** Mistakes in inputs and in the files that they name fail the run. */
const MISTAKES: readonly string[] = ['INPUT_INVALID', 'TRUSTED_ROOT_INVALID'];

/** @throws what is no failure to read */
function whyUnread(error: unknown): string {
  if (!(error instanceof ActionError) || error.code === 'CANCELLED' || MISTAKES.includes(error.code)) throw error;
  return error.message.split('\n', 1)[0] ?? '';
}
