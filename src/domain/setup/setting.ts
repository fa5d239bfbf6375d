import type { Json } from './json.ts';

/**
 * What a plan does with one setting. `create`, `change` and `remove` are writes. `unsupported`: the vendor lacks it, and the reason names
 * the alternative. `needs-recreation`: it is fixed at creation, so nothing of that repository is changed. `kept-foreign`: it belongs to
 * another owner and stays. `denied`: it could not be read or compared, so it is left alone.
 */
type SettingAction =
  | 'create'
  | 'change'
  | 'remove'
  | 'equal'
  | 'unsupported'
  | 'needs-recreation'
  | 'kept-foreign'
  | 'denied';

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

/** What tells a setting from all others of its registry. */
export function settingId({ subject, name }: Pick<Setting, 'subject' | 'name'>): string {
  return subject === '' ? name : `${subject} ${name}`;
}

/** One write of a plan. */
export interface SetupStep<Request = unknown> {
  /** Unlike that of every other step of the registry: `acme/api immutable`. */
  readonly id: string;
  readonly subject: string;
  /** The settings that it makes so, as {@link settingId} names them: one write may serve several repositories. */
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
