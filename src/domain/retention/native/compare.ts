import { imageGraph } from '../graph.ts';
import type { RepositoryInventory } from '../inventory.ts';
import type { RepositoryPlan } from '../plan.ts';
import type { Basis } from '../policy.ts';
import { pushTime } from '../times.ts';
import type { NativeImage, NativeOutcome } from './native.ts';

/**
 * The images of an inventory as the evaluators see them.
 * @param basis what ages are counted from; an image without that time is as old as can be, because the registry itself may know its
 * age. Absent: from the push, and images of unknown push time are left out.
 */
export function nativeImages(inventory: RepositoryInventory, basis?: Basis): readonly NativeImage[] {
  const listed = new Set<string>(inventory.manifests.flatMap(({ children }) => children));
  return imageGraph(inventory).nodes.flatMap((node): NativeImage[] => {
    const { manifest, role } = node;
    const tags = [...node.tags, ...node.attachedTags];
    if (manifest.presence === 'missing' || (role !== 'root' && tags.length === 0)) return [];
    const pushes = [undefined, ...tags].flatMap((tag) => pushTime(node, tag) ?? []);
    const times = basis === 'created' ? [manifest.createdAt ?? 0] : pushes;
    const [first = basis === undefined ? undefined : 0, ...others] = times;
    if (first === undefined) return [];
    return [
      {
        digest: manifest.digest,
        tags: tags.map(({ name }) => name),
        pushedAt: others.reduce((a, b) => Math.max(a, b), first),
        ...(manifest.pulledAt === undefined || manifest.pulledAt === 'never' ? {} : { pulledAt: manifest.pulledAt }),
        isChild: listed.has(manifest.digest),
      },
    ];
  });
}

/**
 * What a registry's own rules would remove and the plan keeps: with anything in it, the rules are not to be installed. Works for
 * the result of an evaluator and for the preview of a registry.
 */
export function widerThanPlan({ digests, tags }: NativeOutcome, plan: RepositoryPlan): readonly string[] {
  const keptDigests = plan.manifests.filter(({ digest, action }) => action === 'keep' && digests.has(digest));
  const keptTags = plan.tags.filter(({ tag, action }) => action === 'keep' && tags.has(tag));
  return [
    ...keptTags.map(({ tag, reason }) => `${tag}: ${reason.text}`),
    ...keptDigests.map(({ digest, reason }) => `${digest}: ${reason.text}`),
  ];
}
