import { type Digest, shortDigest } from '../digest.ts';
import type { GateResult as GateJudgement } from '../gate/policy.ts';
import { normalPlatform } from '../platform.ts';
import { quoted } from '../suggestion.ts';
import type { CommitRelation } from '../tags/moving.ts';
import { readHistory } from './history.ts';
import { judgeProvenance, type ProvenanceFacts } from './provenance.ts';
import type { StoredRecord } from './record.ts';
import type { RequirementCheck } from './requirement-check.ts';
import { lengthOfTime, type Requirement, requirementText } from './requirements.ts';
import type { ScanTerms } from './scan-terms.ts';

/** What is known of the image and of the environments. What is undefined was not found out, and then nothing is met by it. */
export interface Evidence {
  readonly digest: Digest;
  readonly platforms?: readonly PlatformEvidence[];
  readonly scan?: ScanEvidence;
  /** What each requirement of a signature came to, by its text. */
  readonly signatures?: ReadonlyMap<string, RequirementCheck>;
  /** By name of the environment. */
  readonly environments?: ReadonlyMap<string, EnvironmentEvidence>;
  /** Commit that the image was built from, a full id. */
  readonly commit?: string;
  /** Whether the commit is in the history of a branch, by name of the branch. */
  readonly branches?: ReadonlyMap<string, 'contains' | 'lacks' | 'unknown'>;
  /** What the environment that is promoted to holds now. */
  readonly target?: TargetEvidence;
  /** A rollback may go to an older commit; nothing else is let pass by it. */
  readonly rollback?: boolean;
}

export interface PlatformEvidence {
  /** `linux/arm64` */
  readonly name: string;
  /** Packages that its SBOM names; undefined when there is no SBOM of this very platform. */
  readonly sbomPackages?: number;
  /** One for each provenance of this very platform. */
  readonly provenances: readonly ProvenanceFacts[];
}

export interface ScanEvidence {
  readonly passed: boolean;
  /** Milliseconds since the scan. */
  readonly age: number;
  /** Whether this run has made it, with the database of today. */
  readonly byThisRun: boolean;
  /** Such as `3 findings`. */
  readonly detail?: string;
  /** What this run found. */
  readonly gateResult?: GateJudgement;
  /** An earlier scan, as a record of this run hands it on: records are not copied. */
  readonly earlier?: { readonly scan: ScanTerms; readonly scannedAt: string };
}

export interface EnvironmentEvidence {
  /** What the tag of the environment holds now; `null`: there is no such tag; undefined: not read. */
  readonly holds?: Digest | null;
  /** Of the repository that the image is promoted from. */
  readonly records: readonly StoredRecord[];
  /** Undefined: GitHub was not asked, or does not tell. */
  readonly deployments?: readonly DeploymentEvidence[];
}

/** A deployment to the environment of the environment. https://docs.github.com/en/rest/deployments/statuses */
export interface DeploymentEvidence {
  /** Of its last status: `success`, `failure`, `inactive`. */
  readonly state: string;
  /** Full commit id. */
  readonly commit: string;
  /** When its payload names the image. */
  readonly digest?: Digest;
}

export interface TargetEvidence {
  /** `null`: it holds nothing. */
  readonly holds: Digest | null;
  /** Commit of what it holds. */
  readonly commit?: string;
  /** `ahead`: the promoted commit is the newer one. */
  readonly relation?: CommitRelation;
}

/** What a requirement came to, with the requirement as the input has it. */
export type Judgement = { readonly name: string } & RequirementCheck;

/** Judges all requirements, in their order. */
export function judgeAll(requirements: readonly Requirement[], evidence: Evidence): readonly Judgement[] {
  return requirements.map((each) => ({ name: requirementText(each), ...judge(each, evidence) }));
}

/** Whether one requirement is met. What cannot be told is not met. */
export function judge(requirement: Requirement, evidence: Evidence): RequirementCheck {
  switch (requirement.name) {
    case 'platforms':
      return judgePlatforms(requirement.platforms, evidence);
    case 'sbom':
      return judgeSbom(evidence);
    case 'provenance':
      return eachPlatform(evidence, (platform) => judgeProvenance(requirement, platform.provenances));
    case 'signature':
      return (
        evidence.signatures?.get(requirementText(requirement)) ?? refused('the signatures of the image were not read')
      );
    case 'scan':
      return judgeScan(requirement.maxAge, evidence.scan);
    case 'deployed':
      return judgeDeployed(requirement.environment, evidence);
    case 'branch':
      return judgeBranch(requirement.branch, evidence);
    case 'not-older':
      return judgeOrder(evidence);
  }
}

const met = (detail: string): RequirementCheck => ({ met: true, detail });
const refused = (reason: string): RequirementCheck => ({ met: false, reason });

function judgePlatforms(wanted: readonly string[], { platforms }: Evidence): RequirementCheck {
  if (platforms === undefined) return refused('the platforms of the image were not read');
  const present = platforms.map(({ name }) => normalPlatform(name));
  const missing = wanted.filter((each) => !present.includes(normalPlatform(each)));
  const holds = `the image holds ${present.join(', ') || 'no platform'}`;
  return missing.length > 0 || wanted.length === 0 ? refused(`${holds}, and not ${missing.join(', ')}`) : met(holds);
}

function judgeSbom(evidence: Evidence): RequirementCheck {
  return eachPlatform(evidence, ({ sbomPackages }) => {
    if (sbomPackages === undefined) return refused('there is no SBOM');
    return sbomPackages > 0
      ? met(`an SBOM of ${sbomPackages} package${sbomPackages === 1 ? '' : 's'}`)
      : refused('its SBOM names no package at all');
  });
}

/** Met when it is met on every platform, and there is one. */
function eachPlatform(
  { platforms }: Evidence,
  check: (platform: PlatformEvidence) => RequirementCheck,
): RequirementCheck {
  if (platforms === undefined) return refused('the attestations of the image were not read');
  if (platforms.length === 0) return refused('the image holds no platform');
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
  // A time that lies ahead is a clock that is wrong, or a check that was made up.
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
  if (record !== undefined)
    return met(`${environment} pointed to it at ${record.time}, by an unsigned promotion record`);
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
      ? `what ${environment} holds was not read`
      : `${environment} holds ${found.holds === null ? 'nothing' : shortDigest(found.holds)}`;
  return refused(`${holds}, there is no record that it held ${shortDigest(digest)}, and ${state}`);
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
    return refused('no tag says what the environment holds: `to` names only tags that never move');
  if (target.holds === null) return met('the environment holds nothing yet');
  if (target.holds === digest) return met('the environment holds this image');
  if (commit === undefined) return refused('the image names no commit');
  if (target.commit === undefined) return refused('what the environment holds names no commit');
  const [own, held] = [commit.slice(0, 7), target.commit.slice(0, 7)];
  switch (target.relation ?? 'unknown') {
    case 'same':
      return met(`another build of ${own}`);
    case 'ahead':
      return met(`${own} comes after ${held}`);
    case 'behind':
      return refused(`the environment holds ${held}, which is newer than ${own}. Use \`rollback: true\` to go back`);
    case 'diverged':
      return refused(`neither ${own} nor ${held}, which the environment holds, comes after the other`);
    case 'unknown':
      return refused(`could not determine whether ${own} comes after ${held}, which the environment holds`);
  }
}

/** In whole days, hours or minutes, rounded up: an age is never made to look younger. */
function ago(age: number): string {
  const unit = [86_400_000, 3_600_000].find((each) => age >= each) ?? 60_000;
  return lengthOfTime(Math.ceil(Math.max(age, 1) / unit) * unit);
}
