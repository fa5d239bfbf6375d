import { shortDigest } from '../../domain/digest.ts';
import { isSameEnvironment } from '../../domain/promotion/record.ts';
import { type DiagramNode, renderDiagram } from '../../report/parts.ts';
import { stateOf } from '../../report/step.ts';
import type { PromotionResult } from './result.ts';

/** The image's name in its repository: its tag, or its digest. */
function ownName(name: string): string {
  const at = name.indexOf('@');
  return at < 0 ? name.replace(/^.*:(?=[^:/]*$)/, '') : shortDigest(name.slice(at + 1));
}

/** A digest is less useful than the commit. */
function nameOrCommit(name: string, commit: string | undefined): string {
  return commit !== undefined && name.includes('@') ? `commit ${commit.slice(0, 7)}` : ownName(name);
}

/** The environments that the image has passed, from its records, the failed steps, and its target. */
export function renderSteps(report: PromotionResult): string {
  const { outcome, kind, from, image, environment, passed, history, targets, errors, steps } = report;
  if (environment === undefined || outcome === 'invalid-input') return '';
  const nodes: Omit<DiagramNode, 'id'>[] = [];
  const [first] = passed;
  // The last one may be of this run itself.
  const isOwn = passed.length <= (targets.some(({ record }) => record !== undefined) ? 1 : 0);
  // A publish record names the source repository: its commit is more useful.
  const origin =
    first?.kind === 'publish' && first.commit !== undefined
      ? `commit ${first.commit.slice(0, 7)}`
      : nameOrCommit(first?.from ?? from ?? '', image?.commit);
  if (kind !== 'rollback' && origin !== '') {
    nodes.push({ label: origin.slice(0, 40), state: isOwn ? 'done' : 'claimed' });
  }
  const before = [...new Set(passed.map((each) => each.environment))].filter(
    (each) => !isSameEnvironment(each, environment),
  );
  nodes.push(...before.map((label) => ({ label, state: 'claimed' as const })));
  if (kind === 'rollback' && history?.now !== undefined && history.now !== image?.digest) {
    nodes.push({ label: `${environment} · ${shortHash(history.now)}`, state: 'left' });
  }
  const label = image === undefined ? environment : `${environment} · ${shortHash(image.digest)}`;
  if (errors.length > 0) {
    nodes.push(...failedSteps(steps), {
      label,
      state: targets.some(({ written }) => written.length > 0) ? 'partial' : 'skipped',
    });
  } else {
    const isThere = targets.every(({ decisions }) => decisions.every(({ action }) => action === 'keep'));
    nodes.push({ label, state: outcome === 'planned' && !isThere ? 'planned' : 'done' });
  }
  if (image === undefined && errors.length === 0) return '';
  const diagram = renderDiagram(nodes.map((node, at) => ({ id: `s${at}`, ...node })));
  const isClaimed = nodes.some(({ state }) => state === 'claimed');
  if (!isClaimed) return diagram;
  const how = report.records === 'signed' ? 'signed' : 'unsigned';
  return `${diagram}\n\nDashed: known from ${how} promotion records only.`;
}

/** As much of a digest as fits into a node. */
function shortHash(digest: string): string {
  return shortDigest(digest).replace(/^\w+:/, '');
}

/** Names of the steps in a diagram, in order. */
const STEPS = [
  ['source', 'Source', 'History'],
  ['targets', 'Targets'],
  ['requirements', 'Plan'],
  ['pre-flight', 'Pre-flight'],
  ['copy', 'Copy'],
  ['tags', 'Tags and records'],
] as const;

/** Read-only steps: shown only if they failed. */
const READS: readonly string[] = ['source', 'targets'];

/** The steps of a run until it failed. Without a failed step it ended before the first one that did not run. */
function failedSteps(steps: PromotionResult['steps']): readonly Omit<DiagramNode, 'id'>[] {
  const nodes = STEPS.map(([label, ...names]) => ({ label, state: stateOf(steps, ...names) }));
  const isNamed = nodes.some(({ state }) => state === 'failed');
  const stopped = isNamed ? undefined : nodes.find(({ state }) => state === 'skipped');
  return nodes
    .map((node) => (node === stopped ? { ...node, state: 'failed' as const } : node))
    .filter(({ label, state }) =>
      label === 'tags' ? true : READS.includes(label) ? state === 'failed' : state !== 'skipped',
    );
}
