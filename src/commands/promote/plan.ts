import type { Digest } from '../../domain/digest.ts';
import { isByHand } from '../../domain/event.ts';
import { type History, readHistory } from '../../domain/promotion/history.ts';
import { type Judgement, judgeAll } from '../../domain/promotion/judge.ts';
import { planPromotion } from '../../domain/promotion/plan.ts';
import type { Written } from '../../domain/promotion/policy.ts';
import { isSameEnvironment } from '../../domain/promotion/record.ts';
import type { UncountedRecord } from '../../domain/promotion/uncounted.ts';
import { readEnvironment } from '../../evidence/environment-history.ts';
import type { RecordsOfImage } from '../../evidence/promotion-records.ts';
import { fallbackTag } from '../../oci/client/referrers.ts';
import { warn } from '../../run/progress.ts';
import { createHistory } from '../../tools/commits/history.ts';
import type { PlannedRepository } from './apply.ts';
import type { PromotionContext } from './context.ts';
import { gatherEvidence, gatherTargets } from './evidence.ts';
import type { Required } from './policy.ts';
import { type FoundRepository, isSameRepository } from './repository-state.ts';
import type { Found } from './resolve-image.ts';

/**
 * Determines the requirements' evidence and the environment's records, and decides for each repository. Shows the plan
 * (P6); writes nothing.
 */
export async function planRepositories(
  context: PromotionContext,
  found: Found,
): Promise<Required & { readonly planned: readonly PlannedRepository[] }> {
  const { runtime, inputs, event, names, api, records, partial } = context;
  const { source, root, origin, repositories } = found;
  const { digest } = root.descriptor;
  // A name taken from the image is looked up too.
  const { required, gate } = (await context.policy?.(writtenTo(context, repositories))) ?? context;
  // A rollback is urgent: the environment's previous images are all it needs.
  const needsOwn = inputs.rollback
    ? names.from !== undefined || repositories.some((state) => isAt(state, digest))
    : inputs.record || repositories.some((state) => !isSameRepository(state, source));
  // Read first: lists written by this action show the type of each entry, those of cosign do not.
  for (const state of repositories) {
    if (!isSameRepository(state, source) && isAt(state, digest)) await records(state.repository, digest);
  }
  const own = needsOwn ? await records(source.repository, digest) : undefined;
  partial.passed = (own?.own ?? []).toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  const asked = {
    runtime,
    scan: { ...inputs.scan, terms: gate },
    source,
    from: names.from,
    root,
    commit: origin.commit,
    commits: createHistory(runtime, api, true),
    api,
    records,
    remember: context.remember,
    trust: inputs.trust,
  };
  const evidence = await gatherEvidence(asked, required);
  if (evidence.scan?.gateResult !== undefined) partial.gateResult = evidence.scan.gateResult;
  partial.scanned = evidence.scan?.passed === true ? evidence.scan.earlier : undefined;

  const planned: PlannedRepository[] = [];
  const judged: (readonly Judgement[])[] = [];
  for (const state of repositories) {
    const here = isSameRepository(state, source)
      ? own
      : isAt(state, digest)
        ? await records(state.repository, digest)
        : undefined;
    // The source's records about the environment can only add a hold: push access to the source must not affect the
    // target otherwise.
    const foreign = here === own ? [] : [...(own?.own ?? []), ...(own?.foreign ?? [])];
    // A dry run shows everything; a rollback looks back as far as it goes. An image without a record shows no holds:
    // those before it do.
    const isEnough = ({ deployed, chain, now }: History) =>
      !inputs.dryRun && (inputs.rollback ? deployed.has(digest) : chain.some((each) => each.digest === now));
    const history = inputs.record
      ? await readEnvironment(state, names.environment, records, { own: here?.own ?? [], foreign, until: isEnough })
      : readHistory(names.environment, [], { holds: state.now });
    const moving = await gatherTargets(asked, required, state);
    const judgements = unmetFirst(moving.map((target) => judgeAll(required, { ...evidence, ...target })));
    const held =
      inputs.record && typeof state.now === 'string' ? await records(state.repository, state.now) : undefined;
    const unclear = held?.problems.length ?? 0;
    const plan = planPromotion({
      digest,
      targets: state.targets,
      judgements,
      history,
      unclear,
      rollback: inputs.rollback,
      byHand: isByHand(event),
      force: inputs.force,
    });
    const inPlace = plan.status === 'unchanged';
    const uncounted = [own, here, held].flatMap((each) => each?.uncounted ?? []);
    partial.uncounted = uncountedOf([...(partial.uncounted ?? []), ...uncounted], names.environment);
    for (const each of new Set([own, here, held])) {
      for (const problem of [...(each?.problems ?? []), ...(each?.ignored ?? [])]) warn(runtime, partial, problem);
    }
    const support = (here ?? held)?.support;
    const isRecorded =
      here?.own.some(
        ({ environment, kind }) => kind !== 'publish' && isSameEnvironment(environment, names.environment),
      ) ?? false;
    const needsRecord = inputs.record && !(inPlace && isRecorded);
    // Only the fallback tag is read: some registries have no response for an image they lack.
    const listing =
      here ?? (needsRecord && support === 'fallback' ? await records(state.repository, digest) : undefined);
    const isListed = support === 'fallback' && needsRecord && listing?.hasList === true;
    const occupied = support === 'fallback' ? listing?.occupied : undefined;
    planned.push({
      ...state,
      plan,
      history,
      ...(support === undefined ? {} : { support }),
      ...(isListed ? { list: fallbackTag(digest) } : {}),
      ...(occupied === undefined ? {} : { occupied }),
      needsRecord,
      needsCopy: !isSameRepository(state, source) && (!inPlace || lacks(here, own)),
    });
    judged.push(judgements);
    partial.history ??= history;
  }
  partial.requirements = unmetFirst(judged);
  if (required.length === 0 && !inputs.rollback) sayNothing(context);
  for (const each of partial.requirements) {
    runtime.log.info(`${each.met ? 'met     ' : 'NOT MET '} ${each.name}: ${each.met ? each.detail : each.reason}`);
  }
  for (const { plan } of planned) {
    for (const { image, tag, action, reason } of plan.decisions) {
      // The reasons for a refusal are logged separately, above and in the error.
      runtime.log.info(`${action.padEnd(8)} ${image}:${tag}${action === 'refuse' ? '' : `: ${reason}`}`);
    }
  }
  return { planned, required, gate };
}

