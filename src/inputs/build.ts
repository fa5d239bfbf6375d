import { isLoopback, parseEndpoints } from '../domain/builder-endpoint.ts';
import { entries, KEY_VALUE, linesAs, list, pairs } from './lists.ts';
import { platforms } from './platforms.ts';
import { named, type Rule } from './rule.ts';
import { choice, flag, flagOrAttributes, type InputsOf, path, secret, text } from './schema.ts';
import { hostWithCredentials } from './url-credentials.ts';

/** Inputs for `docker buildx`. */
export const BUILD_INPUTS = {
  context: path({
    group: 'Build',
    about: 'The build context: a folder of the workspace, or the URL of a git repository.',
    default: '.',
  }),
  file: path({
    group: 'Build',
    about: 'The Dockerfile. Empty: `Dockerfile` in the context.',
    example: 'docker/Dockerfile',
  }),
  target: text({ group: 'Build', about: 'The stage to build. Empty: the last one.' }),
  platforms: platforms({
    group: 'Build',
    about:
      'The platforms to build, as a list. Empty: that of the builder. With `source`: the platforms that the image must have.',
    example: 'linux/amd64,linux/arm64',
  }),
  'build-args': entries({
    form: /^[A-Za-z_][^\s=]*(?:=|$)/,
    group: 'Build',
    about: 'Build arguments, one `NAME=value` per line. Not for secrets: they stay visible in the image.',
    example: 'NODE_VERSION=24',
  }),
  'build-metadata': flag({
    group: 'Build',
    about:
      'Also pass the build arguments `BUILD_DATE` (of the commit), `VCS_REF` (its id) and `VERSION`, unless `build-args` sets them.',
    default: 'false',
  }),
  'build-contexts': pairs({
    group: 'Build',
    about: 'More build contexts, one `name=path or URL` per line.',
    form: 'name=path',
    example: 'docs=./docs',
  }),
  secrets: pairs({
    group: 'Build',
    about:
      'Secrets for `RUN --mount=type=secret`, one `id=value` per line. A value of several lines: the entry as a whole in double quotes. Masked, and never in the image.',
    form: 'id=value',
    secret: true,
    example: 'npm-token=${{ secrets.NPM_TOKEN }}',
  }),
  'secret-envs': pairs({
    group: 'Build',
    about: 'Secrets from environment variables of the step, a list of `id=VARIABLE`.',
    form: 'id=VARIABLE',
    split: 'commas',
  }),
  'secret-files': pairs({ group: 'Build', about: 'Secrets from files, one `id=path` per line.', form: 'id=path' }),
  ssh: list({
    group: 'Build',
    about: 'SSH agent sockets or keys for `RUN --mount=type=ssh`, a list.',
    example: 'default',
  }),
  'cache-from': entries({
    group: 'Build',
    about: 'Where to read the build cache from, one per line.',
    example: 'type=gha',
  }),
  'cache-to': entries({
    group: 'Build',
    about: 'Where to write the build cache, one per line.',
    example: 'type=gha,mode=max',
  }),
  'no-cache': flag({ group: 'Build', about: 'Build without the cache.', default: 'false' }),
  'no-cache-filters': list({ group: 'Build', about: 'Stages to build without the cache, a list.' }),
  pull: flag({
    group: 'Build',
    about: 'Always look for newer base images, even if there is a local copy.',
    default: 'false',
  }),
  network: text({ group: 'Build', about: 'Network of `RUN` steps.', example: 'none' }),
  'add-hosts': list({ group: 'Build', about: 'More host names for the build, a list of `host:address`.' }),
  allow: list({
    group: 'Build',
    about: 'Entitlements to grant to the build, a list.',
    example: 'network.host',
  }),
  'shm-size': text({ group: 'Build', about: 'Size of `/dev/shm` in `RUN` steps.', example: '2gb' }),
  ulimit: entries({ group: 'Build', about: 'Limits for `RUN` steps, one per line.', example: 'nofile=1024:1024' }),
  'cgroup-parent': text({ group: 'Build', about: 'The parent cgroup of `RUN` steps.' }),
  builder: text({
    group: 'Build',
    about:
      'Name of an existing builder. Empty: the current one if it can run the build, otherwise a docker-container builder is created for the run.',
  }),
  driver: choice(['docker-container', 'kubernetes', 'remote'], {
    group: 'Build',
    about:
      'Driver of the builder that is created for the run. A driver other than `docker-container` always creates one.',
    default: 'docker-container',
  }),
  endpoint: linesAs(
    {
      group: 'Build',
      about:
        'With `driver: remote`: the BuildKit daemons, one per line, each with the platforms that it builds: `tcp://arm.example.com:1234,platform=linux/arm64`. TCP without TLS is refused, except on this machine.',
      example: 'tcp://builder.example.com:1234',
    },
    parseEndpoints,
  ),
  'builder-ca': text({
    group: 'Build',
    about: 'CA certificate that signed the certificates of the BuildKit daemons, as PEM text.',
    example: '${{ secrets.BUILDKIT_CA }}',
  }),
  'builder-cert': secret({
    group: 'Build',
    about: 'Client certificate for the BuildKit daemons, as PEM text. Kept in a file of the run.',
    example: '${{ secrets.BUILDKIT_CERT }}',
  }),
  'builder-key': secret({
    group: 'Build',
    about: 'Key of that certificate, as PEM text. Kept in a file of the run.',
    example: '${{ secrets.BUILDKIT_KEY }}',
  }),
  'driver-opts': entries({
    form: KEY_VALUE,
    group: 'Build',
    about: 'Driver options for the builder that is created for the run, one `name=value` per line.',
    example: 'image=moby/buildkit:v0.33.1',
  }),
  'buildkitd-config': path({
    group: 'Build',
    about: 'Path of a buildkitd.toml for the builder that is created for the run.',
  }),
  provenance: flagOrAttributes({
    group: 'Attestations',
    about:
      'How the image was built, attested for each platform: `true`, `false`, or attributes. Empty: `mode=max` in a public repository and `mode=min` in a private one. A missing one fails the run.',
    example: 'mode=max',
  }),
  sbom: flagOrAttributes({
    group: 'Attestations',
    about:
      'The packages in the image, listed for each platform: `true`, `false`, or attributes such as `generator=<image>`. Empty: `true` for a build; a `source` needs none. A missing one fails the run.',
    example: 'generator=docker/buildkit-syft-scanner:1',
  }),
} as const;

