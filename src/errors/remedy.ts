/**
 * What was being done when something failed: a missing right to read needs other steps than one to push. `build` is what
 * buildx does at registries (base images, caches), `login` a request for a token or a keyless exchange.
 */
export type Situation = 'login' | 'read' | 'push' | 'promote' | 'delete' | 'build';

/** Steps of a remedy: the same in every situation, or by situation, with `any` for all others. */
export type Remedy =
  | readonly string[]
  | ({ readonly [In in Situation]?: readonly string[] } & { readonly any?: readonly string[] });

/** More steps than these are not read by anybody. */
export const MAX_STEPS = 3;

/** Where a remedy for one situation is taken from, when there is none for it. */
const FALLBACK: Readonly<Record<Situation, readonly Situation[]>> = {
  login: ['login'],
  read: ['read'],
  push: ['push'],
  promote: ['promote', 'push'],
  delete: ['delete'],
  build: ['build'],
};

/** The steps of a remedy for a situation; undefined when it has none for it. Pure. */
export function stepsFor(remedy: Remedy | undefined, situation: Situation | undefined): readonly string[] | undefined {
  if (remedy === undefined || isSteps(remedy)) return remedy;
  const order = situation === undefined ? [] : FALLBACK[situation];
  return order.map((each) => remedy[each]).find((steps) => steps !== undefined) ?? remedy.any;
}

/** Every list of steps that a remedy holds, with the situation that it is for. Pure. */
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

const SITUATIONS = ['login', 'read', 'push', 'promote', 'delete', 'build'] as const satisfies readonly Situation[];

function isSteps(remedy: Remedy): remedy is readonly string[] {
  return Array.isArray(remedy);
}

/**
 * A step with the names of what it is about: `{host}`, `{repository}`, and of a host or repository its first part,
 * `{registry-name}` and `{project}`. What is not known keeps its name in angle brackets. Pure.
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
