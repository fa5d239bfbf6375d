import { counted } from '../amount.ts';
import { type Digest, shortDigest } from '../digest.ts';
import type { GateResult as GateJudgement } from '../gate/policy.ts';
import { normalPlatform } from '../platform.ts';
import { quoted } from '../suggestion.ts';
import type { CommitRelation } from '../tags/moving.ts';
import { readHistory } from './history.ts';
import { judgeProvenance, type ProvenanceFacts } from './provenance.ts';
import type { StoredRecord } from './record.ts';
import { lengthOfTime, type ProvableRequirement, type Requirement, requirementText } from './requirement.ts';
import type { RequirementCheck } from './requirement-check.ts';
import type { ScanTerms } from './scan-terms.ts';
import type { UncountedRecord } from './uncounted.ts';

/** Facts about the image and the environments. Undefined values could not be determined, and satisfy no requirement. */
export interface Evidence {
  readonly digest: Digest;
  readonly platforms?: readonly PlatformEvidence[];
  readonly scan?: ScanEvidence;
  /** The result of each signature requirement, by its text. */
  readonly signatures?: ReadonlyMap<string, RequirementCheck>;
  /** What signed statements show for `sbom`, `provenance` and `scan`, by the text of the requirement. */
  readonly proofs?: ReadonlyMap<string, RequirementCheck>;
  /** By environment name. */
  readonly environments?: ReadonlyMap<string, EnvironmentEvidence>;
  /** Commit that the image was built from, a full id. */
  readonly commit?: string;
  /** Whether the branch contains the commit, by branch name. */
  readonly branches?: ReadonlyMap<string, 'contains' | 'lacks' | 'unknown'>;
  /** The image currently in the target environment. */
  readonly target?: TargetEvidence;
  /** A rollback may go to an older commit; it bypasses no other check. */
  readonly rollback?: boolean;
}

export interface PlatformEvidence {
  /** `linux/arm64` */
  readonly name: string;
  /** Number of packages in its SBOM; undefined without an SBOM of this platform. */
  readonly sbomPackages?: number;
  /** One per provenance of this platform. */
  readonly provenances: readonly ProvenanceFacts[];
}

export interface ScanEvidence {
  readonly passed: boolean;
  /** Milliseconds since the scan. */
  readonly age: number;
  /** Whether this run made it, with a current database. */
  readonly byThisRun: boolean;
  /** Such as `3 findings`. */
  readonly detail?: string;
  /** Findings of this run. */
  readonly gateResult?: GateJudgement;
  /** An earlier scan, for this run's record: records are not copied. */
  readonly earlier?: { readonly scan: ScanTerms; readonly scannedAt: string };
}

export interface EnvironmentEvidence {
  /** The current image of the environment's tag; `null`: the tag does not exist; undefined: not read. */
  readonly holds?: Digest | null;
  /** Of the repository that the image is promoted from. */
  readonly records: readonly StoredRecord[];
  /** Records that it pointed to this image, which do not count. */
  readonly uncounted?: readonly UncountedRecord[];
  /** Undefined: not requested, or not returned by GitHub. */
  readonly deployments?: readonly DeploymentEvidence[];
}

/** A deployment to the environment on GitHub. https://docs.github.com/en/rest/deployments/statuses */
export interface DeploymentEvidence {
  /** State of its last status: `success`, `failure`, `inactive`. */
  readonly state: string;
  /** Full commit id. */
  readonly commit: string;
  /** When its payload names the image. */
  readonly digest?: Digest;
}

export interface TargetEvidence {
  /** `null`: no image. */
  readonly holds: Digest | null;
  /** Commit of its image. */
  readonly commit?: string;
  /** `ahead`: the promoted commit is newer. */
  readonly relation?: CommitRelation;
}

/** The result of a requirement, with its text from the input. */
export type Judgement = { readonly name: string } & RequirementCheck;

/** Evaluates all requirements, in their order. */
export function judgeAll(requirements: readonly Requirement[], evidence: Evidence): readonly Judgement[] {
  return requirements.map((each) => ({ name: requirementText(each), ...judge(each, evidence) }));
}

