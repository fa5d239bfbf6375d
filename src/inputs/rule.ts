/** What a rule knows besides the values. */
export interface RuleFacts<V> {
  /** Whether the user has set an input to something other than its default. */
  readonly given: (name: keyof V & string) => boolean;
  /** Whether the run may write to a registry: one that may not needs no credentials. */
  readonly writes: boolean;
  /** Of the step; the runner's own variables tell the repository. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What inputs must and must not be together: a sentence for the user, or several; undefined when they go together. */
export type Rule<V> = (inputs: V, facts: RuleFacts<V>) => string | readonly string[] | undefined;

/** `a`, `b` */
export function named(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
