/** Context of a rule besides the values. */
export interface RuleFacts<V> {
  /** Whether the user has set an input to something other than its default. */
  readonly given: (name: keyof V & string) => boolean;
  /** Whether the run may write to a registry: a read-only run needs no credentials. */
  readonly writes: boolean;
  /** Environment of the step, including the runner's variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A rule about combinations of inputs: one or more sentences for the user; undefined when satisfied. */
export type Rule<V> = (inputs: V, facts: RuleFacts<V>) => string | readonly string[] | undefined;

/** `a`, `b` */
export function named(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
