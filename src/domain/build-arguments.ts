import type { BuildRequest } from './build-request.ts';

/** Paths of a build and its results. */
export interface BuildFolders {
  readonly builder: string;
  /** Fresh folder for the OCI layout. */
  readonly directory: string;
  readonly metadataFile: string;
  /** Values of `--secret`: sources of secrets, never secrets. */
  readonly secrets: readonly string[];
  readonly provenance: string;
  readonly sbom: string;
}

/** The arguments of `docker` for one build to an OCI layout. Pure. */
export function buildArguments(request: BuildRequest, folders: BuildFolders): readonly string[] {
  const each = (flag: string, values: readonly string[]) => values.flatMap((value) => [flag, value]);
  const one = (flag: string, value: string | undefined) => (value === undefined || value === '' ? [] : [flag, value]);
  return [
    'buildx',
    'build',
    ...one('--builder', folders.builder),
    ...one('--progress', 'plain'),
    ...one('--file', request.file),
    ...one('--target', request.target),
    ...one('--platform', request.platforms.join(',')),
    ...each('--build-arg', request.buildArgs),
    ...each(
      '--build-context',
      request.buildContexts.map(({ name, value }) => `${name}=${value}`),
    ),
    ...each('--secret', folders.secrets),
    ...each('--ssh', request.ssh),
    ...each('--cache-from', request.cacheFrom),
    ...each('--cache-to', request.cacheTo),
    ...(request.noCache ? ['--no-cache'] : []),
    ...each('--no-cache-filter', request.noCacheFilters),
    ...(request.pull ? ['--pull'] : []),
    ...one('--network', request.network),
    ...each('--add-host', request.addHosts),
    ...each('--allow', request.allow),
    ...one('--shm-size', request.shmSize),
    ...each('--ulimit', request.ulimit),
    ...one('--cgroup-parent', request.cgroupParent),
    ...each('--label', request.labels),
    ...each('--annotation', request.annotations),
    ...each('--tag', request.tags),
    `--provenance=${folders.provenance}`,
    `--sbom=${folders.sbom}`,
    // A folder instead of a tar: nothing has to be unpacked, and with the docker driver it is two to three times as
    // fast.
    ...one('--output', csvRecord(['type=oci', 'tar=false', `dest=${folders.directory}`])),
    ...one('--metadata-file', folders.metadataFile),
    // Everything after this is never parsed as an option.
    '--',
    request.context,
  ];
}

/** One CSV record, as buildx expects it in `--output` and `--secret`. */
export function csvRecord(fields: readonly string[]): string {
  return fields.map((field) => (/[",\n\r]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',');
}
