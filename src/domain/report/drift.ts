import { type Digest, shortDigest } from '../digest.ts';

/** What one environment runs, as far as it could be found out. */
export interface EnvironmentState {
  readonly name: string;
  /** In full: `ghcr.io/org/app:staging`. */
  readonly reference: string;
  /** `present`, `absent`: no such tag; `unknown`: it could not be read, and nothing is concluded from that. */
  readonly state: 'present' | 'absent' | 'unknown';
  /** Why it is unknown: a sentence. */
  readonly reason?: string;
  readonly digest?: Digest;
  /** Commit that the image names as its source. */
  readonly revision?: string;
  readonly version?: string;
  readonly pushedAt?: string;
  readonly platforms?: readonly string[];
  /** Whether anything that looks like a signature is attached; absent: not known. */
  readonly hasSignature?: boolean;
  /** Whether an accepted signer signed it; absent: no signer is named, or it is not known. */
  readonly signature?: ImageSignature;
  /** By the newest promotion record that counts in this repository; absent: there is none, or records were not readable. */
  readonly promoted?: RecordedPromotion;
  /** Promotion records that do not count, and why: sentences. */
  readonly uncountedRecords?: readonly string[];
  /** What could not be read or verified about it: sentences. */
  readonly unread?: readonly string[];
}

/** What verifying the signature of an image showed. */
export type ImageSignature =
  | { readonly isVerified: true; readonly by: string }
  | { readonly isVerified: false; readonly reason: string };

/** A promotion, as its record in the registry tells it. */
export interface RecordedPromotion {
  readonly digest: Digest;
  /** ISO 8601. */
  readonly at: string;
  readonly by: string;
  readonly run: string;
  /** Whether a job in that environment signed the record. Otherwise anyone with push access could have written it. */
  readonly isVerified: boolean;
  /** The workflow that signed it. */
  readonly signedBy?: string;
}

/** The kinds of drift. All but `behind` need a person: an environment is behind the one before it between two promotions. */
export const DRIFT_KINDS = {
  behind: 'The later environment runs an older commit or version than the one before it.',
  ahead: 'The later environment runs a newer commit or version than the one before it: it was not promoted from there.',
  diverged: 'Neither commit contains the other.',
  different: 'The digests differ, and nothing shows which is newer.',
  rebuilt: 'The same commit with another digest: what was tested is not what runs.',
  platforms: 'The platforms differ.',
  unsigned:
    'The earlier environment has a signature attached to its image, the later one has none. With `signer-identity` or `signer-key`: none of these signed the image.',
  moved: 'The tag does not point to what its last promotion record names: something else moved it.',
  replica: 'Repositories of the same name have different images under the same tag.',
  missing: 'The tag of the environment does not exist.',
} as const satisfies Readonly<Record<string, string>>;
export type DriftKind = keyof typeof DRIFT_KINDS;

/** A difference between environments. */
export interface Drift {
  readonly kind: DriftKind;
  /** The repository without tag, or the environment's own name where repositories differ. */
  readonly image: string;
  /** Environments, or references of replicas. */
  readonly from: string;
  readonly to: string;
  /** One sentence. */
  readonly detail: string;
}

/** How the commit of the later environment relates to that of the earlier one. */
export type CommitRelation = 'ahead' | 'behind' | 'diverged';

/** What could be compared, for metrics: a kind that could not be checked is neither present nor absent. */
interface DriftCheck {
  readonly image: string;
  readonly from: string;
  readonly to: string;
  readonly kind: DriftKind;
  readonly isPresent: boolean;
}

export interface DriftReport {
  readonly drifts: readonly Drift[];
  readonly checks: readonly DriftCheck[];
}

/**
 * Compares the environments of one image, in the order of promotion.
 * @param relate how the second commit relates to the first; undefined when unknown
 * @param compareVersions negative when the first is older; undefined when the texts are no versions
 */
