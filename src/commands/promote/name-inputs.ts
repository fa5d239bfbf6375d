import type { Requirement } from '../../domain/promotion/requirement.ts';
import { readRequirements } from '../../domain/promotion/requirements.ts';
import { readSource, readTargets } from '../../domain/promotion/templates.ts';
import { type Facts, type Field, field } from '../../inputs/schema.ts';

/** Requirements, one per line. */
export function requirements(facts: Facts): Field<readonly Requirement[]> {
  return field('lines', facts, (raw) => readRequirements(raw.split(/\r?\n/)));
}

/** Placeholder values for the names, as long as only the registry knows the real ones. */
const LIKELY = { version: '1.2.3', sha: '0123456' } as const;

interface PromotionNames {
  readonly from: string | undefined;
  readonly to: readonly string[];
  readonly environment: string | undefined;
  readonly rollback: boolean;
}

function readNames({ from, to, environment }: PromotionNames) {
  return {
    source: from === undefined ? undefined : readSource(from, LIKELY),
    targets: readTargets(to, { ...LIKELY, env: environment }),
  };
}

/** The hosts in full names. */
export function hostsIn(inputs: PromotionNames): readonly string[] {
  const { source, targets } = readNames(inputs);
  const names = [
    ...(source?.ok === true && source.value.by !== 'environment' ? [source.value.image] : []),
    ...(targets.ok ? targets.value.map(({ image }) => image) : []),
  ];
  return names.flatMap((image) => image?.host ?? []);
}

/** Whether a promotion depends on `images`: its names are only tags, digests or environments. */
export function needsImages(inputs: PromotionNames): boolean {
  const { source, targets } = readNames(inputs);
  if (source?.ok === true && (source.value.by === 'environment' || source.value.image === undefined)) return true;
  const bareTarget = targets.ok && targets.value.some(({ image }) => image === undefined);
  return bareTarget && (source === undefined || inputs.rollback);
}

/** Problems with the names of a promotion, whatever the image turns out to be. */
export function nameProblems(inputs: PromotionNames & { readonly images: readonly unknown[] }): readonly string[] {
  const { source, targets } = readNames(inputs);
  return [
    ...(inputs.from === undefined && !inputs.rollback
      ? ['`from` is empty: set a tag, a digest, `env:<name>` or a full name. Only `rollback: true` works without it.']
      : []),
    ...(source?.ok === false ? source.problems : []),
    ...(targets.ok ? [] : targets.problems),
    ...(needsImages(inputs) && inputs.images.length === 0
      ? [
          '`images` is empty, and a tag or digest alone does not name its repository. Add for instance `images: ghcr.io/${{ github.repository }}`.',
        ]
      : []),
  ];
}
