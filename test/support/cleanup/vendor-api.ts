import type { Credentials } from '../../../src/credentials/credential.ts';
import type { VendorId } from '../../../src/inputs/vendors.ts';
import type { ManagementContext } from '../../../src/registries/vendor.ts';
import type { Service } from '../cloud.ts';
import type { CheckedService } from '../contract/checked.ts';
import type { Sent } from '../contract.ts';
import type { StoredImage } from './content.ts';

/** The API of a vendor over the content of a registry in memory. */
interface VendorApi {
  readonly api: CheckedService;
  readonly hosts: Readonly<Record<string, Service>>;
  readonly fields: Partial<ManagementContext>;
  /** Tells the API what the registry has. */
  readonly load: (images: readonly StoredImage[]) => void;
  /** What is left in the API: tags with their digests, and digests, where the API deletes those. */
  readonly left: () => { readonly tags: ReadonlySet<string>; readonly digests?: ReadonlySet<string> };
}

export interface VendorRow {
  readonly id: Exclude<VendorId, 'distribution'>;
  readonly host: string;
  readonly repository: string;
  /** What logs in, for a run of the action. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly start: (now: () => Date) => Promise<VendorApi>;
}

export const PUSHED = '2026-01-02T03:04:05.000Z';
export const hex = (digest: string) => digest.slice('sha256:'.length);
const login = (username: string, password: string): Credentials => ({
  kind: 'password',
  username,
  password,
  from: 'the inputs',
});
export const as = (username: string, password: string) => ({ credentials: async () => login(username, password) });
export const under =
  (prefix: string) =>
  ({ url }: Sent) =>
    url.pathname.startsWith(prefix);
export const missing: Service = () => ({ status: 500, body: 'no such host' });
export const tagsIn = (images: Iterable<{ readonly tags: readonly string[] }>) =>
  new Set([...images].flatMap(({ tags }) => tags));
export const digestsIn = (images: Iterable<{ readonly digest: string }>) =>
  new Set([...images].map(({ digest }) => digest));
