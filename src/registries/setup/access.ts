import type { DesiredRepository } from '../../domain/setup/desired-state.ts';
import type { Principal, PrincipalKind } from '../../domain/setup/principal.ts';

/** What a principal may do. Each includes the ones before it. */
export type Access = 'pull' | 'push' | 'admin';

export interface Grant {
  readonly principal: Principal;
  readonly access: Access;
}

const LEVELS: readonly Access[] = ['admin', 'push', 'pull'];

/** Everybody whom the file gives access to, once, with the most that it gives. */
export function grantsOf({ settings }: Pick<DesiredRepository, 'settings'>): readonly Grant[] {
  const grants = new Map<string, Grant>();
  for (const access of LEVELS) {
    for (const principal of settings[access]?.value ?? []) {
      const key = `${principal.kind} ${principal.id}`;
      if (!grants.has(key)) grants.set(key, { principal, access });
    }
  }
  return [...grants.values()];
}

/** The grants to some kinds of principals. */
export function grantsTo(grants: readonly Grant[], ...kinds: readonly PrincipalKind[]): readonly Grant[] {
  return grants.filter(({ principal }) => kinds.includes(principal.kind));
}
