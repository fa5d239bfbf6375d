import { bytes } from '../amount.ts';
import type { Drift } from './drift.ts';
import { countFindings, type ScanResult } from './scan.ts';

/** What may fail a run, by the word in `fail-on`. */
export const FAIL_CONDITIONS = {
  critical: 'a watched image has a CRITICAL finding, by any scanner',
  high: 'a watched image has a HIGH finding, by any scanner',
  unscanned: 'a watched image has no complete scan result',
  drift: 'environments differ in any way but `behind`',
  behind: 'an environment is behind the one before it',
  settings: 'a registry differs from the file in `setup`',
  broken: 'an index lacks platforms, or something is attached to an image that does not exist',
  quota: 'a storage quota is used to 90 % or more',
  incomplete: 'something could not be read',
} as const satisfies Readonly<Record<string, string>>;
export type FailCondition = keyof typeof FAIL_CONDITIONS;

/** The facts that conditions are about. */
export interface ReportFacts {
  readonly scans: readonly { readonly image: string; readonly results: readonly ScanResult[] }[];
  readonly drifts: readonly Drift[];
  /** Settings that differ: sentences. */
  readonly settings: readonly string[];
  readonly broken: readonly string[];
  readonly quotas: readonly { readonly name: string; readonly usedBytes: number; readonly limitBytes?: number }[];
  readonly unread: readonly string[];
}

const FULL_SHARE = 0.9;

/** What is met of a condition: one sentence each; empty when it is not met. */
export function conditionMet(condition: FailCondition, facts: ReportFacts): readonly string[] {
  switch (condition) {
    case 'critical':
      return withFindings(facts, 'CRITICAL');
    case 'high':
      return withFindings(facts, 'HIGH');
    case 'unscanned':
      return facts.scans
        .filter(({ results }) => !results.some(({ status }) => status === 'complete'))
        .map(({ image, results }) => {
          const said = results.map(({ source, status }) => `${source}: ${status}`).join(', ');
          return `${image} has no complete scan result (${said === '' ? 'no scanner' : said}).`;
        });
    case 'drift':
      return facts.drifts.filter(({ kind }) => kind !== 'behind').map(driftText);
    case 'behind':
      return facts.drifts.filter(({ kind }) => kind === 'behind').map(driftText);
    case 'settings':
      return facts.settings;
    case 'broken':
      return facts.broken;
    case 'quota':
      return facts.quotas.flatMap(({ name, usedBytes, limitBytes = 0 }) =>
        limitBytes > 0 && usedBytes / limitBytes >= FULL_SHARE
          ? [`${name} uses ${bytes(usedBytes)} of ${bytes(limitBytes)}.`]
          : [],
      );
    case 'incomplete':
      return facts.unread;
  }
}

function withFindings({ scans }: ReportFacts, severity: 'CRITICAL' | 'HIGH'): readonly string[] {
  return scans.flatMap(({ image, results }) => {
    const found = results.flatMap((result) => {
      const count = countFindings(result)?.[severity] ?? 0;
      return count > 0 ? [`${result.source}: ${count}`] : [];
    });
    return found.length === 0 ? [] : [`${image} has ${severity} findings (${found.join(', ')}).`];
  });
}

const driftText = ({ kind, image, detail }: Drift) => `${image}: ${kind}. ${detail}`;
