import { type Fields, fieldsOf } from '../../domain/fields.ts';
import { ActionError, type ErrorFacts } from '../../errors/action-error.ts';
import { type ApiAnswer, type ApiRequest, unexpected } from '../../http/api.ts';
import { parseErrorBody } from '../../http/error-body.ts';
import { registryError } from '../../http/registry-error.ts';
import type { Clock } from '../../runtime/runtime.ts';

/** Operations take seconds; five minutes is a generous limit. */
const MAX_POLLS = 152;
const POLL_EVERY = 2000;
const FIRST_POLL = 250;
const OPERATION_NAME = /^projects\/[\w.:-]+\/locations\/[\w-]+\/operations\/[\w.-]+$/;

/**
 * Codes of google.rpc.Status and their HTTP statuses, so that a failed operation is classified like a refused request.
 * https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
 */
const RPC_CODES: Readonly<Record<string, readonly [number, string]>> = {
  2: [500, 'UNKNOWN'],
  3: [400, 'INVALID_ARGUMENT'],
  4: [504, 'DEADLINE_EXCEEDED'],
  5: [404, 'NOT_FOUND'],
  6: [409, 'ALREADY_EXISTS'],
  7: [403, 'PERMISSION_DENIED'],
  8: [429, 'RESOURCE_EXHAUSTED'],
  9: [400, 'FAILED_PRECONDITION'],
  10: [409, 'ABORTED'],
  13: [500, 'INTERNAL'],
  14: [503, 'UNAVAILABLE'],
  16: [401, 'UNAUTHENTICATED'],
};

export interface Waiting {
  readonly host: string;
  readonly facts: ErrorFacts;
  readonly clock: Clock;
  readonly ask: (
    path: string,
    request: Pick<ApiRequest, 'method' | 'expect' | 'operation' | 'what'>,
  ) => Promise<ApiAnswer>;
  /** Removes secrets from server texts. */
  readonly redact: (text: string) => string;
}

/**
 * Waits for a long-running operation to finish.
 * @param first the response that named it
 * @param settled the error code that means the desired state already exists, such as ALREADY_EXISTS
 * @returns whether it succeeded; false when it failed with `settled`
 * @throws ActionError classified from its failure; ANSWER_INVALID; REGISTRY_UNAVAILABLE after five minutes
 */
export async function finishOperation(
  { host, facts, clock, ask, redact }: Waiting,
  first: unknown,
  { what, operation, settled }: Pick<ApiRequest, 'what' | 'operation'> & { readonly settled: string },
): Promise<boolean> {
  let state: Fields = fieldsOf(first);
  for (let poll = 0; state.done !== true; poll += 1) {
    const { name } = state;
    if (typeof name !== 'string' || !OPERATION_NAME.test(name)) throw unexpected(host, what, facts);
    if (poll === MAX_POLLS) {
      throw new ActionError('REGISTRY_UNAVAILABLE', `${host} did not finish ${what} within 5 minutes.`, { facts });
    }
    // Most operations are done at once.
    await clock.sleep(Math.min(POLL_EVERY, FIRST_POLL * 2 ** poll));
    state = fieldsOf((await ask(name, { method: 'GET', expect: [200], operation: 'read', what })).json);
  }
  if (state.error === undefined) return true;
  const [status, code] = RPC_CODES[String(fieldsOf(state.error).code)] ?? [400, ''];
  if (code === settled) return false;
  const { message = '' } = parseErrorBody(JSON.stringify(state.error), redact);
  throw registryError({ host, operation, status, code, message }, `${host} failed ${what}`, facts);
}
