import { canonicalJson } from '../../canonical-json.ts';
import { fieldsOf, isFields } from '../../fields.ts';
import { parseTagPattern } from '../../patterns/tag-pattern.ts';
import { compileEcr, type EcrRule } from '../../retention/native/ecr-lifecycle-policy.ts';
import { OWN_RULE, patternRegex, protectedTags } from '../../retention/native/native.ts';
import type { CleanupPolicy, RepositoryPolicy } from '../../retention/policy.ts';
import { entriesFor } from '../../retention/repository-match.ts';
import { compared, denied, isDue, type Part, type Reading, unsupported } from '../compare.ts';
import type { DesiredRepository, Given, RepositorySettings, Retention } from '../desired-state.ts';
import type { Json } from '../json.ts';
import type { Principal } from '../principal.ts';
import { settingId } from '../setting.ts';
import type { EcrRequest } from './request.ts';

const MAX_LENGTH = 30_720;

/** Lets `aws.lifecyclePolicy` replace a policy of another owner. */
export const REPLACE = 'replaceLifecyclePolicy';

interface RetentionContext {
  readonly host: string;
  readonly owner: string;
  readonly isPulledByLambda: boolean;
  readonly after: readonly string[];
}

/** The lifecycle policy that a file asks for: its text, and the rules of the cleanup policy that ECR cannot express. */
interface Lifecycle {
  /** Undefined: nothing can be expressed. */
  readonly text: string | undefined;
  readonly left: readonly { readonly rule: string; readonly reason: string }[];
  /** Regular expressions of tags whose images must not expire. */
  readonly spared: readonly string[];
}

/** The lifecycle policy of a repository. It is one document, so that of another owner is replaced only if the file allows it. */
export function planRetention(
  repository: DesiredRepository,
  live: Reading<string | null>,
  context: RetentionContext,
): Part<EcrRequest> {
  const { name: subject, settings } = repository;
  const wanted = lifecycleOf(subject, settings, context);
  if (wanted === undefined) return { settings: [] };
  const { line, replaces, lifecycle } = wanted;
  const name = { subject, name: 'retention', line };
  if (!live.ok) return { settings: [denied(name, rulesOf(lifecycle?.text ?? null), live.reason)] };
  const left = (lifecycle?.left ?? []).map(({ rule, reason }) =>
    unsupported(
      { ...name, name: `retention ${rule}` },
      rule,
      `Amazon ECR cannot apply this rule: ${reason}. \`command: cleanup\` with the same policy applies it.`,
      settings.accept,
    ),
  );
  const should = lifecycle === null ? null : lifecycle.text;
  if (should === undefined) return { settings: left };
  const byAge = should !== null && context.isPulledByLambda;
  if (byAge) {
    const reason =
      'AWS Lambda pulls from this repository, and what a function runs is not counted as a pull: its image would expire. Write `retention: none` for it.';
    return { settings: [unsupported(name, rulesOf(should), reason, settings.accept), ...left] };
  }
  const setting = compared(name, rulesOf(live.value), rulesOf(should));
  const isForeign = live.value !== null && !isOurs(live.value, context.owner);
  if (setting.action === 'change' && isForeign && !replaces) {
    const reason = foreignReason(live.value ?? '', settings.retention === undefined);
    return { settings: [{ ...setting, action: 'kept-foreign', reason }, ...left] };
  }
  if (!isDue(setting)) return { settings: [setting, ...left] };
  const request: EcrRequest =
    should === null
      ? { operation: 'DeleteLifecyclePolicy', input: { repositoryName: subject } }
      : {
          operation: 'PutLifecyclePolicy',
          input: { repositoryName: subject, lifecyclePolicyText: should },
          before: live.value,
          spared: lifecycle?.spared ?? [],
        };
  const { after } = context;
  return {
    settings: [setting, ...left],
    steps: [
      {
        id: `${subject} retention`,
        subject,
        settings: [settingId(setting)],
        request,
        ...(after.length === 0 ? {} : { after }),
      },
    ],
  };
}

interface WantedLifecycle {
  readonly line: number;
  readonly replaces: boolean;
  /** null: none. */
  readonly lifecycle: Lifecycle | null;
}

/** From a cleanup policy, or as the file writes it itself. */
export function lifecycleOf(
  repository: string,
  { retention, own }: RepositorySettings<readonly Principal[], Retention>,
  { host, owner }: Pick<RetentionContext, 'host' | 'owner'>,
): WantedLifecycle | undefined {
  const written = ownLifecycle(own);
  if (written !== undefined) {
    const text = typeof written.value === 'string' ? written.value : JSON.stringify(written.value);
    const replaces = own.get('aws')?.get(REPLACE)?.value === true;
    return { line: written.line, replaces, lifecycle: { text: withMark(text, owner), left: [], spared: [] } };
  }
  if (retention === undefined) return undefined;
  const { line, value } = retention;
  if (value === null) return { line, replaces: true, lifecycle: null };
  return { line, replaces: value.replace, lifecycle: compiled(`${host}/${repository}`, value, owner) };
}

