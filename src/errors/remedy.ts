/**
 * The operation during which something failed: a missing read right needs other steps than a push right. `build` is
 * buildx's registry access (base images, caches), `login` a token request or a keyless exchange, `setup` the settings of a registry.
 */
export type Situation = 'login' | 'read' | 'push' | 'promote' | 'delete' | 'build' | 'setup';

/** Steps of a remedy: the same in every situation, or by situation, with `any` for all others. */
export type Remedy =
  | readonly string[]
  | ({ readonly [In in Situation]?: readonly string[] } & { readonly any?: readonly string[] });

/** Longer lists are not read. */
export const MAX_STEPS = 3;

/** Which situation's remedy to use if one has none of its own. */
const FALLBACK: Readonly<Record<Situation, readonly Situation[]>> = {
  login: ['login'],
  read: ['read'],
  push: ['push'],
  promote: ['promote', 'push'],
  delete: ['delete'],
  build: ['build'],
  setup: ['setup'],
};

/** The steps of a remedy for a situation; undefined when it has none. Pure. */
export function stepsFor(remedy: Remedy | undefined, situation: Situation | undefined): readonly string[] | undefined {
  if (remedy === undefined || isSteps(remedy)) return remedy;
  const order = situation === undefined ? [] : FALLBACK[situation];
  return order.map((each) => remedy[each]).find((steps) => steps !== undefined) ?? remedy.any;
}

/** Every list of steps in a remedy, with its situation. Pure. */
export function allSteps(
  remedy: Remedy,
): readonly (readonly [situation: Situation | 'any', steps: readonly string[]])[] {
  if (isSteps(remedy)) return [['any', remedy]];
  const { any, ...others } = remedy;
  const situations = SITUATIONS.flatMap((each) => {
    const steps = others[each];
    return steps === undefined ? [] : [[each, steps] as const];
  });
  return any === undefined ? situations : [['any', any], ...situations];
}

const SITUATIONS = [
  'login',
  'read',
  'push',
  'promote',
  'delete',
  'build',
  'setup',
] as const satisfies readonly Situation[];

function isSteps(remedy: Remedy): remedy is readonly string[] {
  return Array.isArray(remedy);
}

/**
 * A step with its placeholders filled in: `{host}`, `{repository}`, and the first part of a host or repository,
 * `{registry-name}` and `{project}`. Unknown ones keep their name in angle brackets. Pure.
 */
export function filled(
  step: string,
  { registry, repository }: { readonly registry?: string; readonly repository?: string },
): string {
  const values: Readonly<Record<string, string | undefined>> = {
    host: registry,
    repository,
    'registry-name': registry?.split('.', 1)[0],
    project: repository?.includes('/') === true ? repository.split('/', 1)[0] : undefined,
  };
  return step.replace(
    /(?<!\{)\{(host|repository|registry-name|project)\}(?!\})/g,
    (_, name: string) => values[name] ?? `<${name}>`,
  );
}
