import type { Digest } from '../../domain/digest.ts';
import type { Descriptor } from '../../domain/manifest.ts';
import type { PromotionRecord } from '../../domain/promotion/record.ts';
import { requirementText } from '../../domain/promotion/requirement.ts';
import { readRecords, writeRecord } from '../../evidence/promotion-records.ts';
import { scanTermsOf } from '../../inputs/gate.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Target } from './apply.ts';
import type { Naming } from './naming.ts';
import type { PartialResult } from './partial-result.ts';
import type { PublishInputs } from './settings.ts';

/** Whether an earlier publish has attached its gate result to this image. */
export async function hasGateResult({ repository }: Target, digest: Digest): Promise<boolean> {
  return (await readRecords(repository, digest)).records.some(({ kind }) => kind === 'publish');
}

/** Attaches the gate result of this run to the image: its first promotion record. */
export async function attachGateResult(
  runtime: Runtime,
  inputs: PublishInputs,
  { event, commit }: Naming,
  partial: PartialResult,
  { image, repository }: Target,
  subject: Descriptor,
): Promise<void> {
  const counts = partial.gateResult?.counts.total;
  const record: PromotionRecord = {
    kind: 'publish',
    environment: 'publish',
    repository: `${repository.host}/${repository.name}`,
    from: event.repository.url,
    to: partial.tagNames.map((tag) => `${image}:${tag}`),
    digest: subject.digest,
    actor: event.actor || 'unknown',
    run: event.runUrl,
    event: event.name,
    time: runtime.clock.now().toISOString(),
    commit: commit.sha,
    forced: false,
    requirements: [
      {
        name: requirementText({ name: 'scan', maxAge: 'now' }),
        detail: `${counts?.CRITICAL ?? 0} critical, ${counts?.HIGH ?? 0} high`,
      },
    ],
    scan: { ...scanTermsOf(inputs.scan.settings.terms), ...(isEased(partial) ? { baseline: true } : {}) },
    held: [],
  };
  runtime.log.info(`${image}: record ${await writeRecord(repository, record, subject)}`);
}

/** Whether findings passed only because of the baseline: a later promotion may not accept that. */
export function isEased({ gateResult }: PartialResult): boolean {
  return gateResult?.suppressed.some(({ by }) => by === 'baseline') ?? false;
}
