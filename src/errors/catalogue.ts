import type { Failure } from '../domain/outcome.ts';
import type { Remedy } from './remedy.ts';

/** One row: a cause of failures, and its remedy. `docs/errors.md` is generated from these rows. */
export interface CatalogueRow {
  readonly title: string;
  /** The cause in one or two sentences. */
  readonly cause: string;
  /**
   * Steps for any registry: at most three per situation, in the imperative. Vendors define steps for their kind of
   * registry, which replace these.
   */
  readonly remedy: Remedy;
  readonly outcome: Failure;
  /** Whether the same request may succeed later. `backoff` also honours Retry-After. */
  readonly retry: 'never' | 'backoff';
}

const input = { outcome: 'invalid-input', retry: 'never' } as const;
const build = { outcome: 'build-failed', retry: 'never' } as const;
const image = { outcome: 'image-rejected', retry: 'never' } as const;
const scanner = { outcome: 'scanner-failed', retry: 'never' } as const;
const database = { outcome: 'database-failed', retry: 'never' } as const;
const registry = { outcome: 'registry-failed', retry: 'never' } as const;
const signing = { outcome: 'signing-failed', retry: 'never' } as const;
const registryLater = { outcome: 'registry-failed', retry: 'backoff' } as const;

/** The catalogue of errors, by code (P10). */
export const CATALOGUE = {
  INPUT_INVALID: {
    ...input,
    title: 'An input is invalid',
    cause: 'One or more inputs are unknown, contradict each other, or have a value of the wrong form.',
    remedy: ['Correct the inputs that the message lists; it lists every problem at once.'],
  },
  EVENT_INVALID: {
    ...input,
    title: 'The event cannot be used',
    cause:
      'The job environment does not name the commit, the ref or the repository, or the event payload cannot be read.',
    remedy: [
      'Run the action in a GitHub Actions job, after actions/checkout.',
      'On a self-hosted runner, make sure that GITHUB_EVENT_PATH, GITHUB_REF, GITHUB_SHA and GITHUB_REPOSITORY reach the step.',
    ],
  },
  COMMIT_MISMATCH: {
    ...input,
    title: 'The checkout is not what the tags name',
    cause:
      'The commit that is built is HEAD of the checkout. Tags that come from the ref of the event (the default tags, `type=ref`, `type=edge`, versions without `value=`) need it to be the commit of that ref, or one that descends from it.',
    remedy: [
      'Check out the commit of the event: actions/checkout without `ref:`; for `pull_request_target` with the head of the pull request.',
      'Or write out which tags the commit gets, for instance `type=sha` and `type=raw,value=…`.',
      'If the relation is unknown, check out with `fetch-depth: 0`.',
    ],
  },
  NO_TAGS: {
    ...input,
    title: 'No tag rule applies',
    cause: 'None of the `tags` rules applies to this event, so the image would have no name.',
    remedy: [
      'Add a rule that applies to the event, for instance `type=sha`, or leave `tags` empty for the default rules.',
      'Or do not run the job for this event.',
    ],
  },
  TAG_INVALID: {
    ...input,
    title: 'A tag is invalid',
    cause:
      'A tag has at most 128 characters of A-Z a-z 0-9 . _ - and does not start with a dot or a hyphen; two different names must not become the same tag.',
    remedy: ['Change the rule that produced the tag, for instance with `prefix=`, or rename the branch or git tag.'],
  },
  TAG_IMMUTABLE: {
    outcome: 'tag-conflict',
    retry: 'never',
    title: 'An immutable tag exists with another digest',
    cause:
      'The tag exists with other content and must not change: it is a version, or the registry does not allow tags to be overwritten.',
    remedy: {
      any: [
        'Publish under a new version: a released version keeps its digest.',
        'If the tag was pushed by mistake and is not in use, delete it in the registry and run again.',
        'If the tag is meant to move, use a rule for moving tags, such as `type=ref,event=branch` or `type=edge`.',
      ],
      promote: [
        'Promote to a new version: a released version keeps its digest.',
        'If the tag is meant to move, give it a name in `to` without a version or commit, such as `{{env}}`.',
        'If the tag was pushed by mistake and is not in use, delete it in the registry and run again.',
      ],
      delete: ['Remove the rule or lock that makes the tag immutable in the registry, and run again.'],
    },
  },
  PROMOTION_REFUSED: {
    outcome: 'refused',
    retry: 'never',
    title: 'The promotion was refused',
    cause:
      'A requirement of the environment is not met, the image is on hold after a rollback, or there is nothing to roll back to. Nothing was written.',
    remedy: [
      'Meet the requirement that each line of the message names: `deployed=` needs a promotion there first, `scan=now` scans during the promotion, a missing platform or SBOM needs a new build.',
      'To promote an image that was rolled back, start a `workflow_dispatch` run with `force: true`.',
      'To see the images that a rollback can go back to, run `from: env:<environment>` with `dry-run: true`.',
    ],
  },
  POLICY_INVALID: {
    ...input,
    title: 'The promotion policy cannot be used',
    cause: 'The policy file is missing, cannot be read, or contains something that is not a requirement.',
    remedy: [
      'Write it as `docs/promote.md` shows: `require` for every environment, `environments` for one.',
      'Check out the repository before this step, or pass `github-token` with `contents: read`, so that the file can be read.',
    ],
  },
  CLEANUP_POLICY_INVALID: {
    ...input,
    title: 'The cleanup policy cannot be used',
    cause: 'The policy is missing, cannot be read, or is not valid. Nothing was read or deleted.',
    remedy: [
      'Correct each place that the message names with line and column; `docs/cleanup.md` has the whole format and policies to copy.',
      'If the file does not exist, check its path, which starts at the workspace, and that the repository is checked out before this step.',
    ],
  },
  MIRROR_CONFIG_INVALID: {
    ...input,
    title: 'The mirror configuration cannot be used',
    cause: 'The file is missing, cannot be read, or is not valid. Nothing was read from a registry or copied.',
    remedy: [
      'Correct each place that the message names with line and column; `docs/mirror.md` has the whole format.',
      'If the file does not exist, check its path, which starts at the workspace, and that the repository is checked out before this step.',
    ],
  },
  MIRROR_TAG_MOVED: {
    outcome: 'tag-conflict',
    retry: 'never',
    title: 'A tag at the source points to another image',
    cause:
      'The source has changed a tag that must not change at the target: a version or a commit, or any tag with `moved: fail`. The tag stays as it is; the others are mirrored.',
    remedy: [
      'Find out why the source has changed it: a version that changes is a mistake, or an attack.',
      'To take the new image, set `moved: {versions: update}` for this mirror, or delete the tag at the target.',
      'To keep the old image without an error, set `moved: {versions: keep}`.',
    ],
  },
  MIRROR_TARGET_CHANGED: {
    outcome: 'tag-conflict',
    retry: 'never',
    title: 'A tag at the target changed during the run',
    cause:
      'The tag no longer points to what it pointed to when the run was planned: another run or a person has written it. It was left as it is.',
    remedy: [
      'Check what the tag points to now, and run again if it should still change.',
      'Allow one run at a time: `concurrency: { group: mirror, cancel-in-progress: false }`, and let nothing else push to mirrored repositories.',
    ],
  },
  MIRROR_TAG_MISSING: {
    ...input,
    title: 'A tag is missing at the source',
    cause:
      'A tag that the configuration names does not exist at the source, or the source has no tags at all. Nothing was removed at a target.',
    remedy: [
      'Check the name of the repository and of the tag at the source, and that the account may read it.',
      'Take the tag out of the configuration if it was removed on purpose.',
    ],
  },
  PLAN_UNUSABLE: {
    ...input,
    title: 'The plan cannot be applied',
    cause:
      'The plan file is missing, was changed after it was made, or belongs to another policy or desired state, another repository or another version of the action. Nothing was changed.',
    remedy: [
      'Plan again with this policy or desired state, approve that plan, and apply its file unchanged.',
      'Use the same commit and the same version of the action in both jobs.',
    ],
  },
  DESIRED_STATE_INVALID: {
    ...input,
    title: 'The desired state cannot be used',
    cause:
      'The file in `config` is missing, cannot be read, is not valid, or contains something that a registry would refuse. Nothing was changed.',
    remedy: [
      'Correct each line that the message names; `docs/setup.md` has the whole format and a complete example for each registry.',
      'If the file does not exist, check its path, which starts at the workspace, and that the repository is checked out before this step.',
    ],
  },
  SETUP_REFUSED: {
    outcome: 'refused',
    retry: 'never',
    title: 'A setting cannot be changed as requested',
    cause:
      'The registry fixes the setting when a repository is created, or it belongs to somebody else. Nothing was changed in the repositories affected; all others were set up.',
    remedy: [
      'Create a repository with another name and copy the images, or change the file to the current value.',
      "To replace another owner's setting, set `retention: {from: …, replace: true}` or `access: exact` in the file.",
    ],
  },
  EXPORT_REFUSED: {
    outcome: 'refused',
    retry: 'never',
    title: 'The export would overwrite other files',
    cause:
      'The export folder contains files with the same names that were not written by an export. Nothing was written.',
    remedy: [
      'Set `export-directory` to another folder, such as an empty one.',
      'Or move the files that the message names elsewhere.',
    ],
  },
  SETUP_CONFLICT: {
    outcome: 'refused',
    retry: 'never',
    title: 'A setting changed while the plan was applied',
    cause: 'Somebody else changed a setting that several teams share after it was read. It was not overwritten.',
    remedy: ['Run again: the new plan keeps what the others wrote.'],
  },
  DRIFT_FOUND: {
    outcome: 'drift',
    retry: 'never',
    title: 'Registries differ from the desired state',
    cause:
      'A scheduled run of `setup` with `dry-run` only compares. A setting was changed outside of the file, or the file was never applied.',
    remedy: [
      'Apply the file: run with `dry-run: false`, or approve the plan and apply it with `plan`.',
      'If the registry is right, correct the file.',
    ],
  },
  CLEANUP_STOPPED: {
    outcome: 'refused',
    retry: 'never',
    title: 'The cleanup was stopped',
    cause:
      'Applying the policy would not be safe: it would delete more than a limit allows, a line under `protect` matches nothing, or it is unknown which images are in use. Nothing was deleted in the repositories affected.',
    remedy: [
      'Correct what each line of the message names: the rule, the limit, the line of `protect`, or the source of images in use.',
      'Run with `dry-run: true` and read the new plan before it is applied.',
    ],
  },
  KEPT_IMAGE_INCOMPLETE: {
    outcome: 'registry-failed',
    retry: 'never',
    title: 'An image that was kept is no longer complete',
    cause:
      'After the deletions an image that the plan keeps lacks a part that it had before. The plan deletes no such part, so something else did: another cleanup, a retention rule of the registry, or a person.',
    remedy: [
      'Push the image again from its build, or restore the deleted version if the registry can.',
      'Switch off other cleanups and retention rules of the repository.',
    ],
  },
  ENVIRONMENT_MOVED: {
    outcome: 'tag-conflict',
    retry: 'never',
    title: 'The environment changed during the promotion',
    cause:
      'The tag of the environment no longer points to the image that it pointed to when the promotion was planned: it was moved by another run or a person.',
    remedy: [
      'Check what the tag points to now, and run again if it should still move.',
      'Allow one promotion at a time: `concurrency: { group: promote-<environment>, cancel-in-progress: false }`.',
    ],
  },
  DOCKER_MISSING: {
    ...build,
    title: 'Docker is not installed',
    cause: 'The build needs the `docker` command with the buildx plugin, and it is not on PATH.',
    remedy: [
      'Use a runner with Docker (`runs-on: ubuntu-24.04`), or install it on the self-hosted runner.',
      'Or build with another tool and pass its result as `source:` (OCI layout, OCI tar or `docker save` tar), which needs no Docker.',
    ],
  },
  DAEMON_UNREACHABLE: {
    ...build,
    title: 'The Docker daemon does not respond',
    cause: 'The `docker` command is installed, but no daemon responds at the address that it uses.',
    remedy: [
      'Start the daemon (`sudo systemctl start docker`), or set DOCKER_HOST or the docker context to its address.',
      'In a container job, mount /var/run/docker.sock.',
    ],
  },
  BUILDX_MISSING: {
    ...build,
    title: 'buildx is not installed',
    cause: 'The `docker` command has no buildx plugin.',
    remedy: ['Add `docker/setup-buildx-action` before this step, or install the docker-buildx package on the runner.'],
  },
  BUILDX_TOO_OLD: {
    ...build,
    title: 'buildx is too old',
    cause: 'An input needs a newer version of buildx.',
    remedy: [
      'Update buildx, for instance with `docker/setup-buildx-action` before this step, or remove the input that the message names.',
    ],
  },
  BUILDER_UNSUITABLE: {
    ...build,
    title: 'The builder does not support this build',
    cause:
      'The builder does not start, is too old, or is the plain docker driver, which cannot write all platforms and attestations as one OCI layout.',
    remedy: [
      'Leave `builder` empty: a suitable docker-container builder is created for the run and removed afterwards.',
      'Or name a builder of driver docker-container (`docker buildx create --driver docker-container`).',
    ],
  },
  BUILDER_UNREACHABLE: {
    ...build,
    title: 'The BuildKit daemon cannot be used',
    cause: 'The daemon in `endpoint` does not respond, or one side does not accept the certificate of the other.',
    remedy: [
      'Check that the daemon runs at the address in `endpoint`, and that the runner can reach it.',
      'Check that its certificates and `builder-ca`, `builder-cert` and `builder-key` belong together.',
    ],
  },
  BUILD_FAILED: {
    ...build,
    title: 'The build failed',
    cause: '`docker buildx build` ended with an error.',
    remedy: ['Fix the step that the message shows; the full output is in the log above.'],
  },
  CACHE_FAILED: {
    ...build,
    title: 'The build cache could not be written',
    cause: 'The image was built, but exporting the cache to `cache-to` failed.',
    remedy: [
      'Check the address and the write access of the cache that `cache-to` names.',
      'If a missing cache should not fail the build, append `,ignore-error=true` to the entry of `cache-to`.',
    ],
  },
  BUILD_NO_SPACE: {
    ...build,
    title: 'No space left on the runner',
    cause: 'The disk of the runner or of the builder is full.',
    remedy: [
      'Free space before the build (`docker system prune -af`, remove unused toolchains), or use a larger runner.',
      'Make the image smaller: fewer layers with build tools, a `.dockerignore`, a multi-stage Dockerfile.',
      'Build each platform on its own runner, which then needs the space of one (docs/building.md).',
    ],
  },
  LOAD_FAILED: {
    ...build,
    title: 'The image could not be loaded',
    cause:
      'The Docker Engine did not accept the archive from `load: true`, or its name refers to another image afterwards.',
    remedy: [
      'Check that the Docker Engine of the runner is running and has space (`docker info`, `docker system df`).',
      'If the engine cannot read the compression of the layers, update it, or test the image with another tool: set `layout-directory`.',
    ],
  },
  SOURCE_INVALID: {
    ...input,
    title: 'The source cannot be read',
    cause: '`source` must be an OCI layout directory, a tar of one, or a `docker save` tar, with one image.',
    remedy: ['Check that `source` is the path that the earlier step wrote to, and that this step ran.'],
  },
  SOURCE_UNSAFE: {
    ...image,
    title: 'The source is unsafe',
    cause: 'The archive contains paths outside of its folder, links, devices, or far more data than an image has.',
    remedy: ['Do not use this archive. Create it again with a builder you trust, and find out who made this one.'],
  },
  LAYOUT_CORRUPT: {
    ...image,
    title: 'The image is damaged',
    cause: 'A blob is missing, or its bytes do not match the digest or size in the manifest.',
    remedy: [
      'Build again. If it repeats, check the disk of the runner and whatever passed the files on (cache, artifact).',
    ],
  },
  IMAGE_INVALID: {
    ...image,
    title: 'The image is not valid',
    cause:
      'An index, manifest, config or attestation does not follow the OCI image specification, or contains something that could run and would not be scanned.',
    remedy: [
      'Create the image again with a current version of the tool that wrote it: the message names the document and what is wrong with it.',
      'If that tool is yours, compare what it writes with the specification (https://github.com/opencontainers/image-spec).',
    ],
  },
  IMAGE_UNPULLABLE: {
    ...image,
    title: 'Some clients cannot pull this image',
    cause: 'A layer has a media type that Docker or containerd do not accept in this kind of manifest.',
    remedy: [
      'Build with OCI media types: `--output type=oci,oci-mediatypes=true` of buildx, `--format oci` of buildah and podman.',
      'For an artifact that is not an image, use `oras push`.',
    ],
  },
  IMAGE_EMPTY: {
    ...image,
    title: 'The image has no layers',
    cause: 'There is nothing in it that a container could run, and nothing that could be scanned.',
    remedy: ['Provide an image with at least one layer. For an artifact that is not an image, use `oras push`.'],
  },
  FOREIGN_LAYERS: {
    ...image,
    title: 'The image has foreign layers',
    cause:
      'A layer is referenced by a URL outside of the registry, so it can neither be scanned nor published with the image.',
    remedy: ['Rebuild on a current base image: Windows base images include their layers since 2023.'],
  },
  PLATFORM_MISSING: {
    ...image,
    title: 'A platform is missing',
    cause: 'The image does not have exactly the platforms that `platforms` lists.',
    remedy: ['Check that the builder can build the platform that the message names, or correct `platforms`.'],
  },
  PLATFORM_CONFLICT: {
    ...image,
    title: 'Two images for one platform',
    cause:
      'Several inputs of a merge are images for the same platform, and which one a client gets would be arbitrary.',
    remedy: [
      'Give each job of the matrix a platform of its own, and merge only the artifacts of this run.',
      'Merge variants of an image, such as versions in a matrix, one at a time: give their artifacts different names, and download only those of one.',
      'If the artifacts of an earlier attempt are among them, build and merge with the same version of this action: `layout-directory` records the attempt, and the newest one is used.',
    ],
  },
  IMAGES_MIXED: {
    ...image,
    title: 'Parts of different images',
    cause:
      'The inputs of a merge were built under different names, from different targets of one Dockerfile, or with different tags and build arguments.',
    remedy: [
      'Merge one image at a time: give the artifacts of each image a name of their own, such as `image-web-…`, and download only those.',
      'If they are platforms of one image, give every job the same `images`, `tags`, `target` and `build-args`.',
      'If a target must differ by platform, add a stage that selects it: `FROM runtime-${TARGETARCH}`.',
    ],
  },
  SBOM_MISSING: {
    ...image,
    title: 'An SBOM is missing',
    cause: 'Every platform of the image needs an SBOM, and at least one has none.',
    remedy: [
      'Build with `sbom: true` on a builder of driver docker-container, or use a builder that writes SBOMs.',
      'To publish without SBOMs, set `sbom: false`.',
    ],
  },
  PROVENANCE_MISSING: {
    ...image,
    title: 'Provenance is missing',
    cause: 'Every platform of the image needs a provenance attestation, and at least one has none.',
    remedy: [
      'Build with `provenance: mode=max` (or leave it empty) on a builder of driver docker-container.',
      'To publish without provenance, set `provenance: false`.',
    ],
  },
  ATTESTATION_MISMATCH: {
    ...image,
    title: 'An attestation is about another image',
    cause: 'An SBOM or provenance statement in the image names a digest that is not the digest of its platform.',
    remedy: ['Do not publish this image. Build it again in one run, and find out where the statement came from.'],
  },
  ATTESTATION_TOO_LARGE: {
    ...image,
    title: 'An attestation is too large',
    cause:
      'An SBOM or provenance statement is larger than what BuildKit allows, so it can be neither read nor checked.',
    remedy: [
      'Copy only what runs into the last stage of the Dockerfile: an SBOM that lists every file of build tools grows this large.',
      'To publish without it, set `sbom: false`, and attach the SBOM to the published image as an artifact (`oras attach`).',
    ],
  },
  FINDINGS: {
    outcome: 'findings',
    retry: 'never',
    title: 'Blocked by findings',
    cause: 'The scan found what the policy does not allow. Nothing was written to any registry.',
    remedy: [
      'Update the package to the fixed version that the message names, and build again. A secret must leave every layer (`secrets` with `RUN --mount=type=secret`, or `.dockerignore`) and be replaced.',
      'If there is no fix and the risk is accepted, add the entry that the summary offers, with your reason, to the file that `ignorefile` names.',
      'If the published image has these findings already, name it with `baseline`, so that only new ones fail. To report findings without failing, set `scan: report`.',
    ],
  },
  REPORT_FINDINGS: {
    outcome: 'findings',
    retry: 'never',
    title: 'Watched images have findings',
    cause:
      'A scanner lists vulnerabilities of a severity that `fail-on` names in an image with a watched tag. The report is complete.',
    remedy: [
      'Rebuild the images that the message names on current base images and packages, publish and promote them.',
      'Where a finding is accepted, remove the severity from `fail-on`, and gate on it when publishing, where exceptions have a reason and an expiry date.',
    ],
  },
  REPORT_CONDITION: {
    outcome: 'condition-met',
    retry: 'never',
    title: 'A condition of the report is met',
    cause: 'The report found what `fail-on` names. The report is complete, and nothing was changed.',
    remedy: [
      'Correct each of them: promote or roll back the environment, scan the image, delete what is broken, or give the credentials the missing right.',
      'Remove the condition from `fail-on` if it is expected.',
    ],
  },
  IGNOREFILE_INVALID: {
    ...input,
    title: 'The ignore file cannot be used',
    cause: 'Every entry needs an id, a reason and an expiry date, and may only have known keys.',
    remedy: [
      'Correct the entry that the message names; `docs/gate.md` shows a complete one.',
      'If the file does not exist, check its path, which starts at the workspace, and that the repository is checked out before this step.',
    ],
  },
  BASELINE_UNUSABLE: {
    ...input,
    title: 'The baseline cannot be used',
    cause:
      'The image that `baseline` names does not exist, is not an image, or is damaged, so it is not known which findings are old. It never counts as an image without findings.',
    remedy: [
      'Name an image that exists: a tag or digest of the first of `images`, or a full name such as `registry.example.com/org/app:main`.',
      'On the very first run there is nothing to compare with: leave `baseline` out and publish once with `scan: report`.',
    ],
  },
  VEX_INVALID: {
    ...input,
    title: 'The VEX document cannot be used',
    cause: 'A file that `vex` names is missing or is not an OpenVEX document.',
    remedy: ['Check the path, and that the file is OpenVEX JSON. `vexctl create` makes one.'],
  },
  SCANNER_UNAVAILABLE: {
    ...scanner,
    title: 'Trivy could not be installed',
    cause: 'No allowed version of Trivy is on PATH or in the tool cache, and the download failed.',
    remedy: [
      'Let the runner reach https://github.com/aquasecurity/trivy/releases, or put an allowed version of Trivy on PATH.',
    ],
  },
  SCANNER_REFUSED: {
    ...scanner,
    title: 'This version of Trivy is not allowed',
    cause:
      'The version is not in the list of allowed versions, or the download does not match the checksum of its release.',
    remedy: [
      'Leave `trivy-version` empty, or use one of the versions that the message lists.',
      'If a checksum differs, do not use the download: it was changed between the release and the runner.',
    ],
  },
  SCANNER_FAILED: {
    ...scanner,
    title: 'The scan failed',
    cause: 'Trivy ended with an error, so there is no gate result. The image itself was not assessed.',
    remedy: ['Read the output of Trivy in the log above, and run again. If it repeats, report it with that output.'],
  },
  SCANNER_TIMEOUT: {
    ...scanner,
    title: 'The scan timed out',
    cause: 'The scan of a platform took longer than allowed, so there is no gate result.',
    remedy: ['Run again on a larger runner, or make the image smaller.'],
  },
  REPORT_INVALID: {
    ...scanner,
    title: "Trivy's report cannot be used",
    cause:
      'The report is empty, incomplete, of an unknown version, or about another image than the one that was scanned.',
    remedy: ['Run again. If it repeats, report it with the version of Trivy and the message above.'],
  },
  DATABASE_UNREACHABLE: {
    ...database,
    title: 'The vulnerability database is unavailable',
    cause: 'None of the locations in `db-repository` returned the database. The image itself was not assessed.',
    remedy: [
      'Run again later: the public mirrors are rate-limited.',
      'Keep a mirror of your own and name it first in `db-repository` (`oras cp` of ghcr.io/aquasecurity/trivy-db:2 once a day).',
    ],
  },
  DATABASE_DENIED: {
    ...database,
    title: 'The vulnerability database needs a login',
    cause:
      'A mirror in `db-repository` or `java-db-repository` cannot be read with these credentials, or not anonymously.',
    remedy: [
      'Add a login that may read the mirror to `registry-auth`, under the host of the mirror.',
      'Or name a public mirror: without `db-repository` the default ones are used.',
    ],
  },
  DATABASE_TOO_OLD: {
    ...database,
    title: 'The vulnerability database is too old',
    cause: 'The database is older than `max-db-age` allows, so a clean report would prove nothing.',
    remedy: [
      'Update the mirror that `db-repository` names, or use another one.',
      'To accept an older database, raise `max-db-age`, for instance to `7d`.',
    ],
  },
  DATABASE_INVALID: {
    ...database,
    title: 'The vulnerability database cannot be used',
    cause: 'The download is not a database that this version of Trivy reads.',
    remedy: ['Check that `db-repository` names a copy of trivy-db with tag 2, or use the default.'],
  },
  CREDENTIALS_MISSING: {
    ...registry,
    title: 'No credentials for the registry',
    cause: 'The registry does not allow this without a login, and no credentials were found for its host.',
    remedy: {
      any: [
        'Set `registry`, `username` and `password` for the host that the message names, or add an entry to `registry-auth`.',
        'Or log in before this step in the same job (`docker login`, docker/login-action).',
        'If the password comes from a secret, check that the secret exists and that this event may read it: pull requests from forks may not.',
      ],
      build: [
        'Set `registry`, `username` and `password` for the registry of the base image, or add an entry to `registry-auth`.',
      ],
    },
  },
  UNAUTHORIZED: {
    ...registry,
    title: 'The registry rejected the credentials',
    cause: 'The user name, password or token is wrong, revoked or expired.',
    remedy: {
      any: [
        'Check the user name and password for the host; the log shows where the credentials came from.',
        'If they come from a secret, save it again without quotes or line breaks, and check its expiry.',
      ],
      build: [
        'Log in to the registry of the base image or cache that the message names: add it to `registry-auth`.',
        'Check the name of the image: many registries report a missing repository as unauthorized.',
      ],
    },
  },
  TOKEN_EXPIRED: {
    ...registry,
    title: 'The credentials expired during the run',
    cause: 'The registry reports an expired token, and rejected a fresh one as well.',
    remedy: ['Log in right before this step, or let this action log in (`registry`, `username`, `password`).'],
  },
  ID_TOKEN_UNAVAILABLE: {
    ...registry,
    title: 'The job cannot request an OIDC token',
    cause: 'A keyless login starts with an OIDC token from GitHub, which a job only gets with the permission for it.',
    remedy: [
      'Add `id-token: write` to the `permissions:` of the job, and keep `contents: read`, because naming one permission drops all others.',
      'In a reusable workflow, the calling job must grant it as well.',
      'Pull requests from forks never get one: run the job for pushes only, or set `username` and `password`.',
    ],
  },
  ID_TOKEN_AUDIENCE: {
    ...registry,
    title: 'The OIDC token has the wrong audience',
    cause: 'The token service only accepts the audience in its trust policy, and this token has a different one.',
    remedy: [
      'Set the audience in the trust policy to the one that the message shows.',
      'Or set `oidc-audience` to the audience of the trust policy.',
    ],
  },
  ID_TOKEN_SUBJECT: {
    ...registry,
    title: 'The trust policy does not accept this workflow',
    cause:
      'The token service compares the subject of the OIDC token (repository, branch, tag or environment) with its trust policy, and they do not match.',
    remedy: [
      'Allow the subject that the message shows, character by character, in the trust policy.',
      'A job with `environment:` has another subject than one without, and repositories created or renamed since 2026-07-15 have ids in it (`repo:org@1/app@2:…`): allow both forms.',
      'Wait five minutes after a change of the trust policy.',
    ],
  },
  ID_TOKEN_EXPIRED: {
    ...registry,
    title: 'The OIDC token has expired',
    cause: 'A token from GitHub is valid for about five minutes; a wrong clock on either side shortens that.',
    remedy: ['Run the job again.', 'On a self-hosted runner, check its clock (`timedatectl`).'],
  },
  KEYLESS_REFUSED: {
    ...registry,
    title: 'The keyless login was rejected',
    cause: 'The token service rejected the exchange for a reason other than audience, subject or age of the token.',
    remedy: [
      'Check the names in the inputs for the keyless login.',
      'Check that the identity may use the registry: docs/registries.md lists the roles.',
    ],
  },
  CAPABILITY_MISSING: {
    ...registry,
    title: 'This registry does not support that',
    cause: 'Registries differ in what their APIs offer; the table in `docs/registries.md` shows what each one has.',
    remedy: [
      'Use the alternative that the message names.',
      'If the host is another kind of registry, set it in `registry-type`.',
    ],
  },
  DENIED: {
    ...registry,
    title: 'Missing permission at the registry',
    cause: 'The credentials are valid, but do not allow this operation on this repository.',
    remedy: {
      any: ['Grant the account access to the repository that the message names.'],
      login: ['Grant the account access to the registry that the message names.'],
      read: [
        'Grant the account permission to pull from the repository that the message names.',
        'Check the spelling of the repository: some registries report a missing one as denied.',
      ],
      push: [
        'Grant the account permission to push to the repository that the message names.',
        'Check the spelling of the namespace and repository in `images`.',
      ],
      promote: [
        'Grant the account permission to push to the repository that the message names.',
        'Check the spelling of the namespace and repository in `to` or `images`.',
      ],
      delete: ['Grant the account permission to delete in the repository that the message names.'],
      setup: [
        'Grant the account the permission that the message names; `docs/setup.md` lists what each kind of registry needs.',
      ],
      build: [
        'Grant the account permission to pull the base image or cache that the message names.',
        'Check the name of the image: some registries report a missing repository as denied.',
      ],
    },
  },
  GHCR_PACKAGE_NOT_LINKED: {
    ...registry,
    title: 'The package on GHCR does not grant this repository access',
    cause: 'The package exists, and the jobs of this repository may not write to it.',
    remedy: [
      'Open the package on GitHub → Package settings → Manage Actions access → add this repository with role Write.',
      'Add `permissions: packages: write` to the job.',
    ],
  },
  SCOPE_TOO_NARROW: {
    ...registry,
    title: 'The token does not allow pushing',
    cause: 'The token service accepted the credentials, but did not grant the permission to push.',
    remedy: {
      any: ['Use credentials that may push to the repository that the message names.'],
      read: ['Use credentials that may pull from the repository that the message names.'],
      delete: ['Use credentials that may delete in the repository that the message names.'],
    },
  },
  REPOSITORY_UNKNOWN: {
    ...registry,
    title: 'The repository does not exist',
    cause: 'The registry does not create repositories on push, or the name is wrong.',
    remedy: {
      any: ['Check the spelling of the repository that the message names.'],
      push: [
        'Check the spelling of the repository in `images`.',
        'Create the repository in the registry, or let this action create it: `create-repository: true`.',
      ],
      promote: [
        'Check the spelling of the repository in `to` or `images`.',
        'Create the repository in the registry, or let this action create it: `create-repository: true`.',
      ],
      read: ['Check the spelling of the repository, and that the account may read it.'],
    },
  },
  NAME_INVALID: {
    ...registry,
    title: 'The registry rejects the repository name',
    cause: 'The name does not have the form that this registry requires.',
    remedy: {
      any: ['Correct the name in `images`: lower case, with the number of parts that the message gives.'],
      promote: ['Correct the name in `to` or `images`: lower case, with the number of parts that the message gives.'],
    },
  },
  MANIFEST_UNKNOWN: {
    ...registry,
    title: 'The image does not exist',
    cause: 'The registry has no such tag or digest.',
    remedy: {
      any: ['Check the spelling, and whether the image was deleted.'],
      promote: [
        'Check `from`: a tag, a digest or `env:…` is looked up in the first repository of `images`; a full name, in the repository it names.',
        'Check that the image was published and not deleted since.',
        'Check that the account may read the repository.',
      ],
    },
  },
  TOO_MANY_REQUESTS: {
    ...registryLater,
    title: 'The registry is rate-limiting this runner',
    cause: 'The registry still answered 429 after several retries.',
    remedy: ['Run again later, with fewer jobs at the same time.', 'Log in: limits for anonymous access are lower.'],
  },
  ABUSE_LIMIT: {
    ...registryLater,
    title: 'Docker Hub is rate-limiting this runner',
    cause:
      'Docker Hub answers 429 without details to an address or account that sends thousands of requests per minute. It is not the pull limit, and a paid plan does not lift it.',
    remedy: [
      'Run again in a few minutes, with fewer jobs at the same time (`strategy.max-parallel`).',
      'Use a mirror of the base images (`mirror.gcr.io`, or a pull-through cache of your own), because runners share addresses.',
    ],
  },
  PULL_LIMIT: {
    ...registry,
    title: 'The Docker Hub pull limit is used up',
    cause: 'Docker Hub counts pulls in six hours per account, or per address for anonymous access.',
    remedy: [
      'Log in to Docker Hub before the build, also for public base images.',
      'Use a mirror of the base images (`mirror.gcr.io`, or a pull-through cache of your own).',
    ],
  },
  PULL_BLOCKED: {
    ...registry,
    title: 'The registry blocks pulls of this image',
    cause: 'The image exists; a policy of the registry blocks it because of its findings or a missing signature.',
    remedy: [
      'Fix the findings, or allow them in the policy of the registry.',
      'Publish to a repository without this policy, and promote from there.',
    ],
  },
  READ_ONLY: {
    ...registry,
    title: 'The registry is read-only',
    cause: 'The registry is in read-only mode, or the repository is a cache of another registry.',
    remedy: {
      any: [
        'Switch the read-only mode of the registry off.',
        'If it is a pull-through cache, name a repository that can be pushed to.',
      ],
    },
  },
  IMAGE_IN_USE: {
    ...registry,
    title: 'The image is in use',
    cause: 'An index, a tag or a rule of the registry still refers to the image, so it cannot be deleted.',
    remedy: ['Delete the index or the tags that refer to it first.'],
  },
  NETWORK_BLOCKED: {
    ...registry,
    title: 'The registry blocks this network',
    cause:
      'The registry accepts connections from listed addresses or private endpoints only, and the runner is not one of them.',
    remedy: [
      'Allow the address of the runner in the network rules of the registry, or use a self-hosted runner inside the network.',
      'On larger GitHub-hosted runners, use static addresses or private networking.',
    ],
  },
  QUOTA_EXCEEDED: {
    ...registry,
    title: 'The registry has no space left',
    cause: 'The quota of the project, the namespace or the account is used up, or its disk is full.',
    remedy: ['Delete images that are no longer used, or raise the quota.'],
  },
  TOO_LARGE: {
    ...registry,
    title: 'A layer or manifest is too large',
    cause: 'The registry, or a proxy in front of it, answered 413 or reported a limit of its own.',
    remedy: [
      'Make the layer or manifest that the message names smaller.',
      'In front of a registry of your own, raise the limit of the proxy (nginx: `client_max_body_size 0;`).',
    ],
  },
  MANIFEST_INVALID: {
    ...registry,
    title: 'The registry rejects the manifest',
    cause: 'The registry does not support this kind of manifest, or lacks content that it refers to.',
    remedy: [
      'Update the registry: OCI image indexes and attestations need a version of 2020 or later.',
      'If it does not support attestations, publish without them: `provenance: false` and `sbom: false`.',
    ],
  },
  BLOB_UNKNOWN: {
    ...registry,
    title: 'The registry does not have the layers of the image',
    cause:
      'The registry accepted every layer or reported it as present, then rejected the manifest because a layer is missing.',
    remedy: [
      'Run again: layers that are missing are uploaded again.',
      'If it repeats, check the storage and the garbage collection of the registry.',
    ],
  },
  UPLOAD_REJECTED: {
    ...registryLater,
    title: 'The registry rejected an upload',
    cause: 'The bytes that arrived do not have the announced digest or size, or the upload session was lost.',
    remedy: ['Run again. If it repeats, look for a proxy that changes or cuts request bodies.'],
  },
  DIGEST_MISMATCH: {
    ...registry,
    title: 'The registry returned another digest',
    cause:
      'The content or the confirmation of the registry does not match the requested digest, so it cannot be trusted.',
    remedy: ['Look for a proxy or cache between the runner and the registry that changes responses.'],
  },
  TAG_NOT_MOVED: {
    ...registry,
    title: 'A tag does not point to what was written',
    cause:
      'After the tag was written, the registry reported another digest: another run wrote at the same moment, or the registry is not consistent.',
    remedy: ['Run again.', 'Put the job into a `concurrency` group, so that runs of one branch do not overlap.'],
  },
  UNSUPPORTED: {
    ...registry,
    title: 'The registry does not allow this operation',
    cause: 'The registry does not support the operation, or its settings do not allow it.',
    remedy: [
      'Check that the host is a container registry and not read-only: a pull-through cache cannot be pushed to.',
    ],
  },
  REGISTRY_UNAVAILABLE: {
    ...registryLater,
    title: 'The registry is unavailable',
    cause: 'The registry still answered with a server error after several retries.',
    remedy: ['Check the status page or the log of the registry, and run again later.'],
  },
  REGISTRY_UNREACHABLE: {
    ...registryLater,
    title: 'The registry cannot be reached',
    cause: 'The host name could not be resolved, the connection was refused or broken, or no response came in time.',
    remedy: [
      'Check the spelling of the host that the message names, and that the runner may reach it.',
      'Behind a proxy, set HTTPS_PROXY and NO_PROXY.',
    ],
  },
  TLS_UNTRUSTED: {
    ...registry,
    title: "The registry's certificate is not trusted",
    cause: 'The TLS certificate is self-signed, expired, or issued for another name.',
    remedy: [
      'Pass the certificate of your own authority: `registry-ca: path/to/ca.pem`, or NODE_EXTRA_CA_CERTS.',
      'If it has expired, renew it.',
    ],
  },
  TLS_REFUSED: {
    ...registry,
    title: 'The registry refused the TLS handshake',
    cause:
      'Client and server have no protocol version, cipher or application protocol in common, or the server requires a client certificate.',
    remedy: [
      'Check that the host and port that the message names are those of the registry.',
      'Enable TLS 1.2 or later and HTTP/1.1 on the server, without a client certificate.',
    ],
  },
  PLAIN_HTTP: {
    ...registry,
    title: 'The registry uses plain HTTP',
    cause: 'Credentials and images are not sent over plain HTTP, except to localhost.',
    remedy: [
      'Set up TLS on the registry.',
      'In a network that you trust, list the host with its port in `insecure-registries`.',
    ],
  },
  REDIRECT_REFUSED: {
    ...registry,
    title: 'A redirect or token address was refused',
    cause:
      'The registry referred the client to an address that must not receive credentials: plain HTTP, a private address, or a redirect loop.',
    remedy: [
      'Check the host that the message names; on a registry of your own, check its external address and its token realm.',
    ],
  },
  ANSWER_INVALID: {
    ...registry,
    title: 'The response is not that of a registry',
    cause: 'The response is too large, or does not have the form that the distribution specification requires.',
    remedy: [
      'Check that the host that the message names is a container registry, and not a web page or a proxy that requires a login.',
    ],
  },
  REGISTRY_REFUSED: {
    ...registry,
    title: 'The registry refused the request',
    cause: 'The registry answered with an error that is not in this catalogue.',
    remedy: ['Read the response in the message; report it if the registry is a common one.'],
  },
  SIGSTORE_UNAVAILABLE: {
    outcome: 'signing-failed',
    retry: 'backoff',
    title: 'Sigstore is unavailable',
    cause:
      'The certificate authority, the transparency log or the timestamp authority could not be reached, or is overloaded. A signature needs all of them, so nothing was signed.',
    remedy: [
      'Run again later: https://status.sigstore.dev shows known problems of the public instance.',
      'On a runner behind a firewall, allow the hosts of the signing config, or set a proxy with `HTTPS_PROXY`.',
    ],
  },
  SIGNING_NOT_PERMITTED: {
    ...signing,
    title: 'The job cannot sign without a key',
    cause: 'Keyless signing starts with an OIDC token from GitHub, which a job only gets with the permission for it.',
    remedy: [
      'Add `id-token: write` to the `permissions:` of the job; in a reusable workflow, the calling job must grant it as well.',
      'Pull requests from forks never get one: use `sign: auto`, which signs only where the job may, or `sign: off`.',
      'Or sign with a key: `sign: key` and `sign-key`.',
    ],
  },
  SIGNING_REFUSED: {
    ...signing,
    title: 'A Sigstore service rejected the request',
    cause: 'The certificate authority, the transparency log or the timestamp authority answered with an error.',
    remedy: [
      'Read the answer in the message. "There was an error processing the identity token" means that the issuer of the token is not one that this instance accepts.',
      'For a private Sigstore, check that its signing config names the services that belong to its trusted root.',
    ],
  },
  SIGNING_KEY_UNUSABLE: {
    ...signing,
    title: 'The signing key cannot be used',
    cause:
      'cosign or notation could not sign with the key: the password is wrong, the key is missing, or the key service denied access.',
    remedy: [
      'For a key file, check `sign-key` and `sign-key-password`; the file must be one that `cosign generate-key-pair` wrote.',
      'For a key in a key management service, check that the job is logged in to that cloud and may sign with the key.',
    ],
  },
  SIGNING_CONFIG_INVALID: {
    ...input,
    title: 'The signing config cannot be used',
    cause: 'The signing config names no service that is valid now and supported here.',
    remedy: [
      'Create it with `cosign signing-config create`: one certificate authority, one log and one timestamp authority.',
    ],
  },
  TOOL_UNAVAILABLE: {
    ...signing,
    title: 'cosign or notation could not be installed',
    cause: 'No allowed version is on PATH or in the tool cache, and the download failed.',
    remedy: ['Let the runner reach the releases that the message names, or put an allowed version on PATH.'],
  },
  ATTESTATION_NOT_STORED: {
    ...signing,
    title: 'GitHub did not store an attestation',
    cause: 'The attestations API of GitHub refused a signed attestation: the permission, the plan, or its content.',
    remedy: [
      'Add `attestations: write` to the `permissions:` of the job.',
      'Or remove `github-attestations`: the registry has the same attestations, for `gh attestation verify --bundle-from-oci`.',
    ],
  },
  TOOL_REFUSED: {
    ...signing,
    title: 'This version of cosign or notation is not allowed',
    cause:
      'The version is not in the list of allowed versions, or the download does not match the checksum of its release.',
    remedy: [
      'Use one of the versions that the message lists.',
      'If a checksum differs, do not use the download: it was changed between the release and the runner.',
    ],
  },
  TRUSTED_ROOT_INVALID: {
    ...input,
    title: 'The trusted root cannot be used',
    cause: 'The file in `trusted-root` is missing, or is not a Sigstore trusted root.',
    remedy: [
      'Create it with `cosign trusted-root create` or `gh attestation trusted-root`, and check it in.',
      'Leave `trusted-root` empty to use the public instance of Sigstore.',
    ],
  },
  ATTESTATIONS_UNREADABLE: {
    outcome: 'trust-unavailable',
    retry: 'never',
    title: "GitHub's attestations could not be read",
    cause:
      "The attestations API of GitHub refused the request, is unavailable, or returned an invalid response. The registry's own attestations were not enough, so nothing was verified.",
    remedy: [
      'Add `attestations: read` to the `permissions:` of the job.',
      'Or remove `github-attestations`: then only attestations in the registry count.',
    ],
  },
  TRUSTED_ROOT_UNAVAILABLE: {
    outcome: 'trust-unavailable',
    retry: 'never',
    title: 'The trusted root is unavailable',
    cause:
      'The keys that signatures are checked with could not be fetched, have expired, or have invalid signatures. Nothing was verified.',
    remedy: [
      'Run again later, or let the runner reach the host that the message names.',
      'On a runner without internet access, check in a trusted root and name it in `trusted-root`.',
    ],
  },
  UNVERIFIED: {
    outcome: 'unverified',
    retry: 'never',
    title: 'The image could not be verified',
    cause:
      'A signature or attestation that is required is missing, is about another image, or was made by another identity, workflow or key.',
    remedy: [
      'Compare the identity that the message expected with the one that it found: repository, workflow file, ref and trigger must all be the same.',
      'If the image was never signed, publish it again with `sign`.',
    ],
  },
  PROGRAM_MISSING: {
    outcome: 'failed',
    retry: 'never',
    title: 'A program is not installed',
    cause: 'A program that this step needs is not on PATH.',
    remedy: ['Install the program that the message names on the runner.'],
  },
  CANCELLED: {
    outcome: 'cancelled',
    retry: 'never',
    title: 'Cancelled',
    cause: 'The run was cancelled from outside.',
    remedy: ['Run again; a run only does what is missing.'],
  },
  INTERNAL: {
    outcome: 'failed',
    retry: 'never',
    title: 'A bug in this action',
    cause: 'An error that the action does not handle.',
    remedy: ['Run again with debug logging (`ACTIONS_STEP_DEBUG`), and report it with the text of the message.'],
  },
} as const satisfies Record<string, CatalogueRow>;

export type ErrorCode = keyof typeof CATALOGUE;
