import type { ArtifactoryRepositoryState } from '../artifactory-state.ts';

/**
 * Arguments of the repositories of Artifactory, with the field of the API where the file can name it. The provider gives each of
 * them a value of its own where the code has none.
 * https://registry.terraform.io/providers/jfrog/artifactory/latest/docs/resources/local
 */
type Arguments = readonly (string | readonly [argument: string, field: string])[];

const COMMON: Arguments = [
  ['description', 'description'],
  'notes',
  ['project_key', 'projectKey'],
  'project_environments',
  ['includes_pattern', 'includesPattern'],
  ['excludes_pattern', 'excludesPattern'],
  'repo_layout_ref',
];
const STORED: Arguments = [
  ...COMMON,
  ['xray_index', 'xrayIndex'],
  'archive_browsing_enabled',
  'blacked_out',
  'cdn_redirect',
  'download_direct',
  'priority_resolution',
  'property_sets',
];
const LOCAL: Arguments = [...STORED, ['max_unique_tags', 'maxUniqueTags'], ['tag_retention', 'dockerTagRetention']];
/** Without `username` and `password`: what has them is not in the code. */
const REMOTE: Arguments = [
  ['url', 'url'],
  ...STORED,
  'allow_any_host_auth',
  'assumed_offline_period_secs',
  'block_mismatching_mime_types',
  'bypass_head_requests',
  'client_tls_certificate',
  'content_synchronisation',
  'disable_proxy',
  'disable_url_normalization',
  'enable_cookie_management',
  'enable_token_authentication',
  'external_dependencies_enabled',
  'external_dependencies_patterns',
  'hard_fail',
  'list_remote_folder_items',
  'local_address',
  'metadata_retrieval_timeout_secs',
  'mismatching_mime_types_override_list',
  'missed_cache_period_seconds',
  'offline',
  'project_id',
  'proxy',
  'query_params',
  'remote_repo_layout_ref',
  'retrieval_cache_period_seconds',
  'socket_timeout_millis',
  'store_artifacts_locally',
  'synchronize_properties',
  'unused_artifacts_cleanup_period_hours',
];
const VIRTUAL: Arguments = [
  ...COMMON,
  ['repositories', 'repositories'],
  ['default_deployment_repo', 'defaultDeploymentRepo'],
  'artifactory_requests_can_retrieve_remote_artifacts',
];
const SCHEMA1: Arguments[number] = ['block_pushing_schema1', 'blockPushingSchema1'];

/** How the provider calls each kind of repository, and its arguments besides the key. */
export const ARTIFACTORY_RESOURCES: {
  readonly [Kind in `${ArtifactoryRepositoryState['rclass']} ${ArtifactoryRepositoryState['packageType']}`]?: {
    readonly type: string;
    readonly arguments: Arguments;
  };
} = {
  'local docker': { type: 'artifactory_local_docker_v2_repository', arguments: [...LOCAL, SCHEMA1] },
  'local oci': { type: 'artifactory_local_oci_repository', arguments: LOCAL },
  'remote docker': {
    type: 'artifactory_remote_docker_repository',
    arguments: [...REMOTE, 'block_pushing_schema1', 'curated', 'pass_through'],
  },
  'remote oci': { type: 'artifactory_remote_oci_repository', arguments: REMOTE },
  'virtual docker': {
    type: 'artifactory_virtual_docker_repository',
    arguments: [...VIRTUAL, 'resolve_docker_tags_by_timestamp'],
  },
  'virtual oci': {
    type: 'artifactory_virtual_oci_repository',
    arguments: [...VIRTUAL, 'resolve_oci_tags_by_timestamp'],
  },
};
