import type { Outcome } from '../../domain/outcome.ts';
import type { ActionError } from '../../errors/action-error.ts';
import { errorFacts } from '../../report/errors.ts';
import { code, plain, table } from '../../report/markdown.ts';
import { heading, meaning, page, renderError, renderWarnings } from '../../report/parts.ts';
import { JSON_VERSION } from '../../report/run-json.ts';

/** What became of `command: login`. */
export interface LoginRecord {
  readonly outcome: Outcome;
  readonly errors: readonly ActionError[];
  readonly warnings: readonly string[];
  readonly logins: readonly LoginFacts[];
}

export interface LoginFacts {
  readonly host: string;
  /** The kind of registry: `Amazon ECR`. */
  readonly vendor: string;
  /** Where the credentials came from. */
  readonly from: string;
  /** ISO 8601; absent when they do not end, or nobody says when. */
  readonly until?: string;
}

export function renderLoginOutputs(record: LoginRecord): Readonly<Record<string, string>> {
  const { outcome, errors, warnings, logins } = record;
  return {
    outcome,
    registries: logins.map(({ host }) => host).join('\n'),
    json: JSON.stringify({ schemaVersion: JSON_VERSION, outcome, errors: errors.map(errorFacts), warnings, logins }),
  };
}

export function renderLoginSummary({ outcome, errors, warnings, logins }: LoginRecord): string {
  return page([
    heading('login', logins.map(({ host }) => host).join(', '), outcome),
    meaning(outcome, errors, ''),
    ...errors.map((error) => renderError(error)),
    logins.length === 0
      ? ''
      : table(
          ['registry', 'kind', 'credentials from', 'good until'],
          logins.map(({ host, vendor, from, until }) => [code(host), plain(vendor), plain(from), plain(until ?? '')]),
        ),
    renderWarnings(warnings),
  ]);
}
