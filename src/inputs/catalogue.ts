import { SCANNERS, SEVERITIES } from '../domain/gate/severity.ts';
import { quoted } from '../domain/suggestion.ts';
import { baseline } from './baseline.ts';
import { entries, lines, list, pairs } from './lists.ts';
import { logins, readHost } from './logins.ts';
import { platforms } from './platforms.ts';
import { requirements } from './promotion.ts';
import { registryApi, registryType } from './registries.ts';
import {
  COMMANDS,
  choice,
  duration,
  flag,
  flagOrAttributes,
  type InputsOf,
  path,
  pattern,
  secret,
  set,
  text,
} from './schema.ts';
import { acceptedSpots } from './unscanned.ts';

const KEY_VALUE = /^[^\s=][^=]*=/;

/**
 * Every input of every command: the parser, `action.yml` and the README's tables come from here. Names are those that
 * users know from docker/build-push-action, docker/metadata-action, docker/login-action and aquasecurity/trivy-action.
 */
export const INPUTS = {
  command: choice(COMMANDS, {
    group: 'Run',
    about:
      '`publish` carries an image from the commit to its tags. `promote` moves a published image to its next stage, or back. `login` only logs in to registries, for steps of your own, and logs out when the job ends.',
    default: 'publish',
  }),

  images: lines({
    group: 'What',
    commands: ['publish', 'promote'],
    about:
      "Names of the image, one per line, without a tag: every name gets every tag. Empty: `ghcr.io/<owner>/<repository>`. docker/metadata-action's `name=…,enable=…` works. With `command: promote`: the repositories that `from` and `to` mean when they name only a tag.",
    example: 'ghcr.io/org/app',
  }),
  tags: lines({
    group: 'What',
    about:
      "Rules for the tags, one per line, in docker/metadata-action's syntax. Without rules: a branch gives `<branch>` and `sha-<short>`; the git tag `v1.2.3` gives `1.2.3`, `1.2`, `1`, `latest` and `sha-<short>`; any other git tag its name and `sha-<short>`; a pull request gives `pr-<number>`.",
    example: 'type=semver,pattern={{version}}',
  }),
  flavor: lines({
    group: 'What',
    about: "`latest`, `prefix` and `suffix` for all tags, in docker/metadata-action's syntax.",
    example: 'latest=auto',
  }),
  labels: entries({
    form: KEY_VALUE,
    group: 'What',
    about: 'Labels on top of the generated `org.opencontainers.image.*` ones, one `key=value` per line.',
    example: 'org.opencontainers.image.vendor=Example Ltd',
  }),
  annotations: entries({
    form: KEY_VALUE,
    group: 'What',
    about:
      'Annotations, one `key=value` per line, with an optional level in front: `manifest:` (default), `index:`, `manifest-descriptor:`.',
    example: 'index:org.opencontainers.image.title=app',
  }),
  source: path({
    group: 'What',
    about:
      'An image that is built already, instead of a build: an OCI layout directory, a tar of one, or a `docker save` tar. Then Docker is not needed.',
    example: 'out/image.tar',
  }),
  push: flag({
    group: 'What',
    about: 'Whether to push. With `false` the image is built and has to pass the gate, and stays on the runner.',
    default: 'true',
  }),

  'if-published': choice(['fail', 'keep'], {
    group: 'What',
    commands: ['publish'],
    about:
      'What to do when a version tag exists with another build of this commit. `fail`: stop before the build. `keep`: leave it, scan the published image, and publish that under the missing tags; for builds that are not reproducible, such as a `source` from buildah or kaniko.',
    default: 'fail',
  }),

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
      'The platforms to build, as a list. Empty: that of the builder. With `source`: the platforms that the image must hold.',
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
    about: 'Where to take the build cache from, one per line.',
    example: 'type=gha',
  }),
  'cache-to': entries({
    group: 'Build',
    about: 'Where to keep the build cache, one per line.',
    example: 'type=gha,mode=max',
  }),
  'no-cache': flag({ group: 'Build', about: 'Build without the cache.', default: 'false' }),
  'no-cache-filters': list({ group: 'Build', about: 'Stages to build without the cache, a list.' }),
  pull: flag({ group: 'Build', about: 'Look for newer base images even when they are there.', default: 'false' }),
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
      'Name of an existing builder. Empty: the current one when it can do the build, else one of driver docker-container is made for the run.',
  }),
  'driver-opts': entries({
    form: KEY_VALUE,
    group: 'Build',
    about: 'Options for the builder that is made for the run, one `name=value` per line.',
    example: 'image=moby/buildkit:v0.33.1',
  }),
  'buildkitd-config': path({
    group: 'Build',
    about: 'Path of a buildkitd.toml for the builder that is made for the run.',
  }),

  provenance: flagOrAttributes({
    group: 'Attestations',
    about:
      'The record of how the image was built, for each platform: `true`, `false`, or attributes. Empty: `mode=max` in a public repository and `mode=min` in a private one. A missing one fails the run.',
    example: 'mode=max',
  }),
  sbom: flagOrAttributes({
    group: 'Attestations',
    about:
      'The list of what is inside, for each platform: `true`, `false`, or attributes such as `generator=<image>`. Empty: `true` for a build; a `source` may go without. A missing one fails the run.',
    example: 'generator=docker/buildkit-syft-scanner:1',
  }),

  scan: choice(['gate', 'report', 'off'], {
    group: 'Gate',
    commands: ['publish'],
    about:
      '`gate`: findings stop the run before anything is visible. `report`: findings are shown and do not stop it, a broken scan does. `off`: no scan.',
    default: 'gate',
  }),
  severity: set(SEVERITIES, {
    group: 'Gate',
    about: 'The severities that fail the gate.',
    default: 'HIGH,CRITICAL',
  }),
  'ignore-unfixed': flag({
    group: 'Gate',
    about: 'Let vulnerabilities pass that have no fixed version yet.',
    default: 'false',
  }),
  scanners: set(SCANNERS, {
    group: 'Gate',
    about: 'What to look for.',
    default: 'vuln,secret',
  }),
  ignorefile: path({
    group: 'Gate',
    about:
      'A YAML file of accepted findings, each with a reason and the day on which it ends. No file is read unless it is named here.',
    example: '.security/accepted.yaml',
  }),
  vex: list({ group: 'Gate', about: 'OpenVEX documents, a list of paths.', example: '.security/app.openvex.json' }),
  'fail-on-eol': flag({
    group: 'Gate',
    about: 'Close the gate when the operating system of the image is past its end of life.',
    default: 'true',
  }),
  'allow-unknown-os': flag({
    group: 'Gate',
    about:
      'Let an image pass whose operating system packages the scanner cannot read. An image without any (`FROM scratch`) may always pass.',
    default: 'false',
  }),
  'accept-unscanned': acceptedSpots({
    group: 'Gate',
    about:
      'What the scan may miss, one `kind=path` on each line; the path may be a glob. Anything else that can hide a package fails the gate. Kinds: [docs/gate.md](docs/gate.md).',
    example: 'lock-file=app/package-lock.json',
  }),
  'max-db-age': duration({
    group: 'Gate',
    about: 'How old the vulnerability database may be: `3d`, `12h`, `90m`.',
    default: '3d',
  }),
  'trivy-version': pattern(/^v?\d+\.\d+\.\d+$/, 'a version such as 0.76.0 (`latest` is not a version)', {
    group: 'Gate',
    about:
      'The version of Trivy. Empty: an allowed one on PATH, else the default one is installed and its checksum verified.',
    example: '0.76.0',
  }),
  'trivy-sha256': pattern(/^[0-9a-f]{64}$/, 'a SHA-256 of 64 hexadecimal digits', {
    group: 'Gate',
    about:
      'SHA-256 of a Trivy on PATH that you trust, such as the build of a distribution. Without it only the programs of the releases are run from PATH.',
  }),
  'db-repository': list({
    group: 'Gate',
    about:
      'Where the vulnerability database comes from, a list that is tried in order. A private mirror is read with the login for its host.',
    default: 'mirror.gcr.io/aquasec/trivy-db:2,ghcr.io/aquasecurity/trivy-db:2',
  }),
  'java-db-repository': list({
    group: 'Gate',
    about: 'Where the database of Java archives comes from, a list that is tried in order.',
    default: 'mirror.gcr.io/aquasec/trivy-java-db:1,ghcr.io/aquasecurity/trivy-java-db:1',
  }),
  baseline: baseline({
    group: 'Gate',
    commands: ['publish'],
    about:
      'An image that is published already: findings that it has on the same platform do not fail the gate and are listed as known. A tag or digest of the first of `images`, or a full name. It is scanned with the same database; one that cannot be read fails the run.',
    example: 'main',
  }),
  'sarif-file': path({
    group: 'Gate',
    commands: ['publish'],
    about: 'Write the findings of all platforms to this file as SARIF, for github/codeql-action/upload-sarif.',
    example: 'trivy.sarif',
  }),
  'sarif-category': pattern(/^[\w.@:+-]+(?:\/[\w.@:+-]+)*$/, 'words of A-Z a-z 0-9 . _ @ : + - with / between', {
    group: 'Gate',
    commands: ['publish'],
    about:
      'Category of the alerts on GitHub, to which the platform is added. Each variant of an image needs one of its own, or the alerts of one close those of another. Empty: made of the image name, and of `file` and `target` where they are set.',
    example: 'app-alpine',
  }),

  'attach-verdict': flag({
    group: 'Gate',
    commands: ['publish'],
    about:
      'Attach a record to the image in each registry that it has passed the gate, for a later promotion with `require: scan,max-age=7d`.',
    default: 'false',
  }),

  from: text({
    group: 'Promotion',
    about:
      'What to promote: a tag, a digest, `env:<name>` for what an environment holds, or a full name `host/repository:tag`. `{{sha}}` and `{{version}}` stand for the commit and the git tag of the run. With `rollback`: what to go back to; empty for what was there before.',
    example: 'sha-abc1234',
  }),
  to: lines({
    group: 'Promotion',
    about:
      'Where to, one per line: a tag, a repository, or `host/repository:tag`. `{{env}}`, `{{version}}` and `{{sha}}` stand for the environment, and the version and commit of the image. Empty: the tag of the environment.',
    example: 'ghcr.io/org/prod/app:{{version}}',
  }),
  environment: pattern(/^[^\n\r]{1,255}$/, 'the name of an environment on one line', {
    group: 'Promotion',
    about: "The stage that is promoted to. Name it as the job's `environment:`, which protects it.",
    example: 'production',
  }),
  require: requirements({
    group: 'Promotion',
    about:
      'What must be shown before anything is written, one per line: `platforms=linux/amd64,linux/arm64`, `sbom`, `provenance,builder=…,repository=…,commit=…`, `scan=now`, `scan,max-age=7d`, `deployed=staging`, `branch=main`, `not-older`.',
    example: 'deployed=staging',
  }),
  policy: path({
    group: 'Promotion',
    about:
      'A YAML file of the repository with more requirements. `.github/promotion.yaml` counts whether it is named or not: inputs can add to it, and take nothing away.',
    example: '.github/promotion.yaml',
  }),
  rollback: flag({
    group: 'Promotion',
    about:
      'Go back to what the stage held before, without a build, and hold what it leaves: later promotions of that are refused until a person forces one.',
    default: 'false',
  }),
  force: flag({
    group: 'Promotion',
    about:
      'Promote an image although the stage was rolled back from it. Only in a `workflow_dispatch` run; it lifts the hold, and no requirement.',
    default: 'false',
  }),
  record: flag({
    group: 'Promotion',
    about:
      'Attach a record to the image in the registry: who promoted what from where, and why it was allowed. With `false` there is no history to roll back to, and no hold.',
    default: 'true',
  }),

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
    about: 'The kind of a registry whose host does not tell it, a list of `host=kind`, or one kind for all such hosts.',
    example: 'harbor.example.com=harbor',
  }),
  'registry-api': registryApi({
    group: 'Registries',
    about: 'Where the management API of a registry is, when not at the same host: a list of `host=URL`.',
    example: 'nexus.example.com:8082=https://nexus.example.com/repository/docker',
  }),
  'create-repository': flagOrAttributes({
    group: 'Registries',
    commands: ['publish', 'promote'],
    about:
      'Make a repository that is missing, where pushes do not: `true`, or attributes `immutable=true,scan-on-push=true,kms-key=<key>,public=true`.',
    default: 'false',
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

  'dry-run': flag({
    group: 'Run',
    commands: ['publish', 'promote'],
    about:
      'Show what would be done and stop: no build, no write. With `push: false` it needs neither Docker nor a registry nor the network. With `command: promote` the summary shows the whole history of the stage.',
    default: 'false',
  }),
} as const;

/** The parsed inputs, before what is derived from several of them. */
export type InputValues = InputsOf<typeof INPUTS>;

/** Every output, in the order of the README. */
export const OUTPUTS = {
  outcome: 'What the run came to, one word of the table below; also set when the run fails.',
  digest: 'Digest of the image: the same that was built, scanned, pushed and read back.',
  image: 'The first image name with the digest, `ghcr.io/org/app@sha256:…`.',
  repository:
    'The first image name without its host: GitHub blanks outputs that hold a masked value, and hosts may hold one.',
  tags: 'Full names of the tags, `ghcr.io/org/app:1.2.3`, one per line.',
  version: 'The main tag, as in `org.opencontainers.image.version`.',
  labels: 'The labels, one `key=value` per line.',
  'scan-critical': 'Number of findings of severity CRITICAL, over all platforms, before the policy.',
  'scan-high': 'Number of findings of severity HIGH.',
  'scan-medium': 'Number of findings of severity MEDIUM.',
  'scan-low': 'Number of findings of severity LOW.',
  'scan-unknown': 'Number of findings of severity UNKNOWN.',
  'scan-gated': 'Number of findings that fail the gate.',
  'scan-suppressed': 'Number of findings that the ignore file or a VEX document accounts for.',
  'scan-known':
    'Number of findings that do not fail the gate because the `baseline` has them. Empty without a baseline.',
  'scan-fixed': 'Number of findings that the `baseline` has and the image no longer has.',
  'sarif-file': 'Path of the SARIF file, when `sarif-file` asks for one.',
  metadata: "BuildKit's metadata of the build, as JSON.",
  'previous-digest': 'With `command: promote`: what the stage held before; empty when it held nothing.',
  registries: 'With `command: login`: the hosts that were logged in to, one per line.',
  json: 'Everything about the run, as JSON with a `schemaVersion`: see `docs/json-output.md`. At most 100 kB: longer lists are cut, and `truncated` is true.',
  'json-file': 'Path of a file with the whole JSON. It exists until the end of the job.',
} as const satisfies Record<string, string>;

export type OutputName = keyof typeof OUTPUTS;
