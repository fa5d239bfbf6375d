import { ActionError, type ErrorFacts } from '../errors/action-error.ts';
import { classify, classifyNetwork, type RegistryAnswer } from '../errors/classify.ts';

/** What was being done, as phrased in remedies. */
const OPERATIONS = {
  read: 'read',
  write: 'push',
  delete: 'delete',
  token: 'login',
  keyless: 'login',
} as const satisfies Record<RegistryAnswer['operation'], ErrorFacts['operation']>;

/** Turns an error response into an error of the catalogue, with the server's own message appended. */
export function registryError(
  answer: RegistryAnswer,
  happened: string,
  facts: ErrorFacts,
  cause?: unknown,
): ActionError {
  const words = [answer.code, answer.message].filter((each) => each !== undefined && each !== '').join(': ');
  const error = new ActionError(classify(answer), words === '' ? `${happened}.` : `${happened}: ${words}`, {
    facts: { operation: OPERATIONS[answer.operation], ...facts, status: answer.status },
    cause,
  });
  // A right denied by a firewall cannot be granted in the registry.
  return answer.isPage === true && error.code === 'DENIED'
    ? error.withRemedy([PAGE_HINT, ...error.remedy].slice(0, 3))
    : error;
}

const PAGE_HINT =
  'The answer is a web page, as a proxy or a firewall sends it, and not the error of a registry: check what is between the runner and `{host}`, and whether it blocks this runner.';

/** OpenSSL's errors for a peer without TLS: it reads the first bytes of a plain HTTP response as a version. */
const NO_TLS = /wrong version number/i;

/** A TLS alert from the server, which ends the handshake: https://www.rfc-editor.org/rfc/rfc8446#section-6.2 */
const TLS_ALERT = /\balert\b|ERR_SSL_(?:UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE)|unsupported protocol/i;
/** Errors of Node's HTTP/1.1 parser. */
const NO_HTTP = /^HPE_/;

/** Turns a request without a response into an error of the catalogue; other errors are returned unchanged. */
export function networkError(error: unknown, doing: string, facts: ErrorFacts): unknown {
  if (error instanceof ActionError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  // Happy eyeballs: a name with several addresses fails with all of their errors at once and without a message.
  const [first] = error instanceof AggregateError ? error.errors : [];
  if (NO_TLS.test(error.message)) {
    const text = `${doing} failed: the answer is not TLS, most likely it is plain HTTP.`;
    return new ActionError('PLAIN_HTTP', text, { facts, cause: error });
  }
  if (TLS_ALERT.test(`${code} ${error.message}`)) {
    const hint = /application protocol/i.test(error.message) ? ' The server may only support HTTP/2.' : '';
    const text = `${doing} failed: the server refused the TLS handshake (${briefly(error.message)}).${hint}`;
    return new ActionError('TLS_REFUSED', text, { facts, cause: error });
  }
  const row = classifyNetwork(code);
  if (row === undefined) return error;
  const said = error.message || (first instanceof Error ? first.message : code);
  const why = NO_HTTP.test(code ?? '') ? `the answer is not valid HTTP/1.1 (${said})` : said;
  return new ActionError(row, `${doing} failed: ${why}`, { facts, cause: error });
}

/**
 * OpenSSL's reason without thread id, file and line: `40:error:0A000410:SSL routines:…:alert handshake
 * failure:../deps/…`.
 */
function briefly(message: string): string {
  return /SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message.slice(0, 200);
}
