import { byText } from '../compare-text.ts';
import { shortDigest } from '../digest.ts';
import type { Duration } from './duration.ts';
import { type GraphNode, type ImageGraph, tagNames } from './graph.ts';
import type { RegistryTraits } from './inventory.ts';
import { goes, type Item } from './items.ts';
import type { ManifestDecision, PlanProblem, Reason, TagDecision } from './plan.ts';
import type { RootOutcome } from './root-outcome.ts';

export interface DecisionInput {
  readonly graph: ImageGraph;
  readonly outcomes: readonly RootOutcome[];
  /** By index of the node. */
  readonly isDeleted: Uint8Array;
  /** Nodes that stay by themselves, with the reason. */
  readonly protection: ReadonlyMap<GraphNode, Reason>;
  /** The age from which orphans go. */
  readonly orphans: Duration | undefined;
  readonly traits: RegistryTraits;
  /** Nothing may be written in this repository. */
  readonly stop: boolean;
}

const STOPPED: Reason = { code: 'stopped', text: 'nothing is deleted in this repository, see its problems' };
const UNMATCHED: Reason = { code: 'unmatched', text: 'no rule selects it' };

/** A decision with its reason for every tag and every manifest, in the order of names and of digests. */
export function decisionsOf(input: DecisionInput): {
  readonly tags: readonly TagDecision[];
  readonly manifests: readonly ManifestDecision[];
  readonly problems: readonly PlanProblem[];
} {
  const { graph, outcomes, isDeleted, traits, stop } = input;
  const byNode = new Map(outcomes.map((outcome) => [outcome.node, outcome]));
  const tags: TagDecision[] = graph.dangling.map(({ name, digest }) => ({
    tag: name,
    digest,
    action: 'keep',
    reason: STOPPED,
  }));
  const blocked: string[] = [];
  const manifests = graph.nodes.map((node): ManifestDecision => {
    const isGone = isDeleted[node.index] === 1;
    const outcome = byNode.get(node);
    const reason = manifestReason(node, outcome, isGone, input);
    const { digest } = node.manifest;
    const losesAll = !isGone && outcome?.action === 'delete';
    const isBlocked = losesAll && !stop && traits.lastTagDeletesDigest;
    if (isBlocked) blocked.push(...node.tags.map(({ name }) => name));
    for (const item of outcome?.items ?? []) {
      if (item.tag !== undefined) tags.push(tagDecision(item, item.tag.name, { isGone, isBlocked, stop }, node));
    }
    const unread = outcome === undefined ? node.tags : [];
    for (const { name } of [...unread, ...node.attachedTags]) {
      tags.push({ tag: name, digest, action: isGone ? 'delete' : 'keep', reason });
    }
    return manifestDecision(node, isGone, reason);
  });
  const problems: readonly PlanProblem[] =
    blocked.length === 0
      ? []
      : [
          {
            severity: 'warning',
            code: 'blocked',
            message: `${traits.vendor} deletes an image with its last tag, and other images need these, so they keep their tags: ${blocked.slice(0, 5).join(', ')}${blocked.length > 5 ? ', …' : ''}.`,
          },
        ];
  return { tags: tags.sort(byText(({ tag }) => tag)), manifests, problems };
}

function tagDecision(
  item: Item,
  tag: string,
  { isGone, isBlocked, stop }: { readonly isGone: boolean; readonly isBlocked: boolean; readonly stop: boolean },
  { manifest }: GraphNode,
): TagDecision {
  const { digest } = manifest;
  const { removal, keep, note } = item;
  if (stop)
    return { tag, digest, action: 'keep', reason: keep ?? (removal === undefined ? (note ?? UNMATCHED) : STOPPED) };
  if (isBlocked) {
    return {
      tag,
      digest,
      action: 'keep',
      reason: { code: 'blocked', text: 'the last tag of an image that others need' },
    };
  }
  if (removal !== undefined && (isGone || goes(item))) {
    return { tag, digest, action: isGone ? 'delete' : 'untag', reason: removal };
  }
  return { tag, digest, action: 'keep', reason: keep ?? note ?? UNMATCHED };
}

function manifestDecision(node: GraphNode, isGone: boolean, reason: Reason): ManifestDecision {
  const { digest, kind, children, subject, pushedAt } = node.manifest;
  const attached = subject ?? node.subjects[0];
  return {
    digest,
    kind,
    role: node.role,
    tags: tagNames(node),
    action: isGone ? 'delete' : 'keep',
    reason,
    ...(pushedAt === undefined ? {} : { pushedAt: new Date(pushedAt).toISOString() }),
    ...(children.length === 0 ? {} : { children }),
    ...(attached === undefined ? {} : { subject: attached }),
  };
}

function manifestReason(
  node: GraphNode,
  outcome: RootOutcome | undefined,
  isGone: boolean,
  { isDeleted, protection, orphans, stop }: DecisionInput,
): Reason {
  if (isGone) {
    if (outcome !== undefined) return outcome.items[0]?.removal ?? UNMATCHED;
    if (node.isOrphan) {
      return { code: 'orphan', rule: 'referrers.orphans', text: 'its image does not exist' };
    }
    const [parent] = node.parents.filter(({ index }) => isDeleted[index] === 1);
    return parent === undefined
      ? { code: 'attached-to-deleted', text: 'attached to an image that goes' }
      : { code: 'part-of-deleted', text: `part of ${nameOf(parent)}` };
  }
  if (node.manifest.presence === 'missing') return { code: 'unknown', text: 'missing in the registry' };
  const own = protection.get(node);
  if (own !== undefined) return own;
  const keeps = outcome?.items.find((item) => !goes(item));
  if (keeps !== undefined) return keeps.keep ?? keeps.note ?? UNMATCHED;
  const parent = node.parents.find(({ index }) => isDeleted[index] === 0);
  if (parent !== undefined) return { code: 'part-of-kept', text: `part of ${nameOf(parent)}` };
  if (stop && outcome !== undefined) return STOPPED;
  if (node.isOrphan) {
    const text =
      orphans === undefined
        ? 'its image does not exist; see `referrers.orphans`'
        : 'its image does not exist; too young';
    return { code: 'orphan', text };
  }
  if (node.subjects.length > 0)
    return { code: 'attached-to-kept', text: `attached to ${shortDigest(node.subjects[0] ?? '')}` };
  return { code: 'unknown', text: 'it is unknown which image needs it' };
}

function nameOf({ tags, manifest }: GraphNode): string {
  return tags[0]?.name ?? shortDigest(manifest.digest);
}
