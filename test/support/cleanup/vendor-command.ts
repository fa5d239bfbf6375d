import type { CloudReply, CloudRequest } from '../cloud.ts';
import { runCleanup } from './command.ts';
import { vendorScene } from './scene.ts';
import type { VendorRow } from './vendor-api.ts';

/** A repository of a vendor as a job finds it: `run` is the built action with the login and the variables that the vendor needs. */
export async function vendorCommand(
  row: VendorRow,
  fault?: (request: CloudRequest) => CloudReply | undefined,
  /** Called when a write arrives, before it is done. */
  onWrite: () => void = () => undefined,
) {
  const scene = await vendorScene(row, fault, { start: new Date().toISOString(), onWrite });
  const { cloud, oidc } = scene;
  const image = `${row.host}/${row.repository}`;
  const env = { ...cloud.env, ...oidc.env, GITHUB_REPOSITORY: 'acme/app', GITHUB_API_URL: 'https://api.github.com' };
  const inputs = { images: image, 'registry-ca': cloud.caFile, ...row.inputs };
  return {
    ...scene,
    image,
    run: (more: Readonly<Record<string, string>>, options: Partial<Parameters<typeof runCleanup>[1]> = {}) =>
      runCleanup({ ...inputs, ...more }, { ...options, env: { ...env, ...options.env } }),
  };
}
