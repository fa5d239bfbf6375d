import { type Digest, shortDigest } from '../digest.ts';
import { type GraphNode, type ImageGraph, imageGraph, PARTS_AND_REFERRERS, reachable } from './graph.ts';
import type { InUse } from './in-use.ts';
import type { RepositoryInventory } from './inventory.ts';
import type { PlanStep, RepositoryPlan } from './plan.ts';

type DeleteStep = Extract<PlanStep, { readonly action: 'delete' }>;

/** What of a plan still holds. */
export interface RecheckedSteps {
  /** What is to be done, in the order of the plan. */
  readonly steps: readonly PlanStep[];
  /** What changed since the plan was made, and stays. */
  readonly skipped: readonly SkippedStep[];
  /** What is done already, such as by a run that was interrupted. Where untagged manifests are not listed, a 404 tells instead. */
  readonly done: readonly PlanStep[];
  /** Why nothing at all may be done. */
  readonly stop?: string;
}

interface SkippedStep {
  readonly step: PlanStep;
  /** A fragment: `the tag moved to sha256:…`. */
  readonly reason: string;
}

/**
 * Compares the steps of a plan with what the repository has now. A tag that moved, a digest that got a tag, that became part of
 * something, that was attached to or is in use now stays, and so does what it needs. What is already gone counts as done.
 * @param now read again, right before the first write
 * @param inUse read again as well
 */
export function recheckSteps(
  plan: Pick<RepositoryPlan, 'repository' | 'steps'> & Partial<Pick<RepositoryPlan, 'manifests'>>,
  now: RepositoryInventory,
  inUse: InUse,
): RecheckedSteps {
  const [gap] = now.gaps;
  const [unreadable] = inUse.unreadable;
  const none = { steps: [], skipped: [], done: [] };
  if (gap !== undefined) return { ...none, stop: `${gap.what} ${gap.subject} could not be read (${gap.reason})` };
  if (unreadable !== undefined) {
    return { ...none, stop: `it is unknown what ${unreadable.source.where} uses (${unreadable.reason})` };
  }
  const graph = imageGraph(now);
  if (graph.dangling[0] !== undefined) {
    return { ...none, stop: `the tag ${graph.dangling[0].name} points to a digest that was not listed` };
  }
  const used = inUse.images.filter(({ repository }) => repository === plan.repository);
  const usedDigests = new Map(
    used.flatMap(({ digest, source }) => (digest === undefined ? [] : [[digest as string, source.where]])),
  );
  const usedTags = new Map(
    used.flatMap(({ tag, digest, source }) => {
      const name = tag ?? (digest === undefined ? 'latest' : undefined);
      return name === undefined ? [] : [[name, source.where]];
    }),
  );
  const tags = new Map(now.tags.map(({ name, digest }) => [name, digest]));
  const done: PlanStep[] = [];
  const reasons = new Map<PlanStep, string>();
  const going = new Map<GraphNode, PlanStep>();
  for (const step of plan.steps) {
    if (step.action === 'untag') {
      const points = tags.get(step.tag);
      const where = usedTags.get(step.tag) ?? usedDigests.get(step.digest);
      if (points === undefined) done.push(step);
      else if (points !== step.digest) reasons.set(step, `the tag moved to ${shortDigest(points)}`);
      else if (where !== undefined) reasons.set(step, `in use now: ${where}`);
      continue;
    }
    const node = graph.at.get(step.digest);
    if (node === undefined || node.manifest.presence === 'missing') {
      // Where only tags are listed, it may still be there without one: nothing that is listed needs it, so it goes.
      if (node !== undefined || now.traits.listsUntagged) done.push(step);
      else if (usedDigests.has(step.digest)) reasons.set(step, `in use now: ${usedDigests.get(step.digest)}`);
      else if (movedTag(step, tags) !== undefined) reasons.set(step, movedReason(step, tags));
      continue;
    }
    const live = [...node.tags, ...node.attachedTags].map(({ name }) => name);
    const added = live.find((name) => !step.tags.includes(name));
    const moved = movedTag(step, tags);
    const where =
      usedDigests.get(step.digest) ?? live.map((name) => usedTags.get(name)).find((place) => place !== undefined);
    if (added !== undefined) reasons.set(step, `it got the tag ${added}`);
    // Somebody works with these tags: what they pointed to may be wanted again.
    else if (moved !== undefined) reasons.set(step, movedReason(step, tags));
    else if (where !== undefined) reasons.set(step, `in use now: ${where}`);
    else going.set(node, step);
  }
  // What stays without being listed needs what the plan says: the graph of now does not have it.
  const unlisted = plan.steps.flatMap((step) => (reasons.has(step) && !graph.at.has(step.digest) ? step.digest : []));
  const byDigest = new Map(plan.steps.flatMap((step) => (step.action === 'delete' ? [[step.digest, step]] : [])));
  for (const [digest, by] of neededInPlan(plan.manifests ?? [], unlisted)) {
    const step = byDigest.get(digest);
    if (step === undefined || reasons.has(step)) continue;
    reasons.set(step, `it is needed by ${shortDigest(by)}`);
    const node = graph.at.get(digest);
    if (node !== undefined) going.delete(node);
  }
  for (const node of newAttachments(graph, plan.manifests)) {
    for (const subject of node.subjects) {
      const found = graph.at.get(subject);
      const step = found === undefined ? undefined : going.get(found);
      if (found === undefined || step === undefined) continue;
      reasons.set(step, `${shortDigest(node.manifest.digest)} was attached to it`);
      going.delete(found);
    }
  }
  const staying = graph.nodes.filter((node) => !going.has(node) && node.manifest.presence !== 'missing');
  const needed = reachable(graph, staying, PARTS_AND_REFERRERS);
  for (const [node, step] of going) {
    if (needed[node.index] === 1) reasons.set(step, `it is needed by ${neededBy(node, needed)}`);
  }
  const isDone = new Set(done);
  return {
    steps: plan.steps.filter((step) => !reasons.has(step) && !isDone.has(step)),
    skipped: plan.steps.flatMap((step) => {
      const reason = reasons.get(step);
      return reason === undefined ? [] : [{ step, reason }];
    }),
    done,
  };
}

