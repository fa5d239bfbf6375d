import { code, plain, table } from '../../report/markdown.ts';
import { heading, meaning, page, renderErrors, renderWarnings } from '../../report/parts.ts';
import { commonJson } from '../../report/run-json.ts';
import type { LoginJson } from './json-schema.ts';
import { OUTCOMES } from './outcomes.ts';
import type { LoginResult } from './result.ts';

export function renderLoginOutputs(result: LoginResult): Readonly<Record<string, string>> {
  const { outcome, logins } = result;
  return {
    outcome,
    registries: logins.map(({ host }) => host).join('\n'),
  };
}

/** Everything, for programs. */
export function loginJson(result: LoginResult): LoginJson {
  return {
    ...commonJson('login', result),
    logins: result.logins.map(({ host, vendor, from, until }) => ({
      host,
      vendor,
      credentialsFrom: from,
      expires: until,
    })),
  };
}

export function renderLoginSummary({ outcome, errors, warnings, logins }: LoginResult): string {
  return page([
    heading(OUTCOMES, logins.map(({ host }) => host).join(', '), outcome),
    meaning(OUTCOMES, outcome, ''),
    renderErrors(errors),
    logins.length === 0
      ? ''
      : table(
          ['registry', 'kind', 'credentials from', 'good until'],
          logins.map(({ host, vendor, from, until }) => [code(host), plain(vendor), plain(from), plain(until ?? '')]),
        ),
    renderWarnings(warnings),
  ]);
}
