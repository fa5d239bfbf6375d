import { onTestFinished } from 'vitest';
import { isDigest } from '../../../src/domain/digest.ts';
import { createRegistryClient } from '../../../src/oci/client/registry-client.ts';
import { manage } from '../../../src/registries/management-port.ts';
import { VENDORS } from '../../../src/registries/vendors.ts';
import type { CleanupTarget } from '../../../src/run/inventory/collected.ts';
import type { CloudReply, CloudRequest, Service } from '../cloud.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from '../registry.ts';
import { errorReply, type Received, type Reply } from '../registry-exchange.ts';
import { createTestClock } from '../runtime.ts';
import { vendorPlace } from '../vendor-place.ts';
import { oidcDouble } from '../vendors/oidc.ts';
import { contentOf, storedImages } from './content.ts';
import { plainTarget } from './plain-target.ts';
import type { VendorRow } from './vendor-api.ts';

/** A repository of a vendor, opened for a cleanup: its API and its registry have the same content at every moment. */
export async function vendorScene(
  row: VendorRow,
  /** Answers instead of the vendor's API; undefined lets a request through. */
  fault: (request: CloudRequest) => CloudReply | undefined = () => undefined,
  { start, onWrite = () => undefined }: { readonly start?: string; readonly onWrite?: () => void } = {},
) {
  const clock = createTestClock(start);
  const vendor = VENDORS[row.id];
  const vendorApi = await row.start(clock.now);
  const registry = await startRegistry({
    deletes: 'digests and tags',
    auth: {
      decides: (_, __, request) => {
        if (['PUT', 'DELETE'].includes(request.method)) onWrite();
        return ownDeletion(row, request, registry);
      },
    },
    origin: `https://${row.host}`,
  });
  onTestFinished(registry.close);
  /** One request after the other: what one deletes must not come back with the load of another. */
  let turn: Promise<unknown> = Promise.resolve();
  const synced: Service = (request) => {
    if (request.method === 'DELETE' || /BatchDelete/.test(String(request.headers['x-amz-target']))) onWrite();
    const instead = fault(request);
    if (instead !== undefined) return instead;
    const reply = turn.then(() => answer(request));
    turn = reply.catch(() => undefined);
    return reply;
  };
  const answer: Service = async (request) => {
    vendorApi.load(storedImages(registry, row.repository));
    const reply = await vendorApi.api(request);
    const { tags, digests } = vendorApi.left();
    for (const tag of Object.keys(registry.tags(row.repository)))
      if (!tags.has(tag)) registry.drop(row.repository, tag);
    for (const digest of registry.digests(row.repository)) {
      if (digests?.has(digest) === false) registry.drop(row.repository, digest);
    }
    return reply;
  };
  const apiHosts = Object.entries(vendorApi.hosts).map(([name, service]) => [
    name,
    service === vendorApi.api ? synced : service,
  ]);
  const services: Record<string, Service> = Object.fromEntries(apiHosts);
  const registryHost = row.host === 'docker.io' ? 'registry-1.docker.io' : row.host;
  const own = services[registryHost];
  const oidc = oidcDouble();
  const scene = await vendorPlace(
    { ...services, ...oidc.hosts, [registryHost]: { host: registry.host, ...(own === undefined ? {} : { api: own }) } },
    { host: row.host, repository: row.repository, ...vendorApi.fields },
    clock,
  );
  const keylessLogin =
    scene.place.keyless['workload-identity-provider'] === undefined ? undefined : vendor.login?.(scene.place);
  const found = await keylessLogin;
  const client = await createRegistryClient({
    host: row.host,
    credentials: async () => undefined,
    clock,
    signal: new AbortController().signal,
    log: scene.runtime.log,
    mask: () => undefined,
    ca: scene.cloud.ca,
    env: scene.cloud.env,
  });
  const repository = client.repository(row.repository);
  const place = {
    ...scene.place,
    store: repository,
    ...(found === undefined ? {} : { credentials: async () => found }),
  };
  const target: CleanupTarget = {
    image: { name: `${row.host}/${row.repository}` },
    vendor,
    managed: manage(vendor, place),
    repository,
  };
  return {
    ...scene,
    registry,
    target,
    options: { clock, log: scene.runtime.log },
    content: contentOf(registry, row.repository),
    problems: () => vendorApi.api.problems,
    oidc,
    stored: () => storedImages(registry, row.repository),
  };
}

/** A plain registry, opened for a cleanup. */
export async function plainScene(options: RegistryOptions = {}, name = 'team/app') {
  const registry = await startRegistry({ deletes: 'digests and tags', ...options });
  onTestFinished(registry.close);
  const clock = createTestClock();
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const log = {
    info: say,
    debug: say,
    notice: say,
    warning: say,
    error: say,
    group: <T>(_: string, task: () => Promise<T>) => task(),
  };
  const target = await plainTarget(registry.host, name, { clock, log });
  return {
    registry,
    target,
    lines,
    options: { clock, log },
    content: contentOf(registry, name),
    stored: () => storedImages(registry, name),
  };
}

/** What a vendor's registry answers to a deletion in its own way: which it refuses, and what else goes. */
function ownDeletion(
  { id, repository }: VendorRow,
  { method, url }: Received,
  registry: TestRegistry,
): Reply | undefined {
  if (method !== 'DELETE' || !url.pathname.includes('/manifests/')) return undefined;
  const reference = url.pathname.split('/').at(-1) ?? '';
  const unsupported = errorReply(405, 'UNSUPPORTED', 'The operation is unsupported.');
  if (!isDigest(reference)) return unsupported;
  const held = storedImages(registry, repository);
  if (id === 'acr') {
    if (!held.some(({ digest }) => digest === reference)) return errorReply(404, 'MANIFEST_UNKNOWN', 'not known');
    dropWithReferrers(registry, repository, reference);
    return { status: 202 };
  }
  if (id !== 'docker-hub') return unsupported;
  const isUsed = held.some(
    ({ digest, tags, children }) => (digest === reference && tags.length > 0) || children.includes(reference),
  );
  return isUsed ? errorReply(403, 'DENIED', 'manifest is still referenced by a tag or an index') : undefined;
}

function dropWithReferrers(registry: TestRegistry, repository: string, digest: string): void {
  registry.drop(repository, digest);
  const left = storedImages(registry, repository).filter(({ subject }) => subject === digest);
  for (const each of left) dropWithReferrers(registry, repository, each.digest);
}
