import type { Json } from '../../domain/setup/json.ts';
import { type RegistryPlan, type Setting, type SetupStep, settingId } from '../../domain/setup/setting.ts';
import { ActionError } from '../../errors/action-error.ts';

/** What is to be done about one setting, with the request that does it. */
export interface Change<Request> {
  readonly action: Setting['action'];
  readonly name: string;
  readonly is?: Json;
  readonly should?: Json;
  readonly reason?: string;
  readonly line?: number | undefined;
  /** Only with `create`, `change` and `remove`; of several that one request makes so, the first has it. */
  readonly request?: Request;
  /** Names of the other settings that the request makes so. */
  readonly covers?: readonly string[];
}

/** The changes of one subject. */
export interface SubjectChanges<Request> {
  /** A repository or project; empty: the registry as a whole. */
  readonly subject: string;
  readonly changes: readonly Change<Request>[];
  /** Settings whose lack the file accepts. */
  readonly accept: readonly string[];
}

/**
 * A plan out of the changes of every subject, in their order. What needs to be recreated is left alone as a whole. The steps of a
 * subject wait for the one that creates it.
 */
export function planOf<Request>(
  subjects: readonly SubjectChanges<Request>[],
  warnings: readonly string[] = [],
): RegistryPlan<Request> {
  const ids = new Map<string, number>();
  const idOf = (subject: string, name: string) => {
    const base = `${subject} ${name}`.trim();
    const count = (ids.get(base) ?? 0) + 1;
    ids.set(base, count);
    return count === 1 ? base : `${base} ${count}`;
  };
  const plans = subjects.map(({ subject, changes, accept }) => {
    const isFixed = changes.some(({ action }) => action === 'needs-recreation');
    const settings = changes.map(
      ({ action, name, is, should, reason, line }): Setting => ({
        subject,
        name,
        action,
        ...(is === undefined ? {} : { is }),
        ...(should === undefined ? {} : { should }),
        ...(reason === undefined ? {} : { reason }),
        ...(line === undefined ? {} : { line }),
        ...(action === 'unsupported' &&
        accept.some((each) => each === name || name.startsWith(`${each}.`) || name.startsWith(`${each} `))
          ? { isAccepted: true }
          : {}),
      }),
    );
    let creation: string | undefined;
    const steps = isFixed
      ? []
      : changes.flatMap(({ name, action, request, covers = [] }): readonly SetupStep<Request>[] => {
          if (request === undefined) return [];
          const id = idOf(subject, name);
          const after = creation === undefined ? {} : { after: [creation] };
          if (action === 'create' && name === CREATION) creation = id;
          const settingIds = [name, ...covers].map((each) => settingId({ subject, name: each }));
          return [{ id, subject, settings: settingIds, request, ...after }];
        });
    return { settings, steps };
  });
  return {
    settings: plans.flatMap(({ settings }) => settings),
    steps: plans.flatMap(({ steps }) => steps),
    warnings,
  };
}

/** The setting that stands for a repository, project or registry itself. */
export const CREATION = 'exists';

/** A part of the live state: its value, or why it could not be read. */
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ActionError };

/** Reads a part of the live state on its own: a missing right for one part does not hide the others. */
export async function reading<T>(read: () => Promise<T>): Promise<Reading<T>> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    if (!(error instanceof ActionError) || !UNREAD.has(error.code)) throw error;
    return { ok: false, error };
  }
}

/** What concerns one part of a registry. Everything else (no network, no login) concerns all. */
const UNREAD: ReadonlySet<string> = new Set(['DENIED', 'SCOPE_TOO_NARROW']);

/** The change for a part that could not be read. */
export function denied(name: string, { message }: ActionError, line?: number): Change<never> {
  return { action: 'denied', name, reason: message, line };
}

/** What makes a value another one; null: not set. Values are texts, booleans, or lists in one order. */
export function actionOf(is: Json, should: Json): 'equal' | 'create' | 'change' | 'remove' {
  if (JSON.stringify(is) === JSON.stringify(should)) return 'equal';
  return should === null ? 'remove' : is === null ? 'create' : 'change';
}

/** A setting of the file by name, with what it says; absent when the file says nothing. */
type Row = readonly [
  name: string,
  given: { readonly value: unknown; readonly line: number } | undefined,
  reason: string,
];

/** The changes for settings that a vendor lacks; asking for nothing (`none`, `off`) is no lack. */
export function lacksOf(rows: readonly Row[]): readonly Change<never>[] {
  return rows.flatMap(([name, given, reason]) => {
    if (given === undefined || given.value === null || given.value === 'off') return [];
    const should = typeof given.value === 'string' ? { should: given.value } : {};
    return [{ action: 'unsupported' as const, name, reason, line: given.line, ...should }];
  });
}

/** Labels that a vendor has no place for. */
export function lacksLabels(
  labels: ReadonlyMap<string, { readonly line: number }> | undefined,
  reason: string,
): readonly Change<never>[] {
  const [first] = labels?.values() ?? [];
  return first === undefined ? [] : [{ action: 'unsupported', name: 'labels', reason, line: first.line }];
}
