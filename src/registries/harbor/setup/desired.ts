import type { HarborRule } from '../../../domain/retention/native/harbor.ts';
import type { Access } from '../../setup/access.ts';

/** A project as it should be, in the words of Harbor's API. What is absent is left alone and not compared. */
export interface DesiredProject {
  readonly name: string;
  /** Whether to create it when it is missing. */
  readonly creates: boolean;
  /** Patterns of the repositories in it that the file names: `app`, `team/app`, `**`. */
  readonly repositories: readonly string[];
  /** Switches of the project, as texts: `public`, `auto_scan`, `prevent_vul`, `severity`, … */
  readonly metadata: Readonly<Record<string, string>>;
  /** Bytes; -1: no limit. */
  readonly storageLimit?: number;
  /** Tags that cannot be moved; `none` removes the rules for these repositories. */
  readonly immutable?: 'none' | TagSelection;
  readonly retention?:
    | 'none'
    | {
        /** For each repository, as `command: cleanup` sets them: either finds the rules of the other as they should be. */
        readonly rules: readonly HarborRule[];
        /** The same for several repositories at once, where there is no room for a rule each. */
        readonly fewer: readonly HarborRule[];
        readonly cron: string;
      };
  readonly members: readonly DesiredMember[];
  readonly robots: readonly DesiredRobot[];
  /** Whether members and robots that the file does not name go. */
  readonly exactAccess?: boolean;
  readonly webhooks: readonly DesiredWebhook[];
  /** Of a proxy cache: the endpoint that it reads from. */
  readonly proxyOf?: DesiredEndpoint;
  /** Of the file. */
  readonly line: number;
}

/** `matches`: these tags; `excludes`: all others. Globs. */
export interface TagSelection {
  readonly decoration: 'matches' | 'excludes';
  readonly tags: readonly string[];
}

export interface DesiredMember {
  readonly kind: 'user' | 'group';
  readonly name: string;
  readonly access: Access;
  readonly line: number;
}

export interface DesiredRobot {
  /** Without the prefix and the project. */
  readonly name: string;
  readonly access: Access;
  readonly line: number;
  /** Days; -1: for ever. Absent: Harbor's own default for a new one, unchanged for one that exists. */
  readonly days?: number;
}

interface DesiredWebhook {
  readonly name: string;
  readonly address: string;
  readonly events: readonly string[];
  /** Name of the variable of the environment with its authorization header. */
  readonly secret?: string;
  readonly line: number;
}

/** Another registry that Harbor knows. */
export interface DesiredEndpoint {
  readonly name: string;
  /** `docker-hub`, `harbor`, `aws-ecr`, … */
  readonly type: string;
  readonly url: string;
  /** `secret` is the name of a variable of the environment. */
  readonly credential?: { readonly user: string; readonly secret: string };
}

export interface DesiredReplication {
  readonly name: string;
  /** An endpoint by its name, with what it is where the file says so. */
  readonly to: Pick<DesiredEndpoint, 'name'>;
  /** Patterns of repositories with their project. */
  readonly only: readonly string[];
  /** Whether to copy once what exists. */
  readonly copiesExisting: boolean;
  /** Whether deletions travel; absent: unchanged, and not for a new rule. */
  readonly deletes?: boolean;
  readonly line: number;
}

/** Kinds of registries by host; every other one is a plain registry. */
const ENDPOINT_TYPES: readonly (readonly [RegExp, string, string?])[] = [
  [/^(?:docker\.io|registry-1\.docker\.io|hub\.docker\.com)$/, 'docker-hub', 'https://hub.docker.com'],
  [/^ghcr\.io$/, 'github-ghcr'],
  [/^quay\.io$/, 'quay'],
  [/\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/, 'aws-ecr'],
  [/\.azurecr\.io$/, 'azure-acr'],
  [/(?:\.pkg\.dev|^(?:(?:us|eu|asia)\.)?gcr\.io)$/, 'google-gcr'],
  [/\.jfrog\.io$/, 'jfrog-artifactory'],
];

/**
 * The endpoint for a host, with the type that Harbor's adapters want.
 * https://github.com/goharbor/harbor/blob/main/src/pkg/reg/model/registry.go
 */
export function endpointOf(host: string, name: string, type?: string): DesiredEndpoint {
  const row = ENDPOINT_TYPES.find(([pattern]) => pattern.test(host));
  return { name, type: type ?? row?.[1] ?? 'docker-registry', url: row?.[2] ?? `https://${host}` };
}