export function environmentDrift(
  image: string,
  environments: readonly EnvironmentState[],
  relate: (earlier: string, later: string) => CommitRelation | undefined,
  compareVersions: (a: string, b: string) => number | undefined,
): DriftReport {
  const drifts: Drift[] = [];
  const checks: DriftCheck[] = [];
  const check = (kind: DriftKind, from: string, to: string, detail: string | undefined) => {
    checks.push({ image, from, to, kind, isPresent: detail !== undefined });
    if (detail !== undefined) drifts.push({ kind, image, from, to, detail });
  };
  for (const each of environments) {
    const { name, reference, state, digest, promoted, signature } = each;
    if (state === 'unknown') continue;
    check('missing', name, name, state === 'absent' ? `${reference} does not exist.` : undefined);
    if (signature !== undefined)
      check(
        'unsigned',
        name,
        name,
        signature.isVerified ? undefined : `${reference} is not signed as required: ${signature.reason}`,
      );
    if (digest === undefined || promoted === undefined) continue;
    check('moved', name, name, movedDetail(each, digest, promoted));
  }
  const present = environments.filter(({ state }) => state === 'present');
  for (const [at, later] of present.entries()) {
    const earlier = present[at - 1];
    if (earlier?.digest === undefined || later.digest === undefined) continue;
    const order = orderOf(earlier, later, relate, compareVersions);
    const say = (kind: DriftKind, isPresent: boolean | undefined, detail: string) => {
      if (isPresent !== undefined) check(kind, earlier.name, later.name, isPresent ? detail : undefined);
    };
    const names = `${later.name} has ${nameOf(later)}, ${earlier.name} has ${nameOf(earlier)}`;
    say('behind', order.isKnown ? order.is === 'behind' : undefined, `${names}.`);
    say('ahead', order.isKnown ? order.is === 'ahead' : undefined, `${names}.`);
    say('diverged', order.isKnown ? order.is === 'diverged' : undefined, `${names}: neither contains the other.`);
    say(
      'rebuilt',
      order.isKnown ? order.is === 'rebuilt' : undefined,
      `${names}, both built from ${short(later.revision)}.`,
    );
    say('different', !order.isKnown, `${names}; nothing shows which is newer.`);
    const { platforms: a } = earlier;
    const { platforms: b } = later;
    if (a !== undefined && b !== undefined && a.length > 0 && b.length > 0) {
      const missing = a.filter((each) => !b.includes(each));
      const added = b.filter((each) => !a.includes(each));
      const parts = [
        ...(missing.length > 0 ? [`lacks ${missing.join(', ')}`] : []),
        ...(added.length > 0 ? [`also has ${added.join(', ')}`] : []),
      ];
      say('platforms', parts.length > 0, `${later.name} ${parts.join(' and ')}, compared with ${earlier.name}.`);
    }
    if (later.signature === undefined && earlier.hasSignature === true && later.hasSignature !== undefined) {
      say(
        'unsigned',
        !later.hasSignature,
        `${later.reference} has no signature attached; ${earlier.reference} has one.`,
      );
    }
  }
  return { drifts, checks };
}

function movedDetail(
  { name }: EnvironmentState,
  digest: Digest,
  promoted: NonNullable<EnvironmentState['promoted']>,
): string | undefined {
  if (promoted.digest === digest) return undefined;
  return `${name} points to ${shortDigest(digest)}; its last promotion record${promoted.isVerified ? '' : ' (not verified)'}, of ${promoted.at} by ${promoted.by}, names ${shortDigest(promoted.digest)}.`;
}

type Order =
  | { readonly isKnown: true; readonly is: 'same' | 'behind' | 'ahead' | 'diverged' | 'rebuilt' }
  | { readonly isKnown: false };

function orderOf(
  earlier: EnvironmentState,
  later: EnvironmentState,
  relate: (earlier: string, later: string) => CommitRelation | undefined,
  compareVersions: (a: string, b: string) => number | undefined,
): Order {
  if (earlier.digest === later.digest) return { isKnown: true, is: 'same' };
  const { revision: a, version: v = '' } = earlier;
  const { revision: b, version: w = '' } = later;
  if (a !== undefined && b !== undefined) {
    if (a === b) return { isKnown: true, is: 'rebuilt' };
    const relation = relate(a, b);
    if (relation !== undefined) return { isKnown: true, is: relation };
  }
  const compared = v === '' || w === '' ? undefined : compareVersions(w, v);
  if (compared === undefined || compared === 0) return { isKnown: false };
  return { isKnown: true, is: compared < 0 ? 'behind' : 'ahead' };
}

function nameOf({ version, revision, digest }: EnvironmentState): string {
  const name = version ?? (revision === undefined ? undefined : short(revision));
  const id = digest === undefined ? '' : shortDigest(digest);
  return name === undefined ? id : `${name} (${id})`;
}

const short = (revision = '') => revision.slice(0, 12);

/** Compares one tag in repositories of the same name, such as replicas of a registry in several regions. */
export function replicaDrift(name: string, replicas: readonly EnvironmentState[]): DriftReport {
  const [first, ...others] = replicas.filter(({ state }) => state !== 'unknown');
  if (first === undefined) return { drifts: [], checks: [] };
  const found = others.map((each) => {
    const isPresent = each.digest !== first.digest;
    const detail = `${first.reference} is ${first.digest === undefined ? 'absent' : shortDigest(first.digest)}, ${each.reference} is ${each.digest === undefined ? 'absent' : shortDigest(each.digest)}.`;
    return { kind: 'replica' as const, image: name, from: first.reference, to: each.reference, isPresent, detail };
  });
  return {
    drifts: found.filter(({ isPresent }) => isPresent).map(({ isPresent: _isPresent, ...drift }) => drift),
    checks: found.map(({ detail: _detail, ...check }) => check),
  };
}