/** What was attached since the plan: somebody who signs an image means to use it. */
function newAttachments({ nodes }: ImageGraph, planned: RepositoryPlan['manifests'] | undefined): readonly GraphNode[] {
  if (planned === undefined) return [];
  const known = new Set<string>(planned.map(({ digest }) => digest));
  return nodes.filter(({ manifest, subjects }) => subjects.length > 0 && !known.has(manifest.digest));
}

/** A tag of a step that points to something else now. */
function movedTag(step: DeleteStep, tags: ReadonlyMap<string, Digest>): string | undefined {
  return step.tags.find((name) => tags.has(name) && tags.get(name) !== step.digest);
}

function movedReason(step: DeleteStep, tags: ReadonlyMap<string, Digest>): string {
  const name = movedTag(step, tags) ?? '';
  return `its tag ${name} moved to ${shortDigest(tags.get(name) ?? '')}`;
}

/** What some digests consist of and what is attached to it, by the plan, each with what needs it. */
function neededInPlan(manifests: RepositoryPlan['manifests'], digests: readonly Digest[]): ReadonlyMap<Digest, Digest> {
  const found = new Map<Digest, Digest>();
  if (digests.length === 0) return found;
  const children = new Map(manifests.map((each) => [each.digest, each.children ?? []]));
  const attached = Map.groupBy(manifests, ({ subject }) => subject);
  const open = [...digests];
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    const next = [...(children.get(digest) ?? []), ...(attached.get(digest) ?? []).map((each) => each.digest)];
    for (const each of next) {
      if (found.has(each) || digests.includes(each)) continue;
      found.set(each, digest);
      open.push(each);
    }
  }
  return found;
}

function neededBy({ parents, manifest }: GraphNode, needed: Uint8Array): string {
  const parent = parents.find(({ index }) => needed[index] === 1);
  if (parent !== undefined) return parent.tags[0]?.name ?? shortDigest(parent.manifest.digest);
  return manifest.subject === undefined ? 'something that stays' : shortDigest(manifest.subject);
}
