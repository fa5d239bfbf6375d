import { errorFacts } from '../../report/errors.ts';
import { withoutHost } from '../../report/parts.ts';
import { gateJson, JSON_VERSION } from '../../report/run-json.ts';
import { isPartial, targetState } from '../../report/target.ts';
import { hasContent, type PromotionResult } from './result.ts';

/** The outputs of a promotion. The digest is there apart, because GitHub blanks an output that contains a masked value. */
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
    json: JSON.stringify(toJson(report)),
  };
}

/** Everything, for programs; the schema is in docs/json-output.md. */
function toJson({ errors, targets, history, run, gateResult, ...report }: PromotionResult) {
  return {
    schemaVersion: JSON_VERSION,
    ...report,
    run,
    ...(gateResult === undefined ? {} : { scan: gateJson(gateResult) }),
    errors: errors.map(errorFacts),
    partial: isPartial(targets, (at) => hasContent(targets[at])),
    targets: targets.map(({ error, ...target }) => ({
      ...target,
      state: targetState({ ...target, ...(error === undefined ? {} : { error }) }, targets),
      present: hasContent(target),
      ...(error === undefined ? {} : { error: errorFacts(error) }),
    })),
    ...(history === undefined
      ? {}
      : {
          history: {
            environment: history.environment,
            records: history.chain,
            held: [...history.held],
            ...(history.now === undefined ? {} : { now: history.now }),
            ...(history.before === undefined ? {} : { before: history.before }),
            gaps: history.gaps,
          },
        }),
  };
}
