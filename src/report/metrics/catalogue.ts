/** A metric: everything here is a gauge, because a job is no long-running process that counts. */
interface Metric {
  readonly help: string;
  /** The unit at the end of the name, for OpenMetrics. */
  readonly unit?: 'bytes' | 'seconds';
  readonly labels: readonly string[];
}

const REPOSITORY = ['registry', 'repository'] as const;
const TAG = [...REPOSITORY, 'tag'] as const;
const RUN = ['command', 'image'] as const;
const TARGET = [...RUN, ...REPOSITORY] as const;

/** Every metric by name, in the order of the file. The dashboard, the alert rules and the documentation use no other. */
export const METRICS = {
  registry_repository_images: { help: 'Images of the repository, tagged or not.', labels: REPOSITORY },
  registry_repository_tags: { help: 'Tags of the repository, without those of signatures.', labels: REPOSITORY },
  registry_repository_untagged_images: {
    help: 'Images without a tag. Absent where the registry does not list them.',
    labels: REPOSITORY,
  },
  registry_repository_orphans: {
    help: 'Signatures and other referrers of images that do not exist. Absent where that is not known.',
    labels: REPOSITORY,
  },
  registry_repository_broken_images: { help: 'Indexes that lack platforms.', labels: REPOSITORY },
  registry_repository_size_bytes: {
    help: 'Bytes of the repository, by how they are counted (distinct, sum, exclusive, vendor).',
    unit: 'bytes',
    labels: [...REPOSITORY, 'method'],
  },
  registry_repository_oldest_image_timestamp_seconds: {
    help: 'When the oldest image was pushed, or built where no push time is recorded.',
    unit: 'seconds',
    labels: REPOSITORY,
  },
  registry_repository_newest_image_timestamp_seconds: {
    help: 'When the newest image was pushed, or built where no push time is recorded.',
    unit: 'seconds',
    labels: REPOSITORY,
  },
  registry_image_info: { help: 'A watched image; always 1.', labels: [...TAG, 'digest'] },
  registry_image_size_bytes: { help: 'Bytes of a watched image.', unit: 'bytes', labels: TAG },
  registry_image_pushed_timestamp_seconds: {
    help: 'When a watched image was pushed, or built where no push time is recorded.',
    unit: 'seconds',
    labels: TAG,
  },
  registry_image_last_pull_timestamp_seconds: {
    help: 'Last pull of a watched image. Absent when unknown or never pulled.',
    unit: 'seconds',
    labels: TAG,
  },
  registry_image_findings: {
    help: 'Distinct vulnerabilities of a watched image by scanner. Absent unless it was scanned.',
    labels: [...TAG, 'severity', 'source'],
  },
  registry_image_fixable_findings: {
    help: 'Of registry_image_findings, those with a fixed version.',
    labels: [...TAG, 'severity', 'source'],
  },
  registry_image_scan_status: {
    help: 'Status of the scan of a watched image; 1 for the current status.',
    labels: [...TAG, 'source', 'status'],
  },
  registry_environment_info: {
    help: 'Image of an environment; always 1.',
    labels: ['image', 'environment', 'version', 'digest'],
  },
  registry_environment_drift: {
    help: 'Whether environments differ in this way. Absent where that could not be checked.',
    labels: ['image', 'from', 'to', 'kind'],
  },
  registry_settings_different: {
    help: 'Settings of a registry that differ from the setup file. Absent when they could not be compared.',
    labels: ['registry'],
  },
  registry_quota_used_bytes: { help: 'Used storage of a quota.', unit: 'bytes', labels: ['registry', 'quota'] },
  registry_quota_limit_bytes: {
    help: 'Storage quota. Absent without a limit.',
    unit: 'bytes',
    labels: ['registry', 'quota'],
  },
  registry_rate_limit_limit: { help: 'Requests or pulls in the window of a rate limit.', labels: ['registry', 'kind'] },
  registry_rate_limit_remaining: { help: 'Requests or pulls that are left.', labels: ['registry', 'kind'] },
  registry_report_repository_success: {
    help: 'Whether all of the repository could be read.',
    labels: REPOSITORY,
  },
  registry_action_run_success: { help: 'Whether the last run succeeded.', labels: RUN },
  registry_action_run_outcome: { help: 'Outcome of the last run; always 1.', labels: [...RUN, 'outcome'] },
  registry_action_run_timestamp_seconds: { help: 'End of the last run.', unit: 'seconds', labels: RUN },
  registry_action_run_duration_seconds: { help: 'Duration of the last run.', unit: 'seconds', labels: RUN },
  registry_action_step_duration_seconds: {
    help: 'Duration of the steps of the last run.',
    unit: 'seconds',
    labels: [...RUN, 'step'],
  },
  registry_action_errors: { help: 'Errors of the last run by code.', labels: [...RUN, 'code'] },
  registry_action_target_success: {
    help: 'Whether a repository has what the last run was to write there.',
    labels: TARGET,
  },
  registry_action_pushed_bytes: { help: 'Bytes that the last run uploaded.', unit: 'bytes', labels: TARGET },
  registry_action_pushed_blobs: { help: 'Blobs that the last run uploaded.', labels: TARGET },
  registry_action_copied_images: { help: 'Images that the last run copied.', labels: RUN },
  registry_action_copied_bytes: { help: 'Bytes that the last run copied.', unit: 'bytes', labels: RUN },
  registry_action_tags_written: { help: 'Tags that the last run wrote.', labels: TARGET },
  registry_action_image_size_bytes: {
    help: 'Bytes of the image by platform.',
    unit: 'bytes',
    labels: [...RUN, 'platform'],
  },
  registry_action_gate_findings: {
    help: 'Findings of the gate by severity, before the policy. Absent without a scan.',
    labels: [...RUN, 'severity'],
  },
  registry_action_gate_blocking_findings: {
    help: 'Findings that fail the gate. Absent without a scan.',
    labels: RUN,
  },
  registry_action_deleted_manifests: { help: 'Manifests that the last run deleted.', labels: TARGET },
  registry_action_deleted_tags: { help: 'Tags that the last run deleted.', labels: TARGET },
  registry_action_freed_bytes: { help: 'Bytes that the last run freed.', unit: 'bytes', labels: TARGET },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
type LabelsOf<Name extends MetricName> = (typeof METRICS)[Name]['labels'][number];

/** One value of a metric. */
export interface Sample {
  readonly name: MetricName;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A value with exactly the labels of its metric. */
export function sample<Name extends MetricName>(
  name: Name,
  labels: Readonly<Record<LabelsOf<Name>, string>>,
  value: number,
): Sample {
  return { name, labels, value };
}

/** What a metric is, by name. */
export const metricFacts = (name: MetricName): Metric => METRICS[name];
