import type { Outcome } from '../domain/outcome.ts';

/** One row: a cause that users meet, and what they can do about it. `docs/errors.md` is generated from these rows. */
export interface CatalogueRow {
  readonly title: string;
  /** What is going on, in one or two sentences. */
  readonly cause: string;
  /** What to do, one step each, in the imperative. */
  readonly remedy: readonly string[];
  readonly outcome: Outcome;
  /** Whether the same request may succeed later. `backoff` also honours Retry-After. */
  readonly retry: 'never' | 'backoff';
}

const input = { outcome: 'invalid-input', retry: 'never' } as const;
const build = { outcome: 'build-failed', retry: 'never' } as const;
const image = { outcome: 'image-rejected', retry: 'never' } as const;
const scanner = { outcome: 'scanner-failed', retry: 'never' } as const;
const database = { outcome: 'database-failed', retry: 'never' } as const;
const registry = { outcome: 'registry-failed', retry: 'never' } as const;
const registryLater = { outcome: 'registry-failed', retry: 'backoff' } as const;

/** The catalogue of errors, by code (P10). */
export const CATALOGUE = {
  INPUT_INVALID: {
    ...input,
    title: 'An input cannot be used',
    cause: 'One or more inputs are unknown, contradict each other, or hold a value that is not of their kind.',
    remedy: ['Change the inputs as each line of the message says; all problems are listed at once.'],
  },
  EVENT_INVALID: {
    ...input,
    title: 'The event cannot be read',
    cause:
      'The environment of the job lacks what names the commit, the ref or the repository, or the event payload is not readable.',
    remedy: [
      'Run the action in a GitHub Actions job, after actions/checkout.',
      'On a self-hosted runner make sure that GITHUB_EVENT_PATH, GITHUB_REF, GITHUB_SHA and GITHUB_REPOSITORY reach the step.',
    ],
  },
  NO_TAGS: {
    ...input,
    title: 'No tag came out of the rules',
    cause: 'None of the `tags` rules fits this event, so the image would have no name.',
    remedy: [
      'Add a rule that fits the event, for instance `type=sha`, or leave `tags` empty for the default rules.',
      'Or keep the job from running for this event.',
    ],
  },
  TAG_INVALID: {
    ...input,
    title: 'A tag is not valid',
    cause:
      'A tag has at most 128 characters of A-Z a-z 0-9 . _ - and does not begin with a dot or a hyphen; two different names must not become one tag.',
    remedy: ['Change the rule that made the tag, for instance with `prefix=`, or rename the branch or git tag.'],
  },
  TAG_IMMUTABLE: {
    outcome: 'tag-conflict',
    retry: 'never',
    title: 'An immutable tag exists with another digest',
    cause:
      'Version tags and commit tags never change what they point at, and the registry already holds this tag with other content; or the settings of the registry do not let the tag move.',
    remedy: [
      'Publish under a new version: the released bytes stay what they were.',
      'If the tag is that of a commit and another build of it is wanted (another `target`, other `build-args`), give that build tags of its own, for instance with `flavor: suffix=-debug`; for newer base images use a moving tag such as `type=schedule`.',
      'If the tag was pushed by mistake and nobody uses it, delete it in the registry by hand and run again.',
      'If the tag is meant to move, derive it with a rule that says so (`type=ref,event=branch`, `type=raw`, `type=edge`); in `to` of a promotion give it a name without a version or commit, such as `{{env}}`.',
      'If the registry itself holds it fast, except moving tags there: ECR `IMMUTABLE_WITH_EXCLUSION`, a rule of the Harbor project, `dockerConfig.immutableTags` of Artifact Registry, `az acr repository update --write-enabled true`, the write policy of Nexus, the right to delete in Artifactory.',
      'On ACR the same answer may mean that the storage of the registry is used up: `az acr show-usage`.',
    ],
  },
  PROMOTION_REFUSED: {
    outcome: 'refused',
    retry: 'never',
    title: 'The promotion is refused',
    cause:
      'A requirement of the stage is not met, the image is held back after a rollback, or there is nothing to roll back to. Nothing was written.',
    remedy: [
      'Each line of the message is a requirement and what was found. Promote to the stage of `deployed=` first; for a scan, promote with `scan=now`, or publish with `attach-verdict: true`; build an image anew that lacks a platform, SBOM or provenance.',
      'An image that was rolled back is promoted again by a person: a `workflow_dispatch` run with `force: true`.',
      'A rollback goes to what the records of the stage tell; name another one of them with `from: sha256:…`. A dry run of `from: env:<stage>` shows them all.',
      'Requirements come from `require`, `.github/promotion.yaml` and `policy`; change them there, with the review that the file asks for.',
    ],
  },
  POLICY_INVALID: {
    ...input,
    title: 'The promotion policy cannot be used',
    cause: 'The file of requirements is missing, cannot be read, or holds something that is not a requirement.',
    remedy: [
      'Write it as `docs/promotion.md` shows it: `require` for every stage, `stages` for one.',
      'Check the repository out before the step, or give `github-token` with `contents: read`, so that the file can be read.',
    ],
  },
  STAGE_MOVED: {
    outcome: 'tag-conflict',
    retry: 'never',
    title: 'The stage was moved by something else meanwhile',
    cause:
      'The tag of the stage does not hold what it held when the promotion was planned: two runs are at it, or a person.',
    remedy: [
      'Look at what the stage holds now, and run again if it is still to be moved.',
      'Let only one promotion run at a time: `concurrency: { group: promote-<stage>, cancel-in-progress: false }`.',
    ],
  },
  DOCKER_MISSING: {
    ...build,
    title: 'Docker is not there',
    cause: 'The build needs the `docker` command with the buildx plugin, and there is none on PATH.',
    remedy: [
      'Use a runner with Docker (`runs-on: ubuntu-24.04`), or install it on the self-hosted runner.',
      'Or build with another tool and give its result as `source:` (OCI layout, OCI tar or `docker save` tar); then Docker is not needed.',
    ],
  },
  DAEMON_UNREACHABLE: {
    ...build,
    title: 'The Docker daemon does not answer',
    cause: 'The `docker` command is there, but no daemon answers where it looks for one.',
    remedy: [
      'Start the daemon (`sudo systemctl start docker`), or set DOCKER_HOST or the docker context to where it runs.',
      'In a container job mount /var/run/docker.sock.',
    ],
  },
  BUILDX_MISSING: {
    ...build,
    title: 'buildx is not there',
    cause: 'The `docker` command has no buildx plugin.',
    remedy: ['Add `docker/setup-buildx-action` before this step, or install the docker-buildx package on the runner.'],
  },
  BUILDX_TOO_OLD: {
    ...build,
    title: 'buildx is too old',
    cause: 'An input asks for something that this version of buildx cannot do.',
    remedy: [
      'Update buildx, for instance with `docker/setup-buildx-action` before this step, or drop the input that the message names.',
    ],
  },
  BUILDER_UNSUITABLE: {
    ...build,
    title: 'The builder cannot do this build',
    cause:
      'A builder with several nodes, a remote builder, or the plain docker driver cannot write the image with all its platforms and attestations as an OCI layout.',
    remedy: [
      'Leave `builder` empty: a suitable docker-container builder is created for the run and removed after it.',
      'Or name a builder of driver docker-container with one node (`docker buildx create --driver docker-container`).',
    ],
  },
  BUILD_FAILED: {
    ...build,
    title: 'The build failed',
    cause: 'docker buildx build ended with an error.',
    remedy: ['Read the last lines of the build log; the failing step of the Dockerfile is named there.'],
  },
  BUILD_NO_SPACE: {
    ...build,
    title: 'No space left on the runner',
    cause: 'The disk of the runner or of the builder is full.',
    remedy: [
      'Free space before the build (`docker system prune -af`, remove unused toolchains), or use a larger runner.',
      'Make the image smaller: fewer layers with build tools, a `.dockerignore`, a multi-stage Dockerfile.',
    ],
  },
  SOURCE_INVALID: {
    ...input,
    title: 'The source cannot be read',
    cause: '`source` must be an OCI layout directory, a tar of one, or a `docker save` tar, with one image.',
    remedy: ['Give the path of what the other builder wrote, and check that the earlier step ran and wrote there.'],
  },
  SOURCE_UNSAFE: {
    ...image,
    title: 'The source is refused',
    cause:
      'The archive holds entries that lead outside of its folder, links, devices, or far more data than an image has.',
    remedy: ['Do not use this archive. Write it anew with a builder you trust, and find out who made this one.'],
  },
  LAYOUT_CORRUPT: {
    ...image,
    title: 'The image is damaged',
    cause: 'A blob is missing, or its bytes do not have the digest or the size that the image says.',
    remedy: [
      'Build again. If it repeats, check the disk of the runner and whatever handed the files over (cache, artifact).',
    ],
  },
  FOREIGN_LAYERS: {
    ...image,
    title: 'A layer lies elsewhere',
    cause:
      'The image refers to a layer by the address of somebody else, so its bytes can neither be scanned nor published with it.',
    remedy: ['Build anew on a current base image: Windows base images carry their layers since 2023.'],
  },
  PLATFORM_MISSING: {
    ...image,
    title: 'A platform is missing',
    cause: 'The image does not hold every platform that `platforms` asks for, or holds more than it should.',
    remedy: ['Check that the builder can build for the platform that the message names, or correct `platforms`.'],
  },
  SBOM_MISSING: {
    ...image,
    title: 'An SBOM is missing',
    cause: 'Each platform of the image must carry its software bill of materials, and one does not.',
    remedy: [
      'Build with `sbom: true` on a builder of driver docker-container, or use a builder that writes SBOMs.',
      'If the image must go without, say so: `sbom: false`.',
    ],
  },
  PROVENANCE_MISSING: {
    ...image,
    title: 'A provenance is missing',
    cause: 'Each platform of the image must carry the record of how it was built, and one does not.',
    remedy: [
      'Build with `provenance: mode=max` (or leave it empty) on a builder of driver docker-container.',
      'If the image must go without, say so: `provenance: false`.',
    ],
  },
  ATTESTATION_MISMATCH: {
    ...image,
    title: 'An attestation speaks of another image',
    cause: 'An SBOM or provenance statement inside the image names a digest that is not the digest of its platform.',
    remedy: ['Do not publish this image. Build it again in one run; find out what put the foreign statement there.'],
  },
  FINDINGS: {
    outcome: 'findings',
    retry: 'never',
    title: 'The gate is closed',
    cause: 'The scan found what the policy does not allow, so nothing was written to any registry.',
    remedy: [
      'Update what the message names to the fixed version and build again.',
      'A secret has to leave every layer (`secrets` with `RUN --mount=type=secret`, or a `.dockerignore`), and to be replaced by a new one.',
      'If there is no fix and the risk is accepted, add an entry with reason and expiry to the file named by `ignorefile`.',
      'To look without stopping, use `scan: report`.',
    ],
  },
  IGNOREFILE_INVALID: {
    ...input,
    title: 'The ignore file cannot be used',
    cause: 'Every entry needs an id, a reason and a day on which it ends, and may hold only known keys.',
    remedy: [
      'Correct the entry that the message names; the README shows a complete one.',
      'If there is no such file, check the path, which begins at the workspace, and that the repository is checked out before this step.',
    ],
  },
  VEX_INVALID: {
    ...input,
    title: 'The VEX document cannot be used',
    cause: 'A file named by `vex` is missing or is not an OpenVEX document.',
    remedy: ['Check the path, and that the file is OpenVEX JSON.'],
  },
  SCANNER_UNAVAILABLE: {
    ...scanner,
    title: 'The scanner could not be had',
    cause: 'No allowed version of Trivy is on PATH or in the tool cache, and it could not be downloaded.',
    remedy: [
      'Let the runner reach https://github.com/aquasecurity/trivy/releases, or put an allowed version of Trivy on PATH.',
    ],
  },
  SCANNER_REFUSED: {
    ...scanner,
    title: 'The scanner is refused',
    cause:
      'The version is not on the list of allowed ones, or the downloaded archive does not have the checksum that is on record for it.',
    remedy: [
      'Leave `trivy-version` empty, or give one of the versions that the message lists.',
      'If a checksum differs, do not use the download: something between the runner and the release has changed it.',
    ],
  },
  SCANNER_FAILED: {
    ...scanner,
    title: 'The scanner broke',
    cause: 'Trivy ended with an error, so there is no verdict. This says nothing about the image.',
    remedy: ['Read what Trivy wrote (in the log above), and run again. If it repeats, report it with that text.'],
  },
  SCANNER_TIMEOUT: {
    ...scanner,
    title: 'The scanner did not finish',
    cause: 'The scan of a platform took longer than allowed, so there is no verdict.',
    remedy: ['Run again on a larger runner, or make the image smaller.'],
  },
  REPORT_INVALID: {
    ...scanner,
    title: 'The report of the scanner cannot be used',
    cause:
      'The report is empty, cut off, of an unknown version, or speaks of another image than the one that was scanned.',
    remedy: ['Run again. If it repeats, report it with the version of Trivy and the text above.'],
  },
  DATABASE_UNREACHABLE: {
    ...database,
    title: 'The vulnerability database could not be had',
    cause: 'None of the places in `db-repository` gave the database. This says nothing about the image.',
    remedy: [
      'Run again later: the public mirrors limit how often they are asked.',
      'Keep a mirror of your own and name it first in `db-repository` (`oras cp` of ghcr.io/aquasecurity/trivy-db:2 once a day).',
    ],
  },
  DATABASE_TOO_OLD: {
    ...database,
    title: 'The vulnerability database is too old',
    cause: 'The database was made longer ago than `max-db-age` allows, so a clean report would prove nothing.',
    remedy: [
      'Update the mirror that `db-repository` names, or name another one.',
      'To accept an older one, raise `max-db-age`, for instance to `7d`.',
    ],
  },
  DATABASE_INVALID: {
    ...database,
    title: 'The vulnerability database cannot be used',
    cause: 'What was downloaded is not a database that this version of Trivy reads.',
    remedy: ['Check that `db-repository` names a copy of trivy-db with tag 2, or use the default.'],
  },
  UNAUTHORIZED: {
    ...registry,
    title: 'The registry does not accept the credentials',
    cause: 'There are no credentials for the registry, or user name, password or token are wrong or expired.',
    remedy: [
      'Give `registry`, `username` and `password` (or `registry-auth`), or log in before this step. The log says where the credentials for the host came from, or that there were none.',
      'On GHCR use `username: ${{ github.actor }}` and `password: ${{ secrets.GITHUB_TOKEN }}` with `permissions: packages: write`.',
      'On Docker Hub use an access token instead of the password.',
      'On ECR, Artifact Registry, Azure, Docker Hub and Artifactory a keyless login needs no secret: see docs/registries.md.',
    ],
  },
  TOKEN_EXPIRED: {
    ...registry,
    title: 'The credentials ran out on the way',
    cause: 'The registry says that the token has expired, and a fresh one was refused as well.',
    remedy: ['Log in right before this step, or let this action log in (`registry`, `username`, `password`).'],
  },
  ID_TOKEN_UNAVAILABLE: {
    ...registry,
    title: 'GitHub offers this job no OIDC token',
    cause:
      'A login without a stored secret begins with a token from GitHub, which a job gets only when it asks for the right.',
    remedy: [
      'Add `id-token: write` to the `permissions:` of the job (and keep `contents: read`, because naming one permission drops all others).',
      'In a reusable workflow the calling job has to grant it, too.',
      'A pull request from a fork never gets one: run the job for pushes only, or give `username` and `password`.',
    ],
  },
  ID_TOKEN_AUDIENCE: {
    ...registry,
    title: 'The OIDC token is for another audience',
    cause: 'The token service accepts tokens for the audience of its trust policy only, and this one names another.',
    remedy: [
      'Set the audience of the trust policy (AWS identity provider, Azure federated credential, Google provider, Docker connection, Artifactory provider) to the one that the message shows.',
      'Or set `oidc-audience` to the audience that the trust policy has.',
    ],
  },
  ID_TOKEN_SUBJECT: {
    ...registry,
    title: 'The trust policy does not accept this workflow',
    cause:
      'The token service compares the subject of the OIDC token (repository, branch, tag or environment) with its trust policy, and they do not match.',
    remedy: [
      'Allow the subject that the message shows, letter by letter, in the trust policy.',
      'A job with `environment:` has another subject than one without. Repositories made or renamed since 2026-07-15 carry ids in it (`repo:org@1/app@2:…`): allow both forms.',
      'A change of a trust policy takes up to five minutes to work.',
    ],
  },
  ID_TOKEN_EXPIRED: {
    ...registry,
    title: 'The OIDC token has expired',
    cause: 'The token from GitHub lives for about five minutes; a wrong clock on either side makes it shorter.',
    remedy: ['Run the job again.', 'On a self-hosted runner check that its clock is right (`timedatectl`).'],
  },
  KEYLESS_REFUSED: {
    ...registry,
    title: 'The login without a stored secret was refused',
    cause:
      'The token service did not accept the exchange, for a reason other than audience, subject or age of the token.',
    remedy: [
      'Check the names in the inputs against the cloud: role, provider, service account, client and tenant id, connection id.',
      'Check that the identity may use the registry: its roles are listed in docs/registries.md.',
    ],
  },
  CAPABILITY_MISSING: {
    ...registry,
    title: 'This kind of registry cannot do that',
    cause: 'Registries differ in what their APIs offer; the matrix in the README shows which has what.',
    remedy: [
      'Do what the message says instead.',
      'If the host is of another kind than was assumed, name it in `registry-type`.',
    ],
  },
  DENIED: {
    ...registry,
    title: 'The registry denies access',
    cause: 'The credentials are accepted, but do not allow this operation on this repository.',
    remedy: [
      'Give the identity the right to push to the repository that the message names.',
      'On GHCR add `permissions: packages: write` to the job.',
      'On ECR allow ecr:GetAuthorizationToken on `*`, and on the repository ecr:BatchCheckLayerAvailability, ecr:InitiateLayerUpload, ecr:UploadLayerPart, ecr:CompleteLayerUpload, ecr:PutImage, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer; for `create-repository` also ecr:DescribeRepositories and ecr:CreateRepository.',
      'On ECR Public allow the same actions of ecr-public, ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken on `*`.',
      'On Artifact Registry grant roles/artifactregistry.writer (artifactregistry.repositories.uploadArtifacts); on ACR AcrPush, or Container Registry Repository Writer.',
      'On Harbor give the role Developer in the project; on Nexus nx-repository-view-docker-<repository>-add and -edit; on Artifactory Deploy/Cache and Delete/Overwrite.',
      'On Docker Hub use an access token with Read & Write, and check the namespace in `images`.',
    ],
  },
  GHCR_PACKAGE_NOT_LINKED: {
    ...registry,
    title: 'The package on GHCR does not know this repository',
    cause: 'The package exists, and the job of this repository is not allowed to write to it.',
    remedy: [
      'Open the package on GitHub → Package settings → Manage Actions access → add this repository with role Write.',
      'Add `permissions: packages: write` to the job.',
    ],
  },
  SCOPE_TOO_NARROW: {
    ...registry,
    title: 'The token does not allow to push',
    cause: 'The token service accepted the credentials and left out the right to push.',
    remedy: [
      'Use credentials that may push to the repository that the message names.',
      'On Docker Hub make the access token with Read & Write; on Harbor and Quay give the robot account write; on ACR name the repository in the scope map with content/write.',
    ],
  },
  REPOSITORY_UNKNOWN: {
    ...registry,
    title: 'The repository does not exist',
    cause: 'This registry does not create repositories by a push, or the name is wrong.',
    remedy: [
      'Create the repository in the registry first, and check the spelling in `images` or `to`.',
      'Or let this action make it: `create-repository: true`.',
      'On ECR a creation template for CREATE_ON_PUSH works as well; on Harbor the project, on Artifact Registry the repository has to be there.',
    ],
  },
  NAME_INVALID: {
    ...registry,
    title: 'The registry does not accept the name',
    cause: 'The name of the repository is not of the form that this registry wants.',
    remedy: [
      'Check `images` or `to`: lower case, and as many parts as the registry wants (Docker Hub: namespace/name).',
    ],
  },
  MANIFEST_UNKNOWN: {
    ...registry,
    title: 'There is no such image',
    cause: 'The registry does not know the tag or digest.',
    remedy: [
      'Check the spelling, and whether the image was deleted.',
      'With `command: promote`, a tag, a digest or `env:…` in `from` is looked for in the first of `images`; a full name is found anywhere.',
      'Some registries answer so as well when the credentials may not read the repository.',
    ],
  },
  TOO_MANY_REQUESTS: {
    ...registryLater,
    title: 'The registry limits how often it is asked',
    cause: 'The registry answered 429 more often than waiting could help.',
    remedy: ['Run again later, with fewer jobs at the same time.', 'Log in: limits for anonymous use are lower.'],
  },
  ABUSE_LIMIT: {
    ...registryLater,
    title: 'Docker Hub finds that too much comes from here',
    cause:
      'Docker Hub answers 429 without words to an address or account that asks thousands of times in a minute. It is not the pull limit, and a paid plan does not lift it.',
    remedy: [
      'Run again in some minutes, with fewer jobs at the same time (`strategy.max-parallel`).',
      'Use a mirror of the base images (`mirror.gcr.io`, or a pull-through cache of your own), because runners share addresses.',
    ],
  },
  PULL_LIMIT: {
    ...registry,
    title: 'The pull limit of Docker Hub is used up',
    cause: 'Docker Hub counts pulls in six hours by account, or by address for anonymous use.',
    remedy: [
      'Log in to Docker Hub before the build, also for public base images.',
      'Use a mirror of the base images (`mirror.gcr.io`, or a pull-through cache of your own).',
    ],
  },
  PULL_BLOCKED: {
    ...registry,
    title: 'The registry keeps the image back',
    cause:
      'The image is there; a policy of the project does not let it be read, because of its findings or a missing signature.',
    remedy: [
      'Fix the findings, or allow them in the project: Harbor → project → Configuration → Deployment security, or its CVE allowlist.',
      'Give the user or robot that publishes a project where the policy is off, and promote from there.',
    ],
  },
  READ_ONLY: {
    ...registry,
    title: 'The registry takes no writes',
    cause: 'The registry is in read-only mode, or the project is a cache of another registry.',
    remedy: [
      'Switch read-only mode off (Harbor: Configuration → System settings; Nexus: Repository → Blob stores, or the task that set it; Quay: REGISTRY_STATE).',
      'Name a project or repository of your own in `images` or `to` instead of a cache.',
    ],
  },
  IMAGE_IN_USE: {
    ...registry,
    title: 'The image is in use',
    cause: 'An index, a tag or the rules of the registry still hold the image, so it cannot be deleted.',
    remedy: [
      'Delete the index or the tags that name it first; a child of an index goes with its index.',
      'On GHCR delete the package instead of its last tagged version, and ask GitHub support for versions with more than 5000 downloads.',
    ],
  },
  NETWORK_BLOCKED: {
    ...registry,
    title: 'The network rules of the registry keep the runner out',
    cause:
      'The registry accepts connections from listed addresses or private endpoints only, and the runner is elsewhere.',
    remedy: [
      "Allow the runner's address (Azure: registry → Networking), or use a self-hosted runner inside the network.",
      'On GitHub-hosted larger runners use static addresses, or Azure private networking.',
    ],
  },
  QUOTA_EXCEEDED: {
    ...registry,
    title: 'The registry has no room left',
    cause: 'The quota of the project, the namespace or the account is used up, or its disk is full.',
    remedy: ['Delete images that nobody uses, or raise the quota.', 'On a registry of your own look at its disk.'],
  },
  TOO_LARGE: {
    ...registry,
    title: 'The registry finds a layer or manifest too large',
    cause: 'The registry, or a proxy in front of it, answered 413 or a limit of its own.',
    remedy: [
      'Make the layer smaller.',
      'In front of a registry of your own raise the limit of the proxy (nginx: `client_max_body_size 0;`).',
    ],
  },
  MANIFEST_INVALID: {
    ...registry,
    title: 'The registry does not accept the manifest',
    cause: 'The registry does not know this form of manifest, or misses something that it refers to.',
    remedy: [
      'Update the registry: OCI image indexes and attestations need a version of 2020 or later.',
      'If it does not accept attestations, publish without: `provenance: false` and `sbom: false`.',
    ],
  },
  UPLOAD_REJECTED: {
    ...registryLater,
    title: 'The registry rejected an upload',
    cause:
      'The bytes that arrived do not have the digest or size that was announced, or the upload was forgotten on the way.',
    remedy: ['Run again. If it repeats, look for a proxy that changes or cuts request bodies.'],
  },
  DIGEST_MISMATCH: {
    ...registry,
    title: 'The registry answered with another digest',
    cause: 'What the registry sent or confirmed is not what was asked for, so it cannot be trusted.',
    remedy: ['Look for a proxy or cache between the runner and the registry that changes answers.'],
  },
  TAG_NOT_MOVED: {
    ...registry,
    title: 'A tag does not hold what was written',
    cause:
      'After the tag was written the registry reported another digest: another run wrote at the same moment, or the registry is not consistent.',
    remedy: ['Run again.', 'Put the job into a `concurrency` group, so that runs of one branch do not overlap.'],
  },
  UNSUPPORTED: {
    ...registry,
    title: 'The registry does not offer this',
    cause: 'The registry, as it is set up, does not know or not allow the operation.',
    remedy: [
      'Check that the host is a container registry and not read-only (a pull-through cache cannot be pushed to).',
    ],
  },
  REGISTRY_UNAVAILABLE: {
    ...registryLater,
    title: 'The registry is not well',
    cause: 'The registry answered with a server error more often than waiting could help.',
    remedy: ['Look at the status page of the registry, and run again later.'],
  },
  REGISTRY_UNREACHABLE: {
    ...registryLater,
    title: 'The registry cannot be reached',
    cause: 'The name could not be resolved, the connection was refused or broke, or no answer came in time.',
    remedy: [
      'Check the spelling of the host that the message names, and that the runner may reach it.',
      'Behind a proxy set HTTPS_PROXY and NO_PROXY.',
    ],
  },
  TLS_UNTRUSTED: {
    ...registry,
    title: 'The certificate of the registry is not trusted',
    cause: 'The TLS certificate is self-signed, expired, or made for another name.',
    remedy: [
      'Give the certificate of your own authority: `registry-ca: path/to/ca.pem`, or NODE_EXTRA_CA_CERTS.',
      'If it has expired, renew it.',
    ],
  },
  PLAIN_HTTP: {
    ...registry,
    title: 'The registry speaks HTTP without TLS',
    cause: 'Credentials and images are not sent over plain HTTP, except to this machine.',
    remedy: [
      'Set up TLS on the registry.',
      'In a network that you trust list the host, with its port, in `insecure-registries`.',
    ],
  },
  REDIRECT_REFUSED: {
    ...registry,
    title: 'A redirect or token address is refused',
    cause:
      'The registry sent the client to an address that credentials must not go to: plain HTTP, a private address, or in circles.',
    remedy: [
      'Check the host that the message names; on a registry of your own check its external address and its token realm.',
    ],
  },
  ANSWER_INVALID: {
    ...registry,
    title: 'The answer is not one of a registry',
    cause:
      'The answer is larger than such an answer can be, or not of the form that the distribution specification asks for.',
    remedy: [
      'Check that the host that the message names is a container registry, and not a web page or a proxy that wants a login.',
    ],
  },
  REGISTRY_REFUSED: {
    ...registry,
    title: 'The registry refused',
    cause: 'The registry answered with an error that is not in this catalogue.',
    remedy: ['Read the answer in the message; report it if the registry is a common one.'],
  },
  PROGRAM_MISSING: {
    outcome: 'failed',
    retry: 'never',
    title: 'A program is not there',
    cause: 'A program that this step needs is not on PATH.',
    remedy: ['Install the program that the message names on the runner.'],
  },
  CANCELLED: {
    outcome: 'cancelled',
    retry: 'never',
    title: 'Cancelled',
    cause: 'The run was cancelled from outside.',
    remedy: ['Run again; a run does only what is missing.'],
  },
  INTERNAL: {
    outcome: 'failed',
    retry: 'never',
    title: 'A defect of this action',
    cause: 'Something happened that the action does not know.',
    remedy: ['Run again with debug logging (`ACTIONS_STEP_DEBUG`), and report it with the text of the message.'],
  },
} as const satisfies Record<string, CatalogueRow>;

export type ErrorCode = keyof typeof CATALOGUE;