/** `aws.lifecyclePolicy`, or by the name of the request's field. */
export function ownLifecycle(own: DesiredRepository['settings']['own']): Given<Json> | undefined {
  const fields = own.get('aws');
  return fields?.get('lifecyclePolicy') ?? fields?.get('lifecyclePolicyText');
}

function compiled(repository: string, { policy, from }: Retention, owner: string): Lifecycle {
  const entries = entriesFor(policy, repository);
  const [entry] = entries;
  if (entry === undefined)
    return { text: undefined, left: [{ rule: from, reason: 'no `match` of it names this repository' }], spared: [] };
  if (entries.length > 1)
    return {
      text: undefined,
      left: [{ rule: from, reason: 'several entries of it name this repository' }],
      spared: [],
    };
  const guarded = withEnvironments(policy, entry);
  const { document, rules } = compileEcr(policy, guarded);
  const left = rules.flatMap(({ rule, fit, reason }) => (fit === 'impossible' ? [{ rule, reason }] : []));
  if (document === undefined) return { text: undefined, left, spared: [] };
  const spared = protectedTags(policy, guarded).flatMap((each) => patternRegex(each) ?? []);
  const marked = document.rules.map(({ rulePriority, selection, action }) => ({
    rulePriority,
    description: `${markOf(owner)}${described(selection)}`,
    selection,
    action,
  }));
  const text = JSON.stringify({ rules: marked });
  if (text.length <= MAX_LENGTH) return { text, left, spared };
  return {
    text: undefined,
    spared: [],
    left: [{ rule: from, reason: `it comes to ${text.length} characters, and Amazon ECR takes ${MAX_LENGTH}` }],
  };
}

/** How the description of a rule begins that belongs to a file. */
const markOf = (owner: string) => `setup-${owner}: `;

/** A policy that the file writes itself, with the mark of its owner in the description of each rule. */
function withMark(text: string, owner: string): string {
  const mark = markOf(owner);
  const document = fieldsOf(JSON.parse(text));
  const rules = Array.isArray(document.rules) ? document.rules.filter(isFields) : [];
  return JSON.stringify({
    ...document,
    rules: rules.map(({ rulePriority, description, ...rest }) => {
      const words =
        typeof description === 'string' && description !== '' ? description : `rule ${String(rulePriority)}`;
      return { rulePriority, description: words.startsWith(mark) ? words : `${mark}${words}`, ...rest };
    }),
  });
}

function foreignReason(live: string, isWrittenHere: boolean): string {
  const consent = isWrittenHere
    ? `\`aws: {lifecyclePolicy: …, ${REPLACE}: true}\``
    : '`retention: {from: …, replace: true}`';
  return live.includes(JSON.stringify(OWN_RULE).slice(0, -1))
    ? `\`command: cleanup\` set the lifecycle policy in force, and a repository has one. Write \`engine: client\` in its policy, or leave \`retention\` out here. ${consent} replaces it.`
    : `Another lifecycle policy is in force, and a repository has one: write ${consent} to replace it.`;
}

/** The tags of the environments that the policy asks about: an image that one of them names is in use. */
function withEnvironments(policy: CleanupPolicy, entry: RepositoryPolicy): RepositoryPolicy {
  const names = policy.inUse.flatMap((each) =>
    each.kind === 'promotions' || each.kind === 'github-deployments' ? each.environments : [],
  );
  const patterns = names.flatMap((name) => {
    const pattern = parseTagPattern(name);
    return pattern.ok ? [pattern.value] : [];
  });
  return { ...entry, protect: { ...entry.protect, tags: [...entry.protect.tags, ...patterns] } };
}

function described({ tagStatus, tagPatternList = [], countType, countNumber }: EcrRule['selection']): string {
  const what = tagStatus === 'tagged' ? tagPatternList.join(', ') : tagStatus;
  return countType === 'sinceImagePushed' ? `${what} after ${countNumber} days` : `${what} stays`;
}

/** The rules by priority, as data; null: no policy. */
function rulesOf(text: string | null): Json {
  if (text === null) return null;
  try {
    const { rules } = fieldsOf(JSON.parse(text));
    if (!Array.isArray(rules)) return text;
    return rules
      .filter(isFields)
      .toSorted((a, b) => Number(a.rulePriority) - Number(b.rulePriority))
      .map((rule) => {
        const { description: _description, ...rest } = rule;
        const plain: Json = JSON.parse(canonicalJson(rest));
        return plain;
      });
  } catch {
    return text;
  }
}

function isOurs(text: string, owner: string): boolean {
  try {
    const { rules } = fieldsOf(JSON.parse(text));
    return (
      Array.isArray(rules) &&
      rules.length > 0 &&
      rules.every((rule) => String(fieldsOf(rule).description).startsWith(markOf(owner)))
    );
  } catch {
    return false;
  }
}