/** Whether one requirement is met. An unknown result counts as not met. */
export function judge(requirement: Requirement, evidence: Evidence): RequirementCheck {
  switch (requirement.name) {
    case 'platforms':
      return judgePlatforms(requirement.platforms, evidence);
    case 'sbom':
      return proven(requirement, evidence, () => unsigned(judgeSbom(evidence)));
    case 'provenance':
      return proven(requirement, evidence, () =>
        unsigned(eachPlatform(evidence, (platform) => judgeProvenance(requirement, platform.provenances))),
      );
    case 'signature':
      return (
        evidence.signatures?.get(requirementText(requirement)) ?? refused('the signatures of the image were not read')
      );
    case 'scan':
      return proven(requirement, evidence, () => judgeScan(requirement.maxAge, evidence.scan));
    case 'deployed':
      return judgeDeployed(requirement.environment, evidence);
    case 'branch':
      return judgeBranch(requirement.branch, evidence);
    case 'not-older':
      return judgeOrder(evidence);
  }
}

/** A signed statement decides, if there is one; an unsigned one only where no proof is required. */
function proven(
  requirement: ProvableRequirement,
  { proofs }: Evidence,
  otherwise: () => RequirementCheck,
): RequirementCheck {
  const proof = proofs?.get(requirementText(requirement));
  if (requirement.proof !== undefined) return proof ?? refused('the signatures of the image were not read');
  return proof?.met === true ? proof : otherwise();
}

function unsigned(check: RequirementCheck): RequirementCheck {
  return check.met ? met(`${check.detail} (unsigned)`) : check;
}

const met = (detail: string): RequirementCheck => ({ met: true, detail });
const refused = (reason: string): RequirementCheck => ({ met: false, reason });

function judgePlatforms(wanted: readonly string[], { platforms }: Evidence): RequirementCheck {
  if (platforms === undefined) return refused('the platforms of the image were not read');
  const present = platforms.map(({ name }) => normalPlatform(name));
  const missing = wanted.filter((each) => !present.includes(normalPlatform(each)));
  const holds = `the image has ${present.join(', ') || 'no platform'}`;
  return missing.length > 0 || wanted.length === 0 ? refused(`${holds}, and not ${missing.join(', ')}`) : met(holds);
}

function judgeSbom(evidence: Evidence): RequirementCheck {
  return eachPlatform(evidence, ({ sbomPackages }) => {
    if (sbomPackages === undefined) return refused('there is no SBOM');
    return sbomPackages > 0
      ? met(`an SBOM of ${counted(sbomPackages, 'package')}`)
      : refused('its SBOM names no package at all');
  });
}

/** Met if every platform meets it, and there is at least one. */
function eachPlatform(
  { platforms }: Evidence,
  check: (platform: PlatformEvidence) => RequirementCheck,
): RequirementCheck {
  if (platforms === undefined) return refused('the attestations of the image were not read');
  if (platforms.length === 0) return refused('the image has no platform');
  const checked = platforms.map((platform) => ({ name: platform.name, check: check(platform) }));
  const wrong = checked.flatMap(({ name, check }) => (check.met ? [] : [`${name}: ${check.reason}`]));
  if (wrong.length > 0) return refused(wrong.join('; '));
  return met(checked.flatMap(({ name, check }) => (check.met ? [`${name}: ${check.detail}`] : [])).join('; '));
}

function judgeScan(maxAge: number | 'now', scan: ScanEvidence | undefined): RequirementCheck {
  if (scan === undefined) {
    return refused('this image has no gate result: publish with `attach-gate-result: true`, or require `scan=now`');
  }
  const { passed, age, byThisRun, detail } = scan;
  const what = detail === undefined ? '' : ` (${detail})`;
  if (!passed) return refused(`the scan has not passed${what}`);
  if (byThisRun) return met(`scanned by this run${what}`);
  if (maxAge === 'now') return refused('the image was not scanned by this run');
  // A time in the future means a wrong clock or a forged check.
  if (!(age >= 0)) return refused('the time of the scan is in the future or invalid');
  return age <= maxAge
    ? met(`scanned ${ago(age)} ago${what}, by an unsigned record`)
    : refused(`the scan was ${ago(age)} ago, and at most ${lengthOfTime(maxAge)} are allowed. Scan the image again`);
}

