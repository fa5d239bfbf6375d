import { Readable } from 'node:stream';
import { fieldsOf } from '../../domain/fields.ts';
import { ActionError, type ErrorFacts } from '../../errors/action-error.ts';
import type { RegistryAnswer } from '../../errors/classify.ts';
import { networkError, registryError } from '../../http/registry-error.ts';
import type { HttpRequest, Transport } from '../../http/transport.ts';
import type { LoginContext } from '../vendor.ts';
import type { Identity } from './sdk-credentials.ts';

/** A request as the SDK passes it to a request handler. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const METHODS: readonly HttpRequest['method'][] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Sends the SDK's requests through the shared transport, so that proxies, additional authorities and timeouts apply to
 * them. https://github.com/aws/aws-sdk-js-v3/blob/main/supplemental-docs/CLIENTS.md#request-handler-requesthandler
 */
function requestHandler(transport: Transport) {
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async (request: SdkRequest) => {
      const { protocol, hostname, port, path, query = {}, headers } = request;
      const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`);
      for (const [name, value] of Object.entries(query)) {
        for (const item of typeof value === 'object' && value !== null ? value : [value ?? ''])
          url.searchParams.append(name, item);
      }
      const method = METHODS.find((known) => known === request.method) ?? 'POST';
      const bytes = toBytes(request.body);
      // The transport sets host and length itself.
      const own = Object.fromEntries(
        Object.entries(headers).filter(([name]) => !/^(?:content-length|host)$/i.test(name)),
      );
      const answer = await transport({
        method,
        url,
        headers: own,
        ...(bytes === undefined ? {} : { body: { size: bytes.length, open: () => bytes } }),
      });
      const flat = Object.entries(answer.headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]);
      return {
        response: {
          statusCode: answer.status,
          headers: Object.fromEntries(flat),
          body: answer.stream instanceof Readable ? answer.stream : Readable.from(answer.stream),
        },
      };
    },
  };
}

/** Options of every SDK client; AWS_ENDPOINT_URL and the like are the SDK's own variables. */
export function clientOptions(
  { env, transport }: Pick<LoginContext, 'env' | 'transport'>,
  service: 'ECR' | 'ECR_PUBLIC' | 'KMS' | 'STS',
  region: string,
  credentials: Identity['credentials'],
) {
  const endpoint = env[`AWS_ENDPOINT_URL_${service}`] || env.AWS_ENDPOINT_URL;
  return { region, credentials, requestHandler: requestHandler(transport), ...(endpoint ? { endpoint } : {}) };
}

function toBytes(body: unknown): Buffer | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return Buffer.from(body);
  // Passes the bytes unchanged: copying would turn the SDK's array type into text.
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  throw new ActionError('INTERNAL', 'The AWS SDK sent a body of an unknown form.');
}

/** An SDK error, bounded: name, HTTP status, message. */
export function readSdkError(error: unknown): {
  readonly name: string;
  readonly status?: number;
  readonly words: string;
} {
  const { name, message, $metadata } = propertiesOf(error);
  const { httpStatusCode: status } = fieldsOf($metadata);
  return {
    name: typeof name === 'string' ? name.slice(0, 100) : 'Error',
    ...(typeof status === 'number' ? { status } : {}),
    words: String(message).replaceAll(/\s+/g, ' ').slice(0, 500),
  };
}

/** The fields of an error, including name and message, which are not own properties. */
function propertiesOf(error: unknown): Readonly<Record<string, unknown>> {
  return error instanceof Error ? { ...error, name: error.name, message: error.message } : fieldsOf(error);
}

/** Turns an SDK error into an error of the catalogue. */
export function sdkError(
  error: unknown,
  host: string,
  operation: RegistryAnswer['operation'],
  what: string,
  facts: ErrorFacts,
): unknown {
  if (error instanceof ActionError) return error;
  const { name, status, words } = readSdkError(error);
  if (status !== undefined) {
    return registryError(
      { host, operation, status, code: name.toUpperCase(), message: words },
      `AWS answered ${status} to ${what} (${host})`,
      facts,
      error,
    );
  }
  if (name === 'CredentialsProviderError') {
    return new ActionError('CREDENTIALS_MISSING', `There are no AWS credentials for ${what} (${host}): ${words}`, {
      facts,
    });
  }
  return networkError(error, what, facts);
}
