import { parseImages } from '../domain/images.ts';
import { pairProblems } from '../domain/labels.ts';
import { parseFlavor } from '../domain/tags/flavor.ts';
import { parseTagRules } from '../domain/tags/rules.ts';
import type { InputValues } from './catalogue.ts';
import { createAttributes } from './create-repository.ts';
import { KEYLESS_INPUTS, type KeylessInput } from './keyless.ts';
import { readHost } from './logins.ts';
import { nameProblems } from './promotion.ts';
import { COMMANDS, type Command } from './schema.ts';
import { hostWithCredentials } from './url-credentials.ts';
import type { VendorId } from './vendors.ts';

/** Tells whether the user has set an input to something other than its default. */
export type Given = (name: keyof InputValues) => boolean;

interface Rule {
  /** Default: `publish` alone. */
  readonly commands?: readonly Command[];
  /** A sentence for the user, or several; undefined when the inputs go together. */
  readonly says: (inputs: InputValues, given: Given) => string | readonly string[] | undefined;
}

/** Inputs that only a build can follow. `platforms`, `provenance` and `sbom` stay: they say what a source must hold. */
const BUILD_ONLY = [
  'context',
  'file',
  'target',
  'labels',
  'annotations',
  'build-args',
  'build-metadata',
  'build-contexts',
  'secrets',
  'secret-envs',
  'secret-files',
  'ssh',
  'cache-from',
  'cache-to',
  'no-cache',
  'no-cache-filters',
  'pull',
  'network',
  'add-hosts',
  'allow',
  'shm-size',
  'ulimit',
  'cgroup-parent',
  'builder',
  'driver-opts',
  'buildkitd-config',
] as const satisfies readonly (keyof InputValues)[];

const GATE_ONLY = [
  'severity',
  'ignore-unfixed',
  'scanners',
  'ignorefile',
  'vex',
  'fail-on-eol',
  'allow-unknown-os',
  'accept-unscanned',
  'max-db-age',
  'trivy-version',
  'trivy-sha256',
  'db-repository',
  'java-db-repository',
  'baseline',
] as const satisfies readonly (keyof InputValues)[];

/** A run that writes to no registry: there empty credentials are no credentials, as in pull requests from forks. */
const writesNothing = ({ push, 'dry-run': dryRun }: InputValues): boolean => !push || dryRun;

