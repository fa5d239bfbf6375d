import { KEYLESS_INPUTS, type KeylessInput } from './keyless.ts';
import { readHost } from './logins.ts';
import type { RegistryInputs } from './registry-inputs.ts';
import { named, type Rule, type RuleFacts } from './rule.ts';
import type { VendorId } from './vendors.ts';

type Given = RuleFacts<RegistryInputs>['given'];
/** The hosts that a run uses, besides the explicitly named registries. */
type HostsOf<V> = (inputs: V, env: RuleFacts<V>['env']) => readonly string[];

/** Rules for the registry inputs, for a command that takes several accounts at one registry. */
export const ACCOUNT_RULES: readonly Rule<RegistryInputs>[] = [
  (inputs, { given, writes }) =>
    given('username') && inputs.password === undefined && writes
      ? '`username` is set and `password` is empty. If it comes from a secret, check that the secret exists and that this event may read it (pull requests from forks may not).'
      : undefined,
  (inputs, { given, writes }) =>
    inputs.password !== undefined && !given('username') && writes
      ? '`password` is set without `username`. Add it, for instance `username: ${{ github.actor }}` on ghcr.io.'
      : undefined,
  (inputs, { writes }) =>
    writes
      ? inputs['registry-auth'].flatMap(({ host, empty = [] }) =>
          empty.length > 0
            ? [
                `\`registry-auth\`: ${named(empty)} for ${host} ${empty.length > 1 ? 'are' : 'is'} missing or empty. If it comes from a secret, check that the secret exists, that this event may read it (pull requests from forks may not), and put it in single quotes.`,
              ]
            : [],
        )
      : undefined,
  (_, { given }) => {
    const also = (['registry', 'username', 'password'] as const).filter(given);
    return given('registry-auth') && also.length > 0
      ? `\`registry-auth\` cannot be used together with ${named(also)}. Make them an entry of \`registry-auth\`.`
      : undefined;
  },
  (inputs) => {
    const host = inputs.registry === undefined ? undefined : readHost(inputs.registry);
    return host === undefined || host.ok ? undefined : `\`registry\`: ${host.problems.join(' ')}`;
  },
  (_, { given }) => {
    const keyless = KEYLESS_INPUTS.filter(given);
    return given('username') && keyless.length > 0
      ? `\`username\` and \`password\` come before ${named(keyless)}, which would have no effect for their registry. Keep one, or use \`registry-auth\` with one entry for each registry.`
      : undefined;
  },
  (_, { given }) =>
    TOGETHER.filter(([name, needs]) => given(name) && !given(needs)).map(
      ([name, needs]) => `\`${name}\` needs \`${needs}\` as well. Add it, or remove \`${name}\`.`,
    ),
  (inputs, { given }) =>
    given('oidc-audience') && !KEYLESS_HOSTS.some(({ input }) => given(input)) && inputs['registry-auth'].length === 0
      ? '`oidc-audience` is for a keyless login, and none is configured. Add one, such as `role-to-assume`, or remove it.'
      : undefined,
];

/** Only `mirror` has several accounts at one registry: elsewhere one login is for all images of a host. */
const loginIsForHost: Rule<RegistryInputs> = (inputs) =>
  inputs['registry-auth'].flatMap(({ host, scope }) =>
    scope === undefined
      ? []
      : [
          `\`registry-auth\`: got "${host}/${scope}", expected a host such as ${host}, without a path. Only \`command: mirror\` has several accounts at one registry.`,
        ],
  );

/** Rules for the registry inputs of every other command. */
export const REGISTRY_RULES: readonly Rule<RegistryInputs>[] = [...ACCOUNT_RULES, loginIsForHost];

/** A registry without credentials is valid for `command: login`, and an incomplete input elsewhere. */
export const registryHasLogin: Rule<RegistryInputs> = (inputs, { given, writes }) =>
  given('registry') && !given('username') && inputs.password === undefined && !KEYLESS_INPUTS.some(given) && writes
    ? '`registry` is set without `username` and `password`. Add them, or remove it when the login is done elsewhere.'
    : undefined;

