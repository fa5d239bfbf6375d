import { canonicalJson } from '../canonical-json.ts';
import { isFields } from '../fields.ts';
import type { Json } from './json.ts';
import type { RegistryPlan, Setting, SetupStep } from './setting.ts';

/** What identifies a setting. */
export interface SettingName {
  readonly subject: string;
  readonly name: string;
  readonly line?: number;
}

/** Compares what is with what should be; null: not set. */
export function compared(name: SettingName, is: Json, should: Json): Setting {
  const isEqual = canonicalJson(is) === canonicalJson(should);
  const action = isEqual ? 'equal' : should === null ? 'remove' : is === null ? 'create' : 'change';
  return { ...name, is, should, action };
}

/** Whether a setting needs a write. */
export function isDue({ action }: Setting): boolean {
  return action === 'create' || action === 'change' || action === 'remove';
}

/**
 * A setting that the vendor lacks.
 * @param accepted settings whose lack the file accepts
 */
export function unsupported(name: SettingName, should: Json, reason: string, accepted: readonly string[]): Setting {
  const [first = ''] = name.name.split(' ', 1);
  // `immutable.except` accepts that only some tags cannot be immutable, and not that none can.
  const parts = isFields(should) ? Object.keys(should).map((key) => `${first}.${key}`) : [];
  const names = [name.name, first, first.split('.', 1)[0] ?? '', ...parts];
  const isAccepted = names.some((each) => accepted.includes(each));
  return { ...name, should, action: 'unsupported', reason, ...(isAccepted ? { isAccepted } : {}) };
}

/** A piece of a plan. */
export interface Part<Request> {
  readonly settings: readonly Setting[];
  readonly steps?: readonly SetupStep<Request>[];
  readonly warnings?: readonly string[];
}

export function combined<Request>(parts: readonly Part<Request>[]): RegistryPlan<Request> {
  return {
    settings: parts.flatMap(({ settings }) => settings),
    steps: parts.flatMap(({ steps = [] }) => steps),
    warnings: [...new Set(parts.flatMap(({ warnings = [] }) => warnings))],
  };
}

/** What could be read, or why not. */
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** A setting that could not be read. */
export function denied(name: SettingName, should: Json, reason: string): Setting {
  return { ...name, should, action: 'denied', reason };
}

/** Texts in one order, each once. */
export function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}