/** Which of the inputs or entries for credentials are there and empty, as sentences. */
export function emptyCredentials(inputs: InputValues, given: Given): readonly string[] {
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

const named = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');

/** What inputs must and must not be together. Each rule that speaks is one problem. */
export const RULES: readonly Rule[] = [
  {
    says: (inputs) =>
      inputs.push && inputs.images.length === 0
        ? '`images` is empty, and there is no name to push to. Add for instance `images: ghcr.io/${{ github.repository }}`, or set `push: false`.'
        : undefined,
  },
  {
    // The languages in the inputs, so that a slip in one of them is told with all others.
    says: (inputs) => [
      ...[parseImages(inputs.images), parseTagRules(inputs.tags), parseFlavor(inputs.flavor)].flatMap((each) =>
        each.ok ? [] : each.problems,
      ),
      ...pairProblems('labels', inputs.labels),
      ...pairProblems('annotations', inputs.annotations),
    ],
  },
  {
    says: (_, given) => {
      const ignored = given('source') ? BUILD_ONLY.filter(given) : [];
      return ignored.length > 0
        ? `\`source\` takes an image that is built already, so ${named(ignored)} could have no effect. Remove one or the other.`
        : undefined;
    },
  },
  {
    commands: COMMANDS,
    says: (inputs, given) =>
      given('username') && inputs.password === undefined && !writesNothing(inputs)
        ? '`username` is set and `password` is empty. If it comes from a secret, check that the secret exists and that this event may read it (pull requests from forks may not).'
        : undefined,
  },
  {
    commands: COMMANDS,
    says: (inputs, given) =>
      inputs.password !== undefined && !given('username') && !writesNothing(inputs)
        ? '`password` is set without `username`. Add it, for instance `username: ${{ github.actor }}` on ghcr.io.'
        : undefined,
  },
  {
    commands: ['publish', 'promote'],
    says: (inputs, given) =>
      given('registry') &&
      !given('username') &&
      inputs.password === undefined &&
      !KEYLESS_INPUTS.some(given) &&
      !writesNothing(inputs)
        ? '`registry` is set without `username` and `password`. Add them, or remove it when the login is done elsewhere.'
        : undefined,
  },
  {
    commands: COMMANDS,
    says: (inputs) =>
      writesNothing(inputs)
        ? undefined
        : inputs['registry-auth'].flatMap(({ host, empty = [] }) =>
            empty.length > 0
              ? [
                  `\`registry-auth\`: ${named(empty)} for ${host} ${empty.length > 1 ? 'are' : 'is'} missing or empty. If it comes from a secret, check that the secret exists, that this event may read it (pull requests from forks may not), and put it in single quotes.`,
                ]
              : [],
          ),
  },
  {
    says: (inputs) => {
      const addresses: readonly (readonly [string, string])[] = [
        ['context', inputs.context],
        ['file', inputs.file ?? ''],
        ...inputs['build-contexts'].map(({ value }) => ['build-contexts', value] as const),
      ];
      return addresses.flatMap(([input, address]) => {
        const host = hostWithCredentials(address);
        return host === undefined
          ? []
          : [
              `\`${input}\`: the address at ${host} contains credentials, which would be visible in the process list and the provenance. Remove them, and give the token as a secret: \`secrets: GIT_AUTH_TOKEN.${host}=\${{ secrets.GIT_TOKEN }}\`.`,
            ];
      });
    },
  },
  {
    commands: COMMANDS,
    says: (_, given) => {
      const also = (['registry', 'username', 'password'] as const).filter(given);
      return given('registry-auth') && also.length > 0
        ? `\`registry-auth\` cannot be used together with ${named(also)}. Make them an entry of \`registry-auth\`.`
        : undefined;
    },
  },
  {
    commands: COMMANDS,
    says: (inputs) => {
      const host = inputs.registry === undefined ? undefined : readHost(inputs.registry);
      return host === undefined || host.ok ? undefined : `\`registry\`: ${host.problems.join(' ')}`;
    },
  },
  {
    says: (inputs, given) => {
      if (!given('username') || inputs.password === undefined || given('registry')) return undefined;
      const hosts = inputs.images.filter((line) => line !== '' && !line.startsWith('#')).map(hostOfLine);
      const first = hosts[0];
      return first === undefined || hosts.some((host) => host === undefined || host === 'docker.io')
        ? undefined
        : `\`username\` and \`password\` without \`registry\` are for Docker Hub, and no image is there. Add \`registry: ${first}\`, or \`registry: docker.io\` if they are for base images.`;
    },
  },
  {
    commands: ['login'],
    says: (_, given) =>
      given('registry') || given('registry-auth') || given('username')
        ? undefined
        : 'there is no registry to log in to. Add `registry`, or one entry of `registry-auth` for each.',
  },
  {
    commands: ['promote'],
    says: (inputs) => nameProblems(inputs),
  },
  {
    commands: ['promote'],
    says: ({ rollback, record, force }) =>
      rollback && !record
        ? '`rollback` reads and writes the records of the stage, which `record: false` switches off. Remove one or the other.'
        : rollback && force
          ? '`force` is for promotions: a rollback asks for nothing that it could lift. Remove it.'
          : undefined,
  },
  {
    commands: COMMANDS,
    says: (_, given) => {
      const keyless = KEYLESS_INPUTS.filter(given);
      return given('username') && keyless.length > 0
        ? `\`username\` and \`password\` come before ${named(keyless)}, which would have no effect for their registry. Keep one, or use \`registry-auth\` with one entry for each registry.`
        : undefined;
    },
  },
  {
    commands: ['publish', 'promote'],
    says: (inputs) => {
      const given = inputs['create-repository'];
      const problems = typeof given === 'string' ? createAttributes(given).problems : [];
      return problems.length > 0 ? `\`create-repository\`: ${problems.join(' ')}` : undefined;
    },
  },
  {
    says: (inputs) => {
      const both = inputs['secret-envs'].map((each) => each.name);
      const names = [...inputs.secrets, ...inputs['secret-files']].map((each) => each.name).concat(both);
      const twice = new Set(names.filter((name, at) => names.indexOf(name) !== at));
      return twice.size > 0
        ? `${named([...twice])} is given by more than one of \`secrets\`, \`secret-envs\` and \`secret-files\`. Keep one.`
        : undefined;
    },
  },
  {
    says: (inputs, given) => {
      const ignored = (['driver-opts', 'buildkitd-config'] as const).filter(given);
      return inputs.builder !== undefined && ignored.length > 0
        ? `${named(ignored)} would be for a builder that is made for the run, and \`builder\` names an existing one. Remove one or the other.`
        : undefined;
    },
  },
  {
    says: (inputs) =>
      inputs['attach-verdict'] && inputs.scan !== 'gate'
        ? `\`attach-verdict\` records that the image has passed the gate, and with \`scan: ${inputs.scan}\` none has to be passed. Use \`scan: gate\`, or remove it.`
        : undefined,
  },
  {
    commands: COMMANDS,
    says: (_, given) =>
      TOGETHER.filter(([name, needs]) => given(name) && !given(needs)).map(
        ([name, needs]) => `\`${name}\` needs \`${needs}\` as well. Add it, or remove \`${name}\`.`,
      ),
  },
  {
    commands: COMMANDS,
    says: (inputs, given) =>
      given('oidc-audience') && !KEYLESS_HOSTS.some(([name]) => given(name)) && inputs['registry-auth'].length === 0
        ? '`oidc-audience` is for a keyless login, and none is configured. Add one, such as `role-to-assume`, or remove it.'
        : undefined,
  },
  {
    says: (inputs) => {
      const hasIndex = inputs.platforms.length > 1 || inputs.sbom !== false || inputs.provenance !== false;
      const levels = inputs.annotations.filter((line) => /^index(?:-descriptor)?(?:\[[^\]]*\])?:/.test(line));
      return !hasIndex && inputs.source === undefined && levels.length > 0
        ? '`annotations`: `index:` needs an index, and one platform without SBOM and provenance has none. Write `manifest:`, or build with `sbom` or `provenance`.'
        : undefined;
    },
  },
  {
    says: (inputs) =>
      inputs.scan === 'off' && inputs['sarif-file'] !== undefined
        ? '`sarif-file` asks for findings, and `scan: off` looks for none. Use `scan: report`, or remove it.'
        : undefined,
  },
  {
    says: (inputs) =>
      inputs['sarif-category'] !== undefined && inputs['sarif-file'] === undefined
        ? '`sarif-category` has no effect without `sarif-file`. Add it, or remove `sarif-category`.'
        : undefined,
  },
  {
    says: (inputs) =>
      inputs.baseline !== undefined && inputs.baseline.image === undefined && inputs.images.length === 0
        ? '`baseline` is only a tag or digest, and `images` is empty. Give it a full name, such as `ghcr.io/${{ github.repository }}:main`.'
        : undefined,
  },
];