/** Credentials without a host are for Docker Hub, and a mistake if no image is there. */
export function loginHasImage<V extends RegistryInputs>(hostsOf: HostsOf<V>): Rule<V> {
  return (inputs, { given, env }) => {
    if (!given('username') || inputs.password === undefined || given('registry')) return undefined;
    const hosts = hostsOf(inputs, env);
    const [first] = hosts;
    return first === undefined || hosts.includes('docker.io')
      ? undefined
      : `\`username\` and \`password\` without \`registry\` are for Docker Hub, but no image is on Docker Hub. Add \`registry: ${first}\`, or \`registry: docker.io\` if they are for base images.`;
  };
}

/** Warns about a keyless login without a matching registry. */
export function keylessHasRegistry<V extends RegistryInputs>(hostsOf: HostsOf<V>): Rule<V> {
  return (inputs, { given, env }) => {
    const named = [inputs.registry ?? [], inputs['registry-auth'].map(({ host }) => host)].flat();
    const hosts = [...hostsOf(inputs, env), ...named];
    const vendors = inputs['registry-type'].map(([, vendor]) => vendor);
    return KEYLESS_HOSTS.filter(
      ({ input, vendor, host }) => given(input) && !vendors.includes(vendor) && !hosts.some((name) => host.test(name)),
    ).map(({ input, title }) => `\`${input}\` has no effect: none of the registries of this run is ${title}.`);
  };
}

/** Warns that a read-only run continues without its intended credentials. */
export const emptyCredentialsWarning: Rule<RegistryInputs> = (inputs, { given, writes }) =>
  writes
    ? undefined
    : emptyCredentials(inputs, given).map(
        (text) =>
          `${text} Nothing is pushed, so the run continues with anonymous access. Pull requests from forks do not receive secrets.`,
      );

/** Empty inputs or entries for credentials, as sentences. */
export function emptyCredentials(inputs: RegistryInputs, given: Given): readonly string[] {
  const { registry = 'docker.io', password } = inputs;
  const [has, needs] = [given('username'), password !== undefined];
  const single =
    has === needs
      ? has || !given('registry') || KEYLESS_INPUTS.some(given)
        ? []
        : [`\`username\` and \`password\` for ${registry} are empty.`]
      : [`\`${has ? 'password' : 'username'}\` for ${registry} is empty.`];
  return [
    ...single,
    ...inputs['registry-auth'].flatMap(({ host, empty = [] }) =>
      empty.length > 0
        ? [`\`registry-auth\`: ${named(empty)} for ${host} ${empty.length > 1 ? 'are' : 'is'} empty.`]
        : [],
    ),
  ];
}

/** Inputs that require another one. */
const TOGETHER: readonly (readonly [name: keyof RegistryInputs, needs: keyof RegistryInputs])[] = [
  ['dockerhub-connection-id', 'dockerhub-organization'],
  ['dockerhub-organization', 'dockerhub-connection-id'],
  ['azure-client-id', 'azure-tenant-id'],
  ['azure-tenant-id', 'azure-client-id'],
  ['service-account', 'workload-identity-provider'],
  ['role-session-name', 'role-to-assume'],
];

/** The registries that a keyless login applies to, by host. */
const KEYLESS_HOSTS: readonly {
  readonly input: KeylessInput;
  readonly title: string;
  readonly vendor: VendorId;
  readonly host: RegExp;
}[] = [
  {
    input: 'role-to-assume',
    title: 'Amazon ECR',
    vendor: 'ecr',
    host: /(?:\.amazonaws\.(?:com|eu)(?:\.cn)?|\.on\.(?:aws|amazonwebservices\.com\.cn)|^public\.ecr\.aws)$/,
  },
  {
    input: 'workload-identity-provider',
    title: 'Artifact Registry',
    vendor: 'artifact-registry',
    host: /(?:-docker\.pkg\.dev|(?:^|\.)gcr\.io)$/,
  },
  {
    input: 'azure-client-id',
    title: 'Azure Container Registry',
    vendor: 'acr',
    host: /\.azurecr\.(?:io|cn|us)$/,
  },
  { input: 'dockerhub-connection-id', title: 'Docker Hub', vendor: 'docker-hub', host: /^docker\.io$/ },
  { input: 'oidc-provider-name', title: 'Artifactory', vendor: 'artifactory', host: /\.jfrog\.io$/ },
];