function judgeDeployed(environment: string, { digest, commit, environments }: Evidence): RequirementCheck {
  const found = environments?.get(environment);
  if (found === undefined) return refused(`nothing is known of the environment ${quoted(environment)}`);
  if (found.holds === digest) return met(`${environment} points to it now`);
  const { held, chain } = readHistory(environment, found.records, { holds: found.holds });
  if (held.has(digest)) return refused(`${environment} was rolled back from ${shortDigest(digest)}`);
  const record = chain.findLast((each) => each.digest === digest);
  if (record !== undefined) {
    const { signature } = record;
    const how =
      signature === undefined ? 'an unsigned promotion record' : `a promotion record signed by ${signature.identity}`;
    return met(`${environment} pointed to it at ${record.time}, by ${how}`);
  }
  const own = found.deployments?.filter((each) =>
    each.digest === undefined ? commit !== undefined && each.commit === commit : each.digest === digest,
  );
  if (own?.some(({ state }) => state === 'success')) return met(`a deployment of it to ${environment} was a success`);
  const state =
    own === undefined
      ? 'GitHub deployments could not be read (`github-token`, `deployments: read`)'
      : own[0] === undefined
        ? 'there is no deployment of it'
        : `its deployment is ${quoted(own[0].state)}`;
  const holds =
    found.holds === undefined
      ? `the tag of ${environment} was not read`
      : `${environment} points to ${found.holds === null ? 'nothing' : shortDigest(found.holds)}`;
  const [uncounted] = found.uncounted ?? [];
  const but = uncounted === undefined ? '' : ` (there is one that does not count: ${uncounted.reason})`;
  return refused(`${holds}, no promotion record shows that it pointed to ${shortDigest(digest)}${but}, and ${state}`);
}

function judgeBranch(branch: string, { commit, branches }: Evidence): RequirementCheck {
  if (commit === undefined) return refused('the image names no commit, so its branch cannot be determined');
  const relation = branches?.get(branch) ?? 'unknown';
  const short = commit.slice(0, 7);
  if (relation === 'contains') return met(`${short} is on ${branch}`);
  return refused(
    relation === 'lacks'
      ? `${short} is not on ${branch}`
      : `could not determine whether ${short} is on ${branch}; give \`github-token\` with \`contents: read\``,
  );
}

function judgeOrder({ digest, commit, target, rollback }: Evidence): RequirementCheck {
  if (rollback === true) return met('a rollback may go to an older commit');
  if (target === undefined)
    return refused('no tag shows what is in the environment: `to` names only tags that never move');
  if (target.holds === null) return met('the environment is empty');
  if (target.holds === digest) return met('the environment already has this image');
  if (commit === undefined) return refused('the image names no commit');
  if (target.commit === undefined) return refused('the image in the environment names no commit');
  const [own, held] = [commit.slice(0, 7), target.commit.slice(0, 7)];
  switch (target.relation ?? 'unknown') {
    case 'same':
      return met(`another build of ${own}`);
    case 'ahead':
      return met(`${own} comes after ${held}`);
    case 'behind':
      return refused(`the environment has ${held}, which is newer than ${own}. Use \`rollback: true\` to go back`);
    case 'diverged':
      return refused(`neither ${own} nor ${held}, the image in the environment, comes after the other`);
    case 'unknown':
      return refused(`could not determine whether ${own} comes after ${held}, the image in the environment`);
  }
}

/** In whole days, hours or minutes, rounded up so that an age never looks younger. */
function ago(age: number): string {
  const unit = [86_400_000, 3_600_000].find((each) => age >= each) ?? 60_000;
  return lengthOfTime(Math.ceil(Math.max(age, 1) / unit) * unit);
}