/** Inputs that only mean something together with another one. */
const TOGETHER: readonly (readonly [name: keyof InputValues, needs: keyof InputValues])[] = [
  ['dockerhub-connection-id', 'dockerhub-organization'],
  ['dockerhub-organization', 'dockerhub-connection-id'],
  ['azure-client-id', 'azure-tenant-id'],
  ['azure-tenant-id', 'azure-client-id'],
  ['service-account', 'workload-identity-provider'],
  ['role-session-name', 'role-to-assume'],
];

/** The registries that a keyless login is for, by their hosts. */
const KEYLESS_HOSTS: readonly (readonly [name: KeylessInput, title: string, kind: VendorId, host: RegExp])[] = [
  [
    'role-to-assume',
    'Amazon ECR',
    'ecr',
    /(?:\.amazonaws\.(?:com|eu)(?:\.cn)?|\.on\.(?:aws|amazonwebservices\.com\.cn)|^public\.ecr\.aws)$/,
  ],
  ['workload-identity-provider', 'Artifact Registry', 'artifact-registry', /(?:-docker\.pkg\.dev|(?:^|\.)gcr\.io)$/],
  ['azure-client-id', 'Azure Container Registry', 'acr', /\.azurecr\.(?:io|cn|us)$/],
  ['dockerhub-connection-id', 'Docker Hub', 'docker-hub', /^docker\.io$/],
  ['oidc-provider-name', 'Artifactory', 'artifactory', /\.jfrog\.io$/],
];

/** The hosts that a run uses, as far as its inputs name them; undefined when a name needs more than a look. */
function hostsOf(inputs: InputValues): readonly string[] | undefined {
  const names = [...inputs.images, ...inputs.to, ...(inputs.from === undefined ? [] : [inputs.from])];
  const lines = names.filter((line) => line !== '' && !line.startsWith('#'));
  const hosts = lines.map((line) => (/^[^/]*$/.test(line) ? 'docker.io' : hostOfLine(line)));
  const named = [
    ...(inputs.registry === undefined ? [] : [inputs.registry]),
    ...inputs['registry-auth'].map(({ host }) => host),
  ];
  return hosts.includes(undefined) ? undefined : [...hosts.flatMap((host) => host ?? []), ...named];
}

/** Inputs that have no effect, but may well stay: `scan: off` is a switch for the moment, and says so itself. */
export const WARNINGS: readonly Rule[] = [
  {
    commands: COMMANDS,
    says: (inputs, given) => {
      const hosts = hostsOf(inputs);
      if (hosts === undefined) return undefined;
      const kinds = inputs['registry-type'].map(([, kind]) => kind);
      return KEYLESS_HOSTS.filter(
        ([name, , kind, host]) => given(name) && !kinds.includes(kind) && !hosts.some((each) => host.test(each)),
      ).map(([name, title]) => `\`${name}\` has no effect: none of the registries of this run is ${title}.`);
    },
  },
  {
    commands: ['publish'],
    says: (inputs, given) =>
      writesNothing(inputs)
        ? emptyCredentials(inputs, given).map(
            (each) =>
              `${each} Nothing is pushed, so the run goes on with anonymous access. Pull requests from forks do not receive secrets.`,
          )
        : undefined,
  },
  {
    says: (inputs, given) => {
      const ignored = inputs.scan === 'off' ? GATE_ONLY.filter(given) : [];
      return ignored.length > 0 ? `\`scan: off\`: ${named(ignored)} has no effect, and nothing is scanned.` : undefined;
    },
  },
];

/** The host of a line of `images`; undefined when the line needs more than a look. */
function hostOfLine(line: string): string | undefined {
  const name = /(?:^|,)name=([^,]*)/.exec(line)?.[1] ?? line;
  if (/[,={]/.test(name)) return undefined;
  const [first = '', ...rest] = name.toLowerCase().split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : 'docker.io';
}
