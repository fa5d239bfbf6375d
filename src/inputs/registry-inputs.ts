import { quoted } from '../domain/suggestion.ts';
import { KEYLESS_INPUTS, type Keyless } from './keyless.ts';
import { list } from './lists.ts';
import { type LoginInput, logins, readHost } from './logins.ts';
import { registryApi, registryType } from './registries.ts';
import { type InputsOf, path, pattern, secret, text } from './schema.ts';
import type { VendorId } from './vendors.ts';

/** Inputs for registries and their credentials. */
export const REGISTRY_INPUTS = {
  registry: text({
    group: 'Registries',
    about: 'The host that `username` and `password` are for. Empty: Docker Hub.',
    example: 'ghcr.io',
  }),
  username: text({ group: 'Registries', about: 'User name at the registry.', example: '${{ github.actor }}' }),
  password: secret({
    group: 'Registries',
    about: 'Password or token at the registry. Masked; never on a command line.',
    example: '${{ secrets.GITHUB_TOKEN }}',
  }),
  'registry-auth': logins({
    group: 'Registries',
    about:
      'Several registries: a YAML list of `registry`, each with `username` and `password`, or with the inputs for a keyless login below, or alone.',
  }),
  'role-to-assume': pattern(
    /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
    'the ARN of a role, arn:aws:iam::<account>:role/<name>',
    {
      group: 'Registries',
      about: 'Keyless, Amazon ECR: the role to assume with the OIDC token of the job. Needs `id-token: write`.',
      example: 'arn:aws:iam::123456789012:role/publish',
    },
  ),
  'role-session-name': pattern(/^[\w+=,.@-]{2,64}$/, 'at most 64 characters of A-Z a-z 0-9 _ + = , . @ -', {
    group: 'Registries',
    about: 'Keyless, Amazon ECR: the name of the session in CloudTrail. Empty: `GitHubActions`.',
  }),
  'workload-identity-provider': text({
    group: 'Registries',
    about: 'Keyless, Google: full name of the workload identity provider. Needs `id-token: write`.',
    example: 'projects/123456789/locations/global/workloadIdentityPools/github/providers/repo',
  }),
  'service-account': text({
    group: 'Registries',
    about: 'Keyless, Google: email of the service account to act as. Empty: the workload identity itself.',
    example: 'publish@my-project.iam.gserviceaccount.com',
  }),
  'azure-client-id': text({
    group: 'Registries',
    about: 'Keyless, Azure: client id of the app registration or managed identity. Needs `id-token: write`.',
  }),
  'azure-tenant-id': text({ group: 'Registries', about: 'Keyless, Azure: id of the Entra tenant.' }),
  'dockerhub-connection-id': text({
    group: 'Registries',
    about: 'Keyless, Docker Hub: id of the OIDC connection in Docker Home. Needs `id-token: write`.',
  }),
  'dockerhub-organization': text({
    group: 'Registries',
    about: 'Keyless, Docker Hub: the organization that the connection belongs to.',
  }),
  'oidc-provider-name': text({
    group: 'Registries',
    about: 'Keyless, Artifactory: name of the OIDC provider there. Needs `id-token: write`.',
  }),
  'oidc-audience': text({
    group: 'Registries',
    about: "Keyless: the audience of the OIDC token. Empty: the vendor's usual one.",
  }),
  'registry-type': registryType({
    group: 'Registries',
    about:
      'The kind of registry, for hosts whose name does not show it: a list of `host=kind`, or one kind for all such hosts.',
    example: 'harbor.example.com=harbor',
  }),
  'registry-api': registryApi({
    group: 'Registries',
    about: 'Where the management API of a registry is, when not at the same host: a list of `host=URL`.',
    example: 'nexus.example.com:8082=https://nexus.example.com/repository/docker',
  }),
  'registry-ca': path({
    group: 'Registries',
    about: 'A PEM file with the certificates of your own authority, trusted besides the usual ones.',
  }),
  'insecure-registries': list(
    {
      group: 'Registries',
      about: 'Hosts that may be accessed over plain HTTP, a list. `localhost` always may.',
      example: 'registry.lan:5000',
    },
    (item) => {
      const host = readHost(item);
      if (!host.ok) return host.problems[0];
      return host.value === item ? undefined : `got ${quoted(item)}, expected the bare host: ${host.value}.`;
    },
  ),
  'github-token': secret({
    group: 'Registries',
    about:
      "Token for GitHub's API, to compare commits, and for ghcr.io when there is no other login. Needs `contents: read`, for ghcr.io also `packages: write`, for the status of deployments `deployments: write`.",
    default: '${{ github.token }}',
  }),
} as const;

export type RegistryInputs = InputsOf<typeof REGISTRY_INPUTS>;

/** Settings for opening registries. */
export interface RegistrySettings {
  /** From `registry`, `username` and `password`, or from `registry-auth`; one per host. */
  readonly logins: readonly LoginInput[];
  /** The explicitly named registries. */
  readonly hosts: readonly string[];
  /** Settings of keyless logins, for all hosts, with overrides for some. */
  readonly keyless: Keyless;
  readonly keylessByHost: ReadonlyMap<string, Keyless>;
  /** For hosts that do not show it; `*` stands for all of them. */
  readonly types: ReadonlyMap<string, VendorId>;
  /** Management APIs on other hosts. */
  readonly apis: ReadonlyMap<string, URL>;
  /** Path of a PEM file. */
  readonly authority: string | undefined;
  readonly insecureHosts: readonly string[];
  readonly githubToken: string | undefined;
}

/** The settings in the inputs. */
export function registrySettings(inputs: RegistryInputs): RegistrySettings {
  const { registry, username, password, 'registry-auth': several } = inputs;
  const single = readHost(registry ?? 'docker.io');
  const hasLogin = username !== undefined && password !== undefined && single.ok;
  return {
    logins: hasLogin ? [{ host: single.value, username, password }] : several.flatMap(({ login }) => login ?? []),
    hosts: (hasLogin || registry !== undefined) && single.ok ? [single.value] : several.map(({ host }) => host),
    keyless: Object.fromEntries(KEYLESS_INPUTS.flatMap((name) => (inputs[name] ? [[name, inputs[name]]] : []))),
    keylessByHost: new Map(
      several.flatMap(({ host, keyless }) => (Object.keys(keyless).length > 0 ? [[host, keyless] as const] : [])),
    ),
    types: new Map(inputs['registry-type']),
    apis: new Map(inputs['registry-api']),
    authority: inputs['registry-ca'],
    insecureHosts: inputs['insecure-registries'],
    githubToken: inputs['github-token'],
  };
}
