import { errorFacts } from '../../report/errors.ts';
import { withoutHost } from '../../report/parts.ts';
import { commonJson, gateJson } from '../../report/run-json.ts';
import { isPartial, targetState } from '../../report/target.ts';
import type { PromoteJson } from './json-schema.ts';
import { hasContent, type PassedRecord, type PromotionResult } from './result.ts';

/** The outputs of a promotion. The digest is separate, because GitHub blanks an output that contains a masked value. */
export function renderPromotionOutputs(report: PromotionResult): Readonly<Record<string, string>> {
  const { outcome, image, targets } = report;
  const [first] = targets;
  const isPlanned = outcome === 'planned';
  return {
    outcome,
    digest: image?.digest ?? '',
    image: image === undefined || first === undefined ? '' : `${first.image}@${image.digest}`,
    repository: first === undefined ? '' : withoutHost(first.image),
    tags: targets
      .flatMap((target) =>
        target.decisions
          .filter(({ tag, action }) => isPlanned || target.written.includes(tag) || action === 'keep')
          .map(({ tag }) => `${target.image}:${tag}`),
      )
      .join('\n'),
    version: image?.version ?? '',
    'previous-digest': first?.previousDigest ?? '',
  };
}

/** Without the technical part of the signature. */
function recordJson({ bundle: _bundle, ...record }: PassedRecord): Omit<PassedRecord, 'bundle'> {
  return record;
}

/** Everything, for programs. */
export function promotionJson(report: PromotionResult): PromoteJson {
  const { targets, history, gateResult } = report;
  return {
    ...commonJson('promote', report),
    kind: report.kind,
    environment: report.environment,
    from: report.from,
    image: report.image,
    run: report.run,
    requirements: report.requirements,
    gate: gateResult === undefined ? undefined : gateJson('gate', gateResult),
    attachments: report.attachments?.map(({ digest, artifactType, bytes }) => ({ digest, artifactType, bytes })),
    partial: isPartial(targets, (at) => hasContent(targets[at])),
    targets: targets.map((target) => ({
      image: target.image,
      host: target.host,
      state: targetState(target, targets),
      present: hasContent(target),
      decisions: target.decisions.map(({ holds, ...decision }) => ({ ...decision, previousDigest: holds })),
      written: target.written,
      copied: target.copied,
      previousDigest: target.previousDigest,
      promotionRecord: target.record,
      promotionRecordSigned: target.record === undefined ? undefined : target.isRecordSigned === true,
      error: target.error === undefined ? undefined : errorFacts(target.error),
    })),
    records: report.records,
    promotions: report.passed.map(recordJson),
    history:
      history === undefined
        ? undefined
        : {
            environment: history.environment,
            promotions: history.chain.map(recordJson),
            uncounted: (report.uncounted ?? []).map(({ record, reason }) => ({ ...recordJson(record), reason })),
            current: history.now,
            previous: history.before,
            held: [...history.held],
            gaps: history.gaps,
          },
    deployment: report.deployment,
    steps: report.steps,
  };
}
