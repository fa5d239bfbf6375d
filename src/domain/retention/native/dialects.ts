import { fieldsOf, isFields } from '../../fields.ts';
import { parsed, problems } from '../../parsed.ts';
import { acrPurgeCommand, compileAcr, evaluateAcr } from './acr.ts';
import { compileArtifactRegistry, evaluateArtifactRegistry, type GarPolicy } from './artifact-registry.ts';
import { atMost, compiled, type Dialect, isSame, missingFrom } from './dialect.ts';
import { compileEcr, evaluateEcr } from './ecr-lifecycle-policy.ts';
import { compileGitlab, evaluateGitlab } from './gitlab.ts';
import { compileHarbor, evaluateHarbor } from './harbor.ts';
import { OWN_GAR_POLICY, OWN_RULE } from './native.ts';
import { compileZot, evaluateZot } from './zot.ts';

/** A list of rules in a document that the registry or a plan has. */
const rulesIn = (document: unknown, key = 'rules'): readonly unknown[] => {
  const list = fieldsOf(document)[key];
  return Array.isArray(list) ? list : [];
};

const isOwnEcr = (rule: unknown): boolean => String(fieldsOf(rule).description ?? '').startsWith(OWN_RULE);

/** One command sets the rules of a repository: two would take each other's for rules of others, at every run. */
const SET_BY_SETUP =
  '`command: setup` set the present rules; write `engine: client`, or leave `retention` out of its file';
const OF_SETUP = /^setup-[^:]+: /;
const isOfSetup = (rule: unknown): boolean => OF_SETUP.test(String(fieldsOf(rule).description ?? ''));

/** https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html */
const ECR: Dialect = {
  title: 'lifecycle policy',
  install: 'registry',
  isForWholeScope: false,
  compile: (policy, own) => compiled(compileEcr(policy, own), evaluateEcr),
  // The order of rules matters, so ours and those of others cannot be mixed.
  combine: (live, documents) => {
    const [own] = documents.values();
    if (own !== undefined && rulesIn(live).some(isOfSetup)) return problems(SET_BY_SETUP);
    if (own !== undefined) return parsed(own);
    const others = rulesIn(live).filter((rule) => !isOwnEcr(rule));
    return parsed(others.length === 0 ? null : { rules: others });
  },
  lost: (live, after) =>
    missingFrom(
      rulesIn(live).filter((rule) => !isOwnEcr(rule)),
      rulesIn(after),
    ),
};

const MAX_GAR_POLICIES = 10;

/** https://docs.cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories#CleanupPolicy */
const ARTIFACT_REGISTRY: Dialect = {
  title: 'cleanup policies',
  install: 'registry',
  isForWholeScope: true,
  compile: (policy, own) => {
    const { document, rules, evaluate } = compiled(compileArtifactRegistry(policy, own), evaluateArtifactRegistry);
    if (!Array.isArray(document)) return { rules, evaluate };
    return { rules, evaluate, document: Object.fromEntries(document.map(garEntry)) };
  },
  combine: (live, documents) => {
    const { cleanupPolicies, cleanupPolicyDryRun } = fieldsOf(live);
    const others = Object.entries(fieldsOf(cleanupPolicies)).filter(([id]) => !id.startsWith(OWN_GAR_POLICY));
    const [own] = documents.values();
    if (own !== undefined && others.some(([id]) => id.startsWith('setup-'))) return problems(SET_BY_SETUP);
    const all = atMost(MAX_GAR_POLICIES, 'Artifact Registry', [...others, ...Object.entries(fieldsOf(own))]);
    if (!all.ok) return all;
    if (all.value.length === 0) return parsed(null);
    // Policies of others that run dry are not to take effect because of ours.
    const isDry = others.length > 0 && cleanupPolicyDryRun === true;
    return parsed({ cleanupPolicies: Object.fromEntries(all.value), cleanupPolicyDryRun: isDry });
  },
  lost: () => [],
  isWithoutEffect: (live, after) => isSame(live, { ...fieldsOf(after), cleanupPolicyDryRun: true }),
  inert: (after) =>
    fieldsOf(after).cleanupPolicyDryRun === true
      ? 'the repository has `cleanupPolicyDryRun`, so Google only logs what it would delete'
      : undefined,
};

/** A cleanup policy as the API has it. */
function garEntry({ name, action, condition, mostRecentVersions }: GarPolicy): readonly [string, unknown] {
  const id = `${OWN_GAR_POLICY}${name}`;
  const { tagState, ...others } = condition ?? {};
  return [
    id,
    {
      id,
      action: action.type.toUpperCase(),
      ...(condition === undefined
        ? {}
        : { condition: { ...(tagState === undefined ? {} : { tagState: tagState.toUpperCase() }), ...others } }),
      ...(mostRecentVersions === undefined ? {} : { mostRecentVersions }),
    },
  ];
}

const MAX_HARBOR_RULES = 15;
/** Every day at midnight, in the six fields of Harbor. */
const DAILY = '0 0 0 * * *';

