import { canonicalParts, type HashParts } from '../canonical-json.ts';
import { type Digest, isDigest } from '../digest.ts';
import { type Fields, isFields } from '../fields.ts';
import { type Parsed, parsed, problems } from '../parsed.ts';
import { CHANGED_PLAN, parsePlanFile } from '../plan-file.ts';
import { quoted } from '../suggestion.ts';
import { isTag } from '../tags/grammar.ts';
import { wrongInNativeRules } from './native/rules-plan.ts';
import { type CleanupPlan, PLAN_VERSION } from './plan.ts';

/** The digest of a plan, by which people and runs refer to it. */
export function planDigest(plan: CleanupPlan, hash: HashParts): Digest {
  return hash(canonicalParts(plan));
}

/**
 * The plan as a file, in pieces: `{"digest": …, "plan": …}`, canonical, so that the same plan is the same file byte for byte.
 * @param digest see {@link planDigest}
 */
export function* planParts(plan: CleanupPlan, digest: Digest): Generator<string> {
  yield `{"digest":${JSON.stringify(digest)},"plan":`;
  yield* canonicalParts(plan);
  yield '}\n';
}

/**
 * Reads the file of a plan. Nothing in it is believed: the digest has to fit, and every write has to be one that the plan's own
 * decisions name.
 * @param expected what apply is about to do it with: the digest of its policy
 */
export function parsePlan(
  text: string,
  hash: HashParts,
  expected: { readonly policyDigest: Digest },
): Parsed<CleanupPlan> {
  const file = parsePlanFile(text, 'cleanup');
  if (!file.ok) return file;
  const { plan, digest } = file.value;
  if (plan.version !== PLAN_VERSION) {
    return problems(
      `The plan has version ${quoted(String(plan.version))}, expected ${PLAN_VERSION}. Plan again with this version of the action.`,
    );
  }
  if (hash(canonicalParts(plan)) !== digest) {
    return problems(CHANGED_PLAN);
  }
  if (plan.policyDigest !== expected.policyDigest) {
    return problems(
      'The plan was made with another policy than the one given now. Plan again, or apply with the policy of the plan.',
    );
  }
  const wrong = wrongInPlan(plan);
  return isSound(plan, wrong) ? parsed(plan) : problems(`The plan is damaged: ${wrong}. Plan again.`);
}

/** Every field that apply reads has been checked; the rest is for people. */
function isSound(_plan: Fields, wrong: string | undefined): _plan is Fields & CleanupPlan {
  return wrong === undefined;
}

/** Checks the shape of a plan, and that its steps match its decisions. Returns what is wrong. */
function wrongInPlan(value: Fields): string | undefined {
  const { repositories, problems: list, plannedAt } = value;
  if (typeof plannedAt !== 'string' || Number.isNaN(Date.parse(plannedAt))) return '`plannedAt` is no time';
  if (!Array.isArray(repositories) || !areProblems(list)) return '`repositories` or `problems` is no list';
  const wrongRules = wrongInNativeRules(value.nativeRules, areProblems);
  if (wrongRules !== undefined) return wrongRules;
  const names = new Set<unknown>();
  for (const repository of repositories) {
    const wrong = isFields(repository) ? wrongInRepository(repository) : 'a repository is no map';
    if (wrong !== undefined) return wrong;
    if (names.has(repository.repository)) return `${quoted(String(repository.repository))} occurs twice`;
    names.add(repository.repository);
  }
  return undefined;
}

function areProblems(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (each) =>
        isFields(each) &&
        ['stop', 'error', 'warning'].includes(String(each.severity)) &&
        typeof each.message === 'string',
    )
  );
}

function wrongInRepository(value: Fields): string | undefined {
  const { repository, tags, manifests, steps, totals } = value;
  if (typeof repository !== 'string' || repository === '') return 'a repository has no name';
  const where = `in ${quoted(repository)}, `;
  if (!Array.isArray(tags) || !Array.isArray(manifests) || !Array.isArray(steps) || !isFields(totals)) {
    return `${where}\`tags\`, \`manifests\`, \`steps\` or \`totals\` is missing`;
  }
  if (!areProblems(value.problems)) return `${where}\`problems\` is no list`;
  const { leftovers = [] } = value;
  if (!Array.isArray(leftovers) || !leftovers.every((tag) => typeof tag === 'string' && isTag(tag))) {
    return `${where}\`leftovers\` is no list of tags`;
  }
  const untags = new Map<string, string>();
  const keptTags = new Map<string, number>();
  for (const tag of tags) {
    if (!isFields(tag) || typeof tag.tag !== 'string' || !isTag(tag.tag) || !isDigest(tag.digest)) {
      return `${where}a tag has no name or no digest`;
    }
    if (tag.action === 'untag') untags.set(tag.tag, tag.digest);
    if (tag.action !== 'delete') keptTags.set(tag.digest, (keptTags.get(tag.digest) ?? 0) + 1);
  }
  const deletes = new Map<string, readonly unknown[]>();
  for (const manifest of manifests) {
    if (!isFields(manifest) || !isDigest(manifest.digest) || !Array.isArray(manifest.tags)) {
      return `${where}a manifest has no digest or no \`tags\``;
    }
    if (manifest.action === 'delete') deletes.set(manifest.digest, manifest.tags);
  }
  const hasStop =
    Array.isArray(value.problems) && value.problems.some((each) => isFields(each) && each.severity === 'stop');
  if (hasStop && steps.length > 0) return `${where}there are steps although a problem stops it`;
  for (const step of steps) {
    const wrong = isFields(step) ? wrongInStep(step, untags, deletes, keptTags) : 'a step is no map';
    if (wrong !== undefined) return `${where}${wrong}`;
  }
  return undefined;
}

function wrongInStep(
  step: Fields,
  untags: Map<string, string>,
  deletes: Map<string, readonly unknown[]>,
  keptTags: ReadonlyMap<string, number>,
): string | undefined {
  const { action, digest, tag, tags } = step;
  if (!isDigest(digest)) return 'a step has no digest';
  if (action === 'untag') {
    if (typeof tag !== 'string' || untags.get(tag) !== digest)
      return `no decision removes the tag ${quoted(String(tag))}`;
    untags.delete(tag);
    return undefined;
  }
  if (action !== 'delete' || !Array.isArray(tags)) return `a step is ${quoted(String(action))}`;
  const planned = deletes.get(digest);
  if (planned === undefined) return `no decision deletes ${digest}`;
  if (keptTags.has(digest)) return `${digest} is to be deleted although a tag of it stays`;
  if (tags.length !== planned.length || !tags.every((name) => planned.includes(name)))
    return `the tags of ${digest} differ`;
  deletes.delete(digest);
  return undefined;
}
