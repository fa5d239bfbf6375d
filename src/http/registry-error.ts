import { ActionError, type ErrorFacts } from '../errors/action-error.ts';
import { classify, classifyNetwork, type RegistryAnswer } from '../errors/classify.ts';

/** What was being done, in the words of remedies. */
const OPERATIONS = {
  read: 'read',
  write: 'push',
  delete: 'delete',
  token: 'login',
  keyless: 'login',
} as const satisfies Record<RegistryAnswer['operation'], ErrorFacts['operation']>;

/** An error answer as the row of the catalogue that it belongs to, with the server's own words behind ours. */
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
  // A right that a firewall denies is not granted in the registry.
  return answer.isPage === true && error.code === 'DENIED'
    ? error.withRemedy([PAGE, ...error.remedy].slice(0, 3))
    : error;
}

const PAGE =
  'The answer is a web page, as a proxy or a firewall sends it, and not the error of a registry: check what is between the runner and `{host}`, and whether it blocks this runner.';

/** OpenSSL's words for bytes that are no TLS: the first ones of an answer in plain HTTP look like a version to it. */
const NO_TLS = /wrong version number/i;

/** An alert of the server, which ends the handshake: https://www.rfc-editor.org/rfc/rfc8446#section-6.2 */
const TLS_ALERT = /\balert\b|ERR_SSL_(?:UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE)|unsupported protocol/i;
/** What Node's parser of HTTP/1.1 has against an answer. */
const NO_HTTP = /^HPE_/;

/** A request that got no answer as a row of the catalogue; what is not a matter of the network comes back as it is. */
export function networkError(error: unknown, doing: string, facts: ErrorFacts): unknown {
  if (error instanceof ActionError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  // Happy eyeballs: a name with several addresses fails with all of their errors at once, and without a message.
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

/** OpenSSL's reason without its address, file and line: `40:error:0A000410:SSL routines:…:alert handshake failure:../deps/…`. */
function briefly(message: string): string {
  return /SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message.slice(0, 200);
}
