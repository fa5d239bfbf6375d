import { expect, onTestFinished } from 'vitest';
import type { ErrorCode } from '../../src/errors/catalogue.ts';
import { createApi } from '../../src/http/api.ts';
import { createTransport } from '../../src/http/transport.ts';
import type { ManagementContext } from '../../src/registries/vendor.ts';
import { type Host, startCloud } from './cloud.ts';
import { createTestClock, createTestRuntime } from './runtime.ts';

/** What a test says of its place; what it leaves out nobody may ask for, or is empty. */
export type PlaceFields = Pick<ManagementContext, 'host' | 'repository'> & Partial<ManagementContext>;

const never = async () => {
  throw new Error('nobody may ask for this');
};

/**
 * A place to log in at and to manage a repository of, whose requests reach the hosts given and no others. It is cleared
 * away at the end of the test that calls this.
 */
export async function vendorPlace(
  hosts: Readonly<Record<string, Host>>,
  fields: PlaceFields,
  clock = createTestClock(),
) {
  const cloud = await startCloud(hosts);
  onTestFinished(cloud.close);
  const runtime = await createTestRuntime({ clock });
  onTestFinished(runtime.dispose);
  const { signal } = new AbortController();
  const transport = createTransport({ signal, insecureHosts: [], ca: cloud.ca, env: cloud.env, userAgent: 'test' });
  const place: ManagementContext = {
    origin: new URL(`https://${fields.host}/`),
    keyless: {},
    api: createApi({ transport, clock, signal, log: runtime.log, mask: runtime.secret }),
    transport,
    env: {},
    clock,
    log: runtime.log,
    idToken: never,
    credentials: never,
    store: { head: never, listTags: never, deleteManifest: never },
    ...fields,
  };
  /** What the services were asked, as `GET /path?query`. */
  const sent = () => cloud.requests.map(({ method, url }) => `${method} ${url.pathname}${url.search}`);
  return { cloud, clock, runtime, place, sent };
}

/** The whole of a list that comes page by page. */
export async function collect<T>(list: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const each of list) found.push(each);
  return found;
}

/** An error of the code, whose message has the words in it. */
export const refusal = (code: ErrorCode, words: RegExp | string = '') =>
  expect.objectContaining({
    code,
    message: typeof words === 'string' ? expect.stringContaining(words) : expect.stringMatching(words),
  });