/** The only repository that a rule is about; undefined for a pattern. */
function harborRepository(rule: unknown): string | undefined {
  const { repository } = fieldsOf(fieldsOf(rule).scope_selectors);
  const [selector, ...more] = Array.isArray(repository) ? repository : [];
  const { decoration, pattern } = fieldsOf(selector);
  const isOne = more.length === 0 && decoration === 'repoMatches' && typeof pattern === 'string';
  return isOne && !/[*?{[]/.test(pattern) ? pattern : undefined;
}

/** Rules are for a project. Those about other repositories stay; a pattern can only retain more. */
const HARBOR: Dialect = {
  title: 'tag retention',
  install: 'registry',
  isForWholeScope: false,
  compile: (policy, own, name) => compiled(compileHarbor(policy, own, name), evaluateHarbor),
  combine: (live, documents, names) => {
    const others = rulesIn(live).filter((rule) => !names.includes(harborRepository(rule) ?? ''));
    const own = [...documents.values()].flatMap((document) => rulesIn(document));
    const all = atMost(MAX_HARBOR_RULES, 'Harbor', [...others, ...own]);
    if (!all.ok) return all;
    if (all.value.length === 0) return parsed(null);
    // Rules of others that run by hand only are not to run by themselves because of ours.
    const { schedule } = fieldsOf(live);
    const cron = typeof schedule === 'string' && others.length > 0 ? schedule : schedule || DAILY;
    return parsed({ algorithm: 'or', rules: all.value, schedule: cron });
  },
  lost: (live, after) => missingFrom(rulesIn(live), rulesIn(after)),
  isWithoutEffect: (live, after) => isSame(live, { ...fieldsOf(after), schedule: '' }),
  inert: (after) =>
    fieldsOf(after).schedule === ''
      ? 'the rules of others in the project have no schedule, so Harbor runs them by hand only'
      : undefined,
};

/** A task of a registry is made by the management API of Azure, which the registry's credentials do not reach. */
const ACR: Dialect = {
  title: 'purge task',
  install: {
    export:
      'The registry cannot set this itself: run the commands once with the Azure CLI and the right to make tasks, or put them into your infrastructure code.',
  },
  isForWholeScope: false,
  compile: (policy, own, name) => {
    const found = compileAcr(policy, own);
    const { document } = found;
    const { rules, evaluate } = compiled(found, evaluateAcr);
    if (document === undefined) return { rules, evaluate };
    const { purge, retentionDays } = document;
    return {
      rules,
      evaluate,
      document: {
        ...(purge.length === 0
          ? {}
          : { task: purge.map((each) => acrPurgeCommand(each, name)), schedule: '0 3 * * *' }),
        ...(retentionDays === undefined ? {} : { retentionDays }),
      },
    };
  },
  combine: (_, documents) => parsed(documents.size === 0 ? null : Object.fromEntries(documents)),
  lost: () => [],
};

/** zot reads its rules from its configuration. */
const ZOT: Dialect = {
  title: 'retention of zot',
  install: {
    export:
      'This registry has no API for rules. If it is zot, put this under `storage.retention` of its configuration and restart it.',
  },
  isForWholeScope: false,
  compile: (policy, own, name) => compiled(compileZot(policy, own, [name]), evaluateZot),
  combine: (_, documents) => {
    const all = [...documents.values()].filter(isFields);
    const policies = all.flatMap((document) => rulesIn(document, 'policies'));
    // One delay is for all: the longest one keeps longest.
    const hours = all.map(({ delay }) => Number(/^(\d+)h$/.exec(String(delay))?.[1] ?? 24));
    return parsed(all.length === 0 ? null : { delay: `${Math.max(...hours)}h`, policies });
  },
  lost: () => [],
};

/** GitLab's policy is one for a project, and needs a token of its API. */
const GITLAB: Dialect = {
  title: 'expiration policy of GitLab',
  install: {
    export:
      'This registry has no API for rules that its credentials reach. If it is GitLab, and all images of the project are to be cleaned up this way, send this as `container_expiration_policy_attributes` with `PUT /projects/:id`, or enter it under Settings → Packages and registries.',
  },
  isForWholeScope: false,
  compile: (policy, own) => compiled(compileGitlab(policy, own), evaluateGitlab),
  combine: (_, documents) => parsed(documents.size === 0 ? null : Object.fromEntries(documents)),
  lost: () => [],
};

const DIALECTS: Readonly<Record<string, Dialect>> = {
  ecr: ECR,
  'artifact-registry': ARTIFACT_REGISTRY,
  harbor: HARBOR,
  acr: ACR,
  distribution: ZOT,
};

/**
 * The dialect of a vendor, by the ids of `src/registries`; undefined where the registry deletes nothing by itself.
 * @param host tells the registries apart that have no API of their own; their rules are only shown
 */
export function dialectOf(vendor: string, host = ''): Dialect | undefined {
  if (vendor === 'distribution' && host.includes('gitlab')) return GITLAB;
  return Object.hasOwn(DIALECTS, vendor) ? DIALECTS[vendor] : undefined;
}