/** What to build and how, named like the inputs, which are docker/build-push-action's. */
export type BuildInputs = InputsOf<typeof BUILD_INPUTS>;

/**
 * Those that only apply to a build: `platforms`, `provenance` and `sbom` are also requirements for another builder's
 * image.
 */
export const BUILD_ONLY = [
  'context',
  'file',
  'target',
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
  'driver',
  'endpoint',
  'builder-ca',
  'builder-cert',
  'builder-key',
  'driver-opts',
  'buildkitd-config',
] as const satisfies readonly (keyof BuildInputs)[];

/** Whether the image has an index, which annotations and attestations need. */
export function hasIndex({ platforms: names, sbom, provenance }: BuildInputs): boolean {
  return names.length > 1 || sbom !== false || provenance !== false;
}

export const BUILD_RULES: readonly Rule<BuildInputs>[] = [
  (inputs) => {
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
  (inputs) => {
    const names = [...inputs.secrets, ...inputs['secret-files'], ...inputs['secret-envs']].map(({ name }) => name);
    const twice = new Set(names.filter((name, at) => names.indexOf(name) !== at));
    return twice.size > 0
      ? `${named([...twice])} is given by more than one of \`secrets\`, \`secret-envs\` and \`secret-files\`. Keep one.`
      : undefined;
  },
  (inputs, { given }) => {
    const ignored = (
      ['driver', 'endpoint', 'builder-ca', 'builder-cert', 'builder-key', 'driver-opts', 'buildkitd-config'] as const
    ).filter(given);
    return inputs.builder !== undefined && ignored.length > 0
      ? `${named(ignored)} would be for a builder that is made for the run, and \`builder\` names an existing one. Remove one or the other.`
      : undefined;
  },
  ({ driver, endpoint }) => {
    if (driver === 'remote' && endpoint.length === 0) {
      return '`driver: remote` needs `endpoint`: the address of the BuildKit daemon.';
    }
    return driver !== 'remote' && endpoint.length > 0
      ? '`endpoint` has no effect without `driver: remote`. Add it, or remove `endpoint`.'
      : undefined;
  },
  ({ driver, 'buildkitd-config': config, allow }) =>
    driver === 'remote' && (config !== undefined || allow.includes('security.insecure'))
      ? '`driver: remote` uses a daemon that runs already: configure it there, and remove `buildkitd-config` and `allow: security.insecure`.'
      : undefined,
  (inputs) => {
    const names = ['builder-ca', 'builder-cert', 'builder-key'] as const;
    const missing = names.filter((name) => inputs[name] === undefined);
    if (missing.length > 0 && missing.length < names.length) {
      return `TLS to a BuildKit daemon needs all of ${named(names)}; ${named(missing)} is empty. If it comes from a secret, check its name.`;
    }
    const open = inputs.endpoint.find(({ tcp }) => tcp !== undefined && !isLoopback(tcp.host));
    return open !== undefined && missing.length > 0
      ? `\`endpoint\`: ${open.address} without TLS exposes secrets, and the image, to anyone on the network. Set ${named(names)}.`
      : undefined;
  },
];
