import type { DesiredRegistry } from '../desired-state.ts';
import type { EcrState } from '../ecr/state.ts';
import type { EcrPublicState } from '../ecr-public/state.ts';
import type { AcrState } from './acr-state.ts';
import type { ArtifactoryState } from './artifactory-state.ts';
import type { GoogleState } from './google-state.ts';
import type { HarborState } from './harbor-state.ts';
import type { HubState } from './hub-state.ts';
import type { WorkflowRepository } from './iam/trust.ts';
import type { NexusState } from './nexus-state.ts';

/** A file of an export. */
export interface ExportedFile {
  /** From the folder of the export, with forward slashes. */
  readonly path: string;
  /** Ends with a line break. */
  readonly text: string;
}

/** What the file asks for and an export has nothing for. */
export interface LeftOut {
  /** `docker.io/acme: acme/tools visibility` */
  readonly what: string;
  /** A sentence. */
  readonly reason: string;
  /** What to do instead, a sentence; empty if the reason includes it. */
  readonly instead: string;
}

export interface Exported {
  readonly files: readonly ExportedFile[];
  readonly leftOut: readonly LeftOut[];
}

/** One registry of the desired state. */
export interface ExportedRegistry {
  /** Kind of registry: `ecr`, `harbor`, … */
  readonly vendor: string;
  /** `Amazon ECR` */
  readonly title: string;
  /** Groups resolved, cleanup policies read, each value with its line. */
  readonly desired: DesiredRegistry;
  /** Names of what exists there; undefined: it was not read, because there are no credentials. */
  readonly existing: readonly string[] | undefined;
  /** What the registry has once the file is applied; undefined: setup knows no more about this vendor than the file says. */
  readonly state: RegistryState | undefined;
}

/** What a registry has once the file is applied: what exists, what is to be made, and what others have set and stays. */
export type RegistryState =
  | AcrState
  | ArtifactoryState
  | EcrPublicState
  | EcrState
  | GoogleState
  | HarborState
  | HubState
  | NexusState;

export interface ExportSource {
  /** In the order of the file. */
  readonly registries: readonly ExportedRegistry[];
  /** Path of the desired state as the user wrote it; `config` where it is an input's text. */
  readonly configName: string;
  /** Whose workflows are to push; undefined: the action does not run in one. */
  readonly workflow?: WorkflowRepository | undefined;
}

/** Writes a desired state as code of another tool. Pure: the same source gives the same bytes. */
export type Exporter = (source: ExportSource) => Exported;
