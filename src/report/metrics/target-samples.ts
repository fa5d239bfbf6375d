import type { GateResult } from '../../domain/gate/policy.ts';
import { SEVERITIES } from '../../domain/gate/severity.ts';
import type { ActionError } from '../../errors/action-error.ts';
import { withoutHost } from '../parts.ts';
import { targetState } from '../target.ts';
import { type Sample, sample } from './catalogue.ts';

/** The result of one repository, of a command that writes images. */
interface MeasuredTarget {
  readonly image: string;
  readonly host: string;
  readonly error?: ActionError;
  readonly decisions: readonly { readonly tag: string; readonly action: string }[];
  readonly written: readonly string[];
  readonly uploaded?: { readonly blobs: number; readonly bytes: number };
}

/** The metrics of commands that write images: whether each repository has what it was to get, and what was sent there. */
export function targetSamples(
  run: { readonly command: string; readonly image: string },
  targets: readonly MeasuredTarget[],
): readonly Sample[] {
  return targets.flatMap((target) => {
    const { image, host, written, uploaded } = target;
    const labels = { ...run, registry: host, repository: withoutHost(image) };
    const state = targetState(target, targets);
    const isDone = state !== 'failed' && state !== 'held-back' && state !== 'refused';
    return [
      sample('registry_action_target_success', labels, isDone ? 1 : 0),
      sample('registry_action_tags_written', labels, written.length),
      ...(uploaded === undefined
        ? []
        : [
            sample('registry_action_pushed_bytes', labels, uploaded.bytes),
            sample('registry_action_pushed_blobs', labels, uploaded.blobs),
          ]),
    ];
  });
}

/** The findings of a gate; none when there was no scan. */
export function gateSamples(
  run: { readonly command: string; readonly image: string },
  gate: GateResult | undefined,
): readonly Sample[] {
  if (gate === undefined) return [];
  return [
    ...SEVERITIES.map((severity) =>
      sample('registry_action_gate_findings', { ...run, severity }, gate.counts.total[severity]),
    ),
    sample('registry_action_gate_blocking_findings', run, gate.gated.length),
  ];
}