/** States explicitly that nothing was checked, which is hardly intended for production. */
function sayNothing({ runtime, partial, names }: PromotionContext): void {
  const line = `Nothing is required of ${names.environment}: neither .github/promotion.yaml nor \`require\` names anything.`;
  if (/\bprod(?:uction)?\b|\blive\b/i.test(names.environment.replaceAll('_', '-'))) warn(runtime, partial, line);
  else runtime.log.info(line);
}

function writtenTo({ names }: PromotionContext, repositories: readonly FoundRepository[]): Written {
  return {
    environment: names.environment,
    tags: [...names.tags, ...repositories.flatMap(({ tags }) => tags.map(({ tag }) => tag))],
    repositories: repositories.map(({ repository: { host, name } }) => ({ name: `${host}/${name}`, repository: name })),
  };
}

/** Records about the environment that do not count, each once. */
function uncountedOf(uncounted: readonly UncountedRecord[], environment: string): readonly UncountedRecord[] {
  const about = uncounted.filter(({ record }) => isSameEnvironment(record.environment, environment));
  return [...new Map(about.map((each) => [each.record.manifest, each])).values()];
}

/** Whether one of the tags shows that the image exists. */
function isAt({ targets }: FoundRepository, digest: Digest): boolean {
  return targets.some(({ holds }) => holds === digest);
}

/** Whether an existing image lacks newer attachments, such as a signature. */
function lacks(here: RecordsOfImage | undefined, own: RecordsOfImage | undefined): boolean {
  const there = new Set(here?.referrers.map(({ digest }) => digest));
  return own?.referrers.some(({ digest }) => !there.has(digest)) ?? false;
}

/** One result per requirement: that of a repository that does not meet it, if any. */
function unmetFirst([first = [], ...others]: readonly (readonly Judgement[])[]): readonly Judgement[] {
  return first.map((judgement, at) =>
    judgement.met ? (others.flatMap((each) => each[at] ?? []).find(({ met }) => !met) ?? judgement) : judgement,
  );
}
