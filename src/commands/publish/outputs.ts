import type { GateResult, Suppressed } from '../../domain/gate/policy.ts';
import { metadataJson } from '../../domain/labels.ts';
import { boundedJson } from '../../report/bounded-json.ts';
import { errorFacts } from '../../report/errors.ts';
import { withoutHost } from '../../report/parts.ts';
import { commonJson, gateJson } from '../../report/run-json.ts';
import { isPartial, targetState } from '../../report/target.ts';
import type { PublishJson } from './json-schema.ts';
import { hasContent, type PublishResult } from './result.ts';

/**
 * The outputs of a run, by name. Everything is also in `json`. Digest and repository without host are separate, because
 * GitHub blanks an output that contains a masked value, such as an account id in a host name.
 */
export function renderOutputs(record: PublishResult) {
  const { image, gateResult } = record;
  const [first] = record.targets;
  const counts = gateResult?.counts.total;
  const count = (value: number | undefined) => (value === undefined ? '' : String(value));
  return {
    outcome: record.outcome,
    digest: image?.digest ?? '',
    image: image === undefined || first === undefined ? '' : `${first.image}@${image.digest}`,
    repository: first === undefined ? '' : withoutHost(first.image),
    tags: record.tags.join('\n'),
    version: record.version ?? '',
    layout: record.layout ?? '',
    labels: Object.entries(record.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n'),
    'scan-critical': count(counts?.CRITICAL),
    'scan-high': count(counts?.HIGH),
    'scan-medium': count(counts?.MEDIUM),
    'scan-low': count(counts?.LOW),
    'scan-unknown': count(counts?.UNKNOWN),
    'scan-gated': count(gateResult?.gated.length),
    'scan-suppressed': count(suppressedBy(gateResult, ['ignorefile', 'vex'])),
    'scan-known': count(gateResult?.comparison === undefined ? undefined : suppressedBy(gateResult, ['baseline'])),
    'scan-fixed': count(gateResult?.comparison?.fixed.length),
    'sarif-file': record.sarifFile ?? '',
    metadata: record.buildMetadata === undefined ? '' : boundedJson(record.buildMetadata),
  };
}

function suppressedBy(gateResult: GateResult | undefined, by: readonly Suppressed['by'][]): number | undefined {
  return gateResult?.suppressed.filter((each) => by.includes(each.by)).length;
}

/** Everything, for programs. */
export function publishJson<C extends 'publish' | 'merge'>(
  record: PublishResult,
  command: C,
): Omit<PublishJson, 'command'> & { readonly command: C } {
  const { gateResult, targets, commit } = record;
  return {
    ...commonJson(command, record),
    ...(commit === undefined ? {} : { commit: commitJson(commit), run: { url: commit.runUrl } }),
    version: record.version,
    ...metadataJson(record),
    image: record.image,
    parts: record.parts,
    layout: record.layout,
    loaded: record.loaded,
    exported: record.exported,
    gate: gateJson(record.scan, gateResult),
    signing: record.signing,
    partial: isPartial(targets, (at) => hasContent(targets[at])),
    targets: targets.map((target) => ({
      image: target.image,
      host: target.host,
      state: targetState(target, targets),
      present: record.outcome === 'unchanged' || hasContent(target),
      decisions: target.decisions.map(({ from, ...decision }) => ({ ...decision, previousDigest: from })),
      written: target.written,
      uploaded: target.uploaded,
      error: target.error === undefined ? undefined : errorFacts(target.error),
    })),
    steps: record.steps,
  };
}

function commitJson({ sha, ref, repositoryUrl }: NonNullable<PublishResult['commit']>) {
  return { sha, ref, repositoryUrl };
}
