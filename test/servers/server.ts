import type { Login } from '../support/plain-client.ts';

/** A real registry server on loopback, as the tests reach it. */
export interface Server {
  /** With its version. */
  readonly name: string;
  /** Port of the {@link startFront front}, which the server takes for its own. */
  readonly port: number;
  /** Ports behind the front by prefix of the path; the first that matches. */
  readonly backends: readonly (readonly [string, number])[];
  /** May do everything; undefined: the server has no logins. */
  readonly owner?: Login;
  /** May pull from `team/app` only. */
  readonly reader?: Login;
}

/** Variable with the servers as JSON, from the set-up to the tests. */
export const SERVERS = 'TEST_SERVERS';

export function serversOf(env: NodeJS.ProcessEnv): readonly Server[] {
  const text = env[SERVERS];
  if (text === undefined) throw new Error('No server runs: start these tests with `npm run test:servers`.');
  return JSON.parse(text);
}
