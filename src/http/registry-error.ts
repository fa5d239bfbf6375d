import { ActionError, type ErrorFacts } from '../errors/action-error.ts';
import { classify, classifyNetwork, type RegistryAnswer } from '../errors/classify.ts';

/** An error answer as the row of the catalogue that it belongs to, with the server's own words behind ours. */
export function registryError(
  answer: RegistryAnswer,
  happened: string,
  facts: ErrorFacts,
  cause?: unknown,
): ActionError {
  const words = [answer.code, answer.message].filter((each) => each !== undefined && each !== '').join(': ');
  return new ActionError(classify(answer), words === '' ? `${happened}.` : `${happened}: ${words}`, {
    facts: { ...facts, status: answer.status },
    cause,
  });
}

/** OpenSSL's words for bytes that are no TLS: the first ones of an answer in plain HTTP look like a version to it. */
const NO_TLS = /wrong version number/i;

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
  const row = classifyNetwork(code);
  if (row === undefined) return error;
  const why = error.message || (first instanceof Error ? first.message : code);
  return new ActionError(row, `${doing} failed: ${why}`, { facts, cause: error });
}
