import type { CloudRequest, Service } from '../cloud.ts';
import type { Contract } from '../contract.ts';

/** A service that looks at every request by the vendor's description first. */
export interface CheckedService extends Service {
  /** What was wrong with requests, in order; a test asserts that it is empty. */
  readonly problems: readonly string[];
}

/**
 * Wraps a service so that a request that breaks the contract is refused: it throws, which the cloud answers with 599,
 * and stands in `problems`, for callers that get over a refusal.
 *
 *     const hub = checked(dockerHub(state), await readContract('docker-hub'));
 *     await using cloud = await startCloud({ 'hub.docker.com': hub });
 *     …
 *     expect(hub.problems).toEqual([]);
 *
 * @param applies which requests the description is for, where a host serves a registry or tokens besides
 */
export function checked(
  service: Service,
  contract: Contract,
  applies: (request: CloudRequest) => boolean = () => true,
): CheckedService {
  const problems: string[] = [];
  const inspect = async (request: CloudRequest) => {
    const found = applies(request) ? contract.check(request) : [];
    problems.push(...found);
    if (found.length > 0) throw new Error(`Not as the vendor describes it: ${found.join('; ')}`);
    return service(request);
  };
  return Object.assign(inspect, { problems });
}
