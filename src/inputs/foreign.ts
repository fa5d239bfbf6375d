/**
 * Inputs of the actions that this one replaces, with what to do instead: the sentence goes on after "is not an input of
 * this action:". Names that mean the same here are inputs of our own and not in this table.
 */
export const FOREIGN_INPUTS: Readonly<Record<string, string>> = {
  // docker/build-push-action
  load: "remove it. The image is scanned where it was built, without Docker's store; read it from the registry by `digest`.",
  outputs:
    'remove it. The image is always built to an OCI layout, scanned there, and pushed; `push: false` keeps it back.',
  output:
    'remove it. The image is always built to an OCI layout, scanned there, and pushed; `push: false` keeps it back.',
  'push-by-digest': 'remove it. Content is always pushed by digest first, and tags are written last.',
  attests: 'use `provenance` and `sbom`.',
  call: 'remove it. Run `docker buildx build --call=check` in a step of its own.',
  tag: 'use `images` for the names and `tags` for the rules.',
  'build-arg': 'use `build-args`.',
  dockerfile: 'use `file`.',
  // docker/setup-buildx-action
  driver:
    'remove it. A builder of driver docker-container is made for the run when one is needed; `builder` names an existing one.',
  'buildkitd-flags': 'use `buildkitd-config` or `allow`.',
  'buildkitd-config-inline': 'write the text to a file and name it in `buildkitd-config`.',
  endpoint: 'set DOCKER_HOST or the docker context for the job, or name an existing builder in `builder`.',
  append: 'remove it. A builder of several nodes cannot write an OCI layout.',
  install: 'remove it. buildx is used where it is installed.',
  use: 'remove it. The builder is used for this step only.',
  cleanup: 'remove it. A builder made for the run is always removed.',
  'keep-state': 'use `cache-from` and `cache-to`, or name an existing builder in `builder`.',
  // docker/metadata-action
  'bake-target': 'remove it. The output `json` holds tags and labels for other tools.',
  'sep-tags': 'remove it. The output `tags` has one name per line.',
  'sep-labels': 'remove it. The output `labels` has one label per line.',
  'sep-annotations': 'remove it. The output `json` holds the annotations.',
  // docker/login-action, aws-actions/amazon-ecr-login
  ecr: 'remove it. An Amazon ECR host is known by its name; `role-to-assume` logs in without a stored secret.',
  scope: 'remove it. Credentials are used for their host only.',
  logout: 'remove it. Credentials never outlive the job.',
  registries: 'use `registry-auth`, one entry for each registry.',
  'login-server': 'use `registry`.',
  // aquasecurity/trivy-action
  'image-ref': 'remove it. What was built (or `source`) is scanned, every platform of it.',
  input: 'use `source`.',
  'scan-type': 'remove it. The image is scanned.',
  'exit-code': 'use `scan: gate` to fail on findings, or `scan: report` to show them only.',
  'vuln-type': 'remove it. Packages of the operating system and of languages are both looked at.',
  trivyignores: 'use `ignorefile`; each entry there has a reason and an end.',
  'trivy-config': 'remove it. The scan reads no configuration from the workspace; every setting is an input.',
  'ignore-policy': 'use `ignorefile` or `vex`.',
  'limit-severities-for-sarif': 'remove it. SARIF holds all findings.',
  format: 'use `sarif-file` for SARIF; the table is in the job summary, and everything is in the output `json`.',
  template: 'use the output `json`.',
  'skip-dirs': 'use `ignorefile` with the path.',
  'skip-files': 'use `ignorefile` with the path.',
  'cache-dir': 'remove it. The database is kept in the temporary folder of the run.',
  'list-all-pkgs': 'remove it. The SBOM of the image lists all packages.',
  'skip-setup-trivy': 'remove it. Trivy is taken from PATH when its version is allowed.',
  version: 'use `trivy-version`.',
};
