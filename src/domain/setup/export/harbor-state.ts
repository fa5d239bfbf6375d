import type { Fields } from '../../fields.ts';
import type { Setting } from '../setting.ts';

/** What a Harbor has once the file is applied, as far as the file names it. Ids are those of what exists already. */
export interface HarborState {
  readonly kind: 'harbor';
  readonly url: string;
  readonly endpoints: readonly HarborEndpointState[];
  /** Projects and caches, without those that setup leaves alone. */
  readonly projects: readonly HarborProjectState[];
  readonly replications: readonly HarborReplicationState[];
  /** Every setting of the plan. */
  readonly settings: readonly Setting[];
}

export interface HarborEndpointState {
  readonly name: string;
  /** `docker-hub`, `harbor`, … */
  readonly type: string;
  readonly url: string;
  readonly hasCredential: boolean;
  readonly id: number | undefined;
}

export interface HarborProjectState {
  readonly name: string;
  readonly line: number;
  readonly id: number | undefined;
  /** Switches as texts: `public`, `auto_scan`, … */
  readonly metadata: Readonly<Record<string, string>>;
  /** Bytes; -1: no limit. Undefined: unknown. */
  readonly storage: number | undefined;
  /** Name of the endpoint that a cache reads from. */
  readonly proxyOf: string | undefined;
  readonly immutable: { readonly id: number | undefined; readonly rule: Fields } | undefined;
  /** All rules of the project, those of others included. */
  readonly retention:
    | { readonly id: string | undefined; readonly cron: string; readonly rules: readonly Fields[] }
    | undefined;
  readonly members: readonly HarborMemberState[];
  readonly robots: readonly HarborRobotState[];
  readonly webhooks: readonly HarborWebhookState[];
}

export interface HarborMemberState {
  readonly kind: 'user' | 'group';
  readonly name: string;
  /** Id of the role. */
  readonly role: number;
  readonly groupType: 'ldap' | 'internal' | 'oidc';
  readonly id: number | undefined;
  readonly line: number;
}

export interface HarborRobotState {
  /** Without the prefix and the project. */
  readonly name: string;
  readonly days: number;
  readonly description: string;
  /** `{kind, namespace, access: [{resource, action}]}` */
  readonly permissions: readonly Fields[];
  readonly id: number | undefined;
  readonly line: number;
}

export interface HarborWebhookState {
  readonly name: string;
  readonly address: string;
  readonly events: readonly string[];
  readonly hasHeader: boolean;
  readonly id: number | undefined;
  readonly line: number;
}

export interface HarborReplicationState {
  readonly name: string;
  readonly endpoint: string;
  /** A doublestar pattern of repositories with their project. */
  readonly filter: string;
  readonly deletes: boolean;
  readonly description: string;
  readonly id: number | undefined;
  readonly line: number;
}
