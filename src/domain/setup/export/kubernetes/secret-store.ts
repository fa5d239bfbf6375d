import type { ExportedRegistry } from '../exported-file.ts';

/** The SecretStore that passwords come from. */
export const STORE_NAME = 'registry-credentials';

export interface SecretStore {
  readonly title: string;
  readonly line: number;
  readonly provider: Readonly<Record<string, unknown>>;
}

/** The store of secrets that the file itself uses, in the order of the file; undefined: it uses none. */
export function secretStore(registries: readonly ExportedRegistry[]): SecretStore | undefined {
  for (const { vendor, desired } of registries) {
    const { line, host, namespace, cache } = desired;
    const secrets = (cache?.value ?? []).flatMap(({ secret }) => secret ?? []);
    const region = /\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\./.exec(host)?.[1];
    if (vendor === 'ecr' && region !== undefined)
      return { title: 'AWS Secrets Manager', line, provider: { aws: { service: 'SecretsManager', region } } };
    const [projectID = ''] = namespace.split('/', 1);
    if (vendor === 'artifact-registry' && projectID !== '')
      return { title: 'Google Secret Manager', line, provider: { gcpsm: { projectID } } };
    const vault = secrets.flatMap(
      (secret) => /^(https:\/\/[a-z0-9-]+\.vault\.azure\.(?:net|us|cn))\//.exec(secret)?.[1] ?? [],
    );
    if (vendor === 'acr' && vault[0] !== undefined) {
      const azurekv = { authType: 'WorkloadIdentity', vaultUrl: vault[0] };
      return { title: 'Azure Key Vault', line, provider: { azurekv } };
    }
  }
  return undefined;
}
