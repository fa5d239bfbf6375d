import type { Json } from './json.ts';

/** What a plan says about one setting. */
export const ACTIONS = {
  create: 'It is missing and is made.',
  change: 'It exists with another value and is changed.',
  remove: 'It exists, and the file sets it to `none`.',
  equal: 'It is as it should be.',
  unsupported: 'The vendor does not support it; the reason names the alternative.',
  'needs-recreation': 'It cannot be changed after creation, so nothing of that repository is changed.',
  'kept-foreign': 'It belongs to somebody else and stays.',
  denied: 'It could not be read or compared, so it is left alone.',
} as const satisfies Record<string, string>;

export type SettingAction = keyof typeof ACTIONS;

/** One setting: as it is, and as the file wants it. */
export interface Setting {
  /** A repository or a project by name; empty: the registry as a whole. */
  readonly subject: string;
  /** Key of the file, with a part where there are several: `immutable`, `labels.owner`, `replicate us-east-1`. */
  readonly name: string;
  /** null: not set. Absent: unknown. */
  readonly is?: Json;
  /** null: to be removed. Absent: the file says nothing about it. */
  readonly should?: Json;
  readonly action: SettingAction;
  /** For everything but `create`, `change`, `remove` and `equal`; a sentence, with the alternative. */
  readonly reason?: string;
  /** Line of the file. */
  readonly line?: number;
  /** The file accepts that the vendor lacks it. */
  readonly isAccepted?: boolean;
}

/** One write of a plan. */
export interface SetupStep<Request = unknown> {
  /** Unlike that of every other step of the registry: `acme/api immutable`. */
  readonly id: string;
  readonly subject: string;
  /** Names of the settings that it makes so. */
  readonly settings: readonly string[];
  /** What is sent, as data and without a secret: it is shown in the plan file. */
  readonly request: Request;
  /** Steps without which this one cannot work: when one of them fails, this one is skipped. */
  readonly after?: readonly string[];
}

/** What one registry lacks of the file, and the writes that make it so, in the order in which they are safe. */
export interface RegistryPlan<Request = unknown> {
  readonly settings: readonly Setting[];
  readonly steps: readonly SetupStep<Request>[];
  /** What to know, each a sentence. */
  readonly warnings: readonly string[];
}

/** A mistake in the file that is found before any request, with its line. A warning stops nothing. */
export interface Mistake {
  readonly severity: 'error' | 'warning';
  readonly line: number;
  readonly message: string;
}
