import type { DesiredRegistry, VendorBlock } from '../domain/setup/desired-state.ts';
import type { RegistryState } from '../domain/setup/export/exported-file.ts';
import type { PrincipalKind } from '../domain/setup/principal.ts';
import type { Mistake, RegistryPlan, SetupStep } from '../domain/setup/setting.ts';
import type { ManagementContext } from './vendor.ts';

/** What a vendor needs to set up one registry. */
export type SetupContext = Omit<ManagementContext, 'repository' | 'store'>;

/** The result of a step, beyond that it was done. */
export interface Applied {
  /** For people, a sentence. */
  readonly note?: string;
  /** What was to be made exists by now, made by somebody else: it has to be compared again. */
  readonly isStale?: true;
  /** Credentials that the registry shows only now. They are masked, and kept only where the user asked for a file of them. */
  readonly issued?: readonly IssuedCredential[];
}

interface IssuedCredential {
  /** `harbor.acme.example robot$acme+ci` */
  readonly name: string;
  readonly username: string;
  readonly password: string;
}

/**
 * How a vendor sets up a registry. `Live` is what it reads, `Request` one write as data; both are its own.
 */
export interface VendorSetup<Live, Request> {
  /**
   * Names of what exists, as {@link SetupDefinition.unitOf} makes them; undefined: they may not be listed. Only reads.
   * @param namespace the path in `at`: a project of Google, an organization of Docker Hub; empty where there is none
   */
  readonly names: (namespace: string) => Promise<readonly string[] | undefined>;
  /**
   * Reads what the file has something to say about. Only reads; what may not be read is part of the result.
   * @param isWhole read all of a repository that the file names: an export declares it as a whole
   */
  readonly readLive: (desired: DesiredRegistry, isWhole?: boolean) => Promise<Live>;
  /** Compares. Pure. Steps are in the order in which they are safe. */
  readonly plan: (desired: DesiredRegistry, live: Live) => RegistryPlan<Request>;
  /** Does one step. A step that is done already is no error: runs are interrupted and repeated. */
  readonly apply: (request: Request) => Promise<Applied>;
  /** For an export; absent: there is nothing to know beyond the file. */
  readonly state?: VendorState<Live>;
}

/** What a registry has once the file is applied. */
interface VendorState<Live> {
  /** Pure. */
  readonly of: (desired: DesiredRegistry, live: Live) => RegistryState;
  /** A registry of which nothing was read, as if it were empty. Pure. */
  readonly unread: (desired: DesiredRegistry) => Live;
}

/** A step of a plan with the means to do it. */
export interface ReadyStep extends SetupStep {
  readonly apply: () => Promise<Applied>;
}

/** A registry that is opened for setup, with its vendor's own types hidden. */
export interface RegistrySetup {
  readonly names: (namespace: string) => Promise<readonly string[] | undefined>;
  /** Reads and compares. Only reads. */
  readonly plan: (
    desired: DesiredRegistry,
  ) => Promise<Omit<RegistryPlan, 'steps'> & { readonly steps: readonly ReadyStep[] }>;
  /**
   * What the registry has once the file is applied; undefined: nothing is known beyond the file. Only reads.
   * @param reads whether to read what exists; otherwise the registry counts as empty
   */
  readonly state: (desired: DesiredRegistry, reads: boolean) => Promise<RegistryState | undefined>;
}

/** One kind of registry in the table of setup. */
export interface SetupDefinition {
  /** The key of its own fields in the file; undefined: it has none. */
  readonly block: VendorBlock | undefined;
  /** The part of a repository's name that has settings of its own: all of it, or the project. Pure. */
  readonly unitOf: (repository: string, namespace: string) => string;
  /** Which principals it understands. */
  readonly principals: readonly PrincipalKind[];
  /** The usual mistakes, found before any request. Pure. */
  readonly mistakes: (desired: DesiredRegistry) => readonly Mistake[];
  readonly open: (context: SetupContext) => RegistrySetup;
}

/** Hides the types of a vendor. */
export function registrySetup<Live, Request>(vendor: VendorSetup<Live, Request>): RegistrySetup {
  return {
    names: vendor.names,
    plan: async (desired) => {
      const { steps, ...plan } = vendor.plan(desired, await vendor.readLive(desired));
      return { ...plan, steps: steps.map((step) => ({ ...step, apply: () => vendor.apply(step.request) })) };
    },
    state: async (desired, reads) => {
      const { state } = vendor;
      if (state === undefined) return undefined;
      return state.of(desired, reads ? await vendor.readLive(desired, true) : state.unread(desired));
    },
  };
}
