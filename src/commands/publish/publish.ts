import type { Digest } from '../../domain/digest.ts';
import { isInPlace, planTags, type TagDecision, type Wanted } from '../../domain/publish-plan.ts';
import { throwAll } from '../../errors/action-error.ts';
import { recordedRevisions } from '../../evidence/image-origin.ts';
import { hasSignature } from '../../evidence/signatures.ts';
import { openRegistries } from '../../run/open-registries.ts';
import { step, warn } from '../../run/progress.ts';
import type { BaselineImage } from '../../run/scan.ts';
import { type Destination, destinationsOf } from '../../run/targets.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { createHistory } from '../../tools/commits/history.ts';
import { applyPublish, type Target } from './apply.ts';
import { attachGateResult, hasGateResult } from './attach-gate-result.ts';
import { openGiven } from './given-image.ts';
import { describeImage, type Obtained, READ_FROM_REGISTRY, takePublished } from './image-source.ts';
import { wantsCopies, writeCopies } from './local-copies.ts';
import { type Naming, nameImage } from './naming.ts';
import { emptyResult, failed, type PartialResult, succeeded } from './partial-result.ts';
import { type Plan, preflight } from './preflight.ts';
import { readState } from './read-tag-state.ts';
import { type IdentifiedRequest, requestFor } from './request.ts';
import type { PublishResult } from './result.ts';
import type { PublishInputs } from './settings.ts';
import { decideSigning, openSigner, watchScan } from './signed-publish.ts';

/**
 * `command: publish`, from the commit to the tags in all registries. Never throws: errors are in the result, with
 * everything known until then.
 */
export async function publish(
  runtime: Runtime,
  inputs: PublishInputs,
  warnings: readonly string[],
): Promise<PublishResult> {
  const partial = emptyResult();
  partial.warnings.push(...warnings);
  try {
    return await runPublish(runtime, inputs, partial);
  } catch (error) {
    return failed(partial, runtime.signal.aborted ? runtime.signal.reason : error);
  }
}

async function runPublish(runtime: Runtime, inputs: PublishInputs, partial: PartialResult): Promise<PublishResult> {
  // A dry run without a push is for checking names: it needs no network. Neither does a run without its intended
  // credentials, as in a pull request from a fork.
  const offline = inputs.dryRun && (!inputs.push || inputs.lacksCredentials);
  const given = offline ? undefined : await openGiven(runtime, inputs, partial);
  const naming = await step(runtime, partial, 'Tags and labels', () =>
    nameImage(runtime, inputs, { offline, source: given?.image }, partial),
  );
  if (offline) return planned(runtime, partial);
  if (inputs.byDigest) {
    partial.tags = [];
    partial.tagNames = [];
  }
  const source = await given?.complete(naming);

  const history = createHistory(runtime, naming.api, true, naming.commit.directory);
  const { origin } = inputs;
  const identified = origin.kind === 'build' ? requestFor(runtime, origin.build, naming) : undefined;
  const wanted = {
    tags: inputs.byDigest ? [] : naming.tags,
    sha: naming.commit.sha,
    ref: naming.event.ref,
    ...(identified === undefined ? {} : { fingerprint: identified.fingerprint }),
    ...(source === undefined ? {} : sourceFacts(source)),
  };
  const intended =
    identified === undefined ? undefined : { ...identified, isFetched: naming.commit.source === 'context' };
  const destinations = inputs.push ? await open(runtime, inputs, naming) : [];
  const plan: Plan = inputs.push
    ? await step(runtime, partial, 'Pre-flight', () =>
        preflight(runtime, inputs, destinations, history, wanted, intended, partial),
      )
    : { targets: [], inPlace: false };
  warnAbout(runtime, partial);
  if (inputs.dryRun) {
    await baselineOf(runtime, inputs, naming, destinations);
    return planned(runtime, partial);
  }
  const unproven = inputs.scan.attachResult ? await without(plan, hasGateResult) : new Set<Target>();
  const signing = inputs.push ? await decideSigning(runtime, inputs) : undefined;
  const unsigned = signing === undefined ? new Set<Target>() : await without(plan, isSigned);
  const isComplete = plan.inPlace && plan.digest !== undefined && unproven.size + unsigned.size === 0;
  if (isComplete && inputs.scan.mode === 'off' && !wantsCopies(inputs.copies))
    return finished(runtime, partial, plan.digest);

  const baseline = await baselineOf(runtime, inputs, naming, destinations);
  const { passGate } = await import('./gate.ts');
  const { startScanner } = await import('../../run/scan.ts');
  const scanner = inputs.scan.mode === 'off' ? undefined : startScanner(runtime, inputs.scan.settings);
  const scan = watchScan(runtime, inputs, scanner, partial);
  const signer = isComplete
    ? undefined
    : await openSigner(runtime, signing, inputs, naming, destinations, scan.facts, partial);
  const ready = await chooseSource(runtime, inputs, naming, source, identified, destinations, plan, partial);
  partial.image = describeImage(ready);
  await scan.during(() => passGate(runtime, inputs, { scanner, baseline }, ready.image, partial));
  await writeCopies(runtime, inputs, ready.image, naming, partial);
  if (!inputs.push) {
    runtime.log.info(`${partial.image.digest} is ready, and stays on the runner: \`push: false\`.`);
    return succeeded(partial, 'built');
  }
  if (isComplete) return finished(runtime, partial, plan.digest);

  const decide = async ({ image, repository }: Target, digest: Digest) => {
    const known: Wanted = { ...wanted, digest };
    return planTags(known, await readState(repository, history, { ...wanted, image, digest }));
  };
  const isSignedNow = (target: Target) => !isInPlace(target.planned) || unsigned.has(target);
  const checkAttach = async (target: Target) => {
    if (isSignedNow(target)) await signer?.check(target, ready.image);
  };
  const attach = async (target: Target) => {
    const inPlace = isInPlace(target.planned);
    if (signer !== undefined && isSignedNow(target)) {
      partial.signing = await signer.attach(target, ready.image);
    }
    if (inputs.scan.attachResult && (!inPlace || unproven.has(target))) {
      await attachGateResult(runtime, inputs, naming, partial, target, ready.image.root.descriptor);
    }
  };
  const results = await step(
    runtime,
    partial,
    'Push',
    () =>
      applyPublish({
        targets: plan.targets,
        image: ready.image,
        decide,
        checkAttach,
        attach,
        log: runtime.log,
      }),
    (targets) => targets.some(({ error }) => error !== undefined),
  );
  partial.targets = results;
  warnAbout(runtime, partial);
  const errors = results.flatMap(({ error }) => error ?? []);
  throwAll(errors);
  const changed =
    unproven.size + unsigned.size > 0 ||
    results.some(({ written, uploaded }) => written.length > 0 || (uploaded?.manifests ?? 0) > 0);
  if (!changed) return finished(runtime, partial, ready.image.root.descriptor.digest);
  for (const { image } of results) runtime.log.info(`Published ${image}@${ready.image.root.descriptor.digest}`);
  return succeeded(partial, 'published');
}

function planned(runtime: Runtime, partial: PartialResult): PublishResult {
  runtime.log.info('This is a dry run: nothing was built, and nothing was written.');
  return succeeded(partial, 'planned');
}

/** Loaded with the scanner's code, which a run without a baseline may not need. */
async function baselineOf(
  runtime: Runtime,
  inputs: PublishInputs,
  naming: Naming,
  destinations: readonly Destination[],
): Promise<BaselineImage | undefined> {
  if (inputs.scan.baseline === undefined) return undefined;
  const { findBaseline } = await import('./baseline.ts');
  return findBaseline(runtime, inputs, naming, destinations);
}

const isSigned = ({ repository }: Target, digest: Digest) => hasSignature(repository, digest);

/** For images where only an attachment is missing. */
async function without(
  { targets, digest }: Plan,
  isAttached: (target: Target, digest: Digest) => Promise<boolean>,
): Promise<ReadonlySet<Target>> {
  if (digest === undefined) return new Set();
  const inPlace = targets.filter(({ planned }) => isInPlace(planned));
  const proven = await Promise.all(inPlace.map((target) => isAttached(target, digest)));
  return new Set(inPlace.filter((_, at) => proven[at] === false));
}

/** An image of another builder without a revision of its own usually records its base image's. */
function sourceFacts({ image }: Obtained) {
  const [revision] = recordedRevisions(image);
  return { digest: image.root.descriptor.digest, ...(revision === undefined ? {} : { revision }) };
}

/** The image to publish: a previously published one, the source, or a build. */
function chooseSource(
  runtime: Runtime,
  inputs: PublishInputs,
  naming: Naming,
  source: Obtained | undefined,
  identified: IdentifiedRequest | undefined,
  destinations: readonly Destination[],
  { taken }: Plan,
  partial: PartialResult,
): Promise<Obtained> {
  if (taken !== undefined) {
    return step(runtime, partial, 'Read what was published', () => takePublished(runtime, inputs, taken));
  }
  if (source !== undefined) return Promise.resolve(source);
  const { origin, registries } = inputs;
  if (identified === undefined || origin.kind !== 'build') throw new TypeError('There is nothing to publish.');
  return step(runtime, partial, 'Build', async () => {
    const { buildImage } = await import('./build.ts');
    return buildImage(runtime, origin.build, registries, naming, identified.request, destinations, partial);
  });
}

/** Nothing is missing anywhere: the same build exists under all its tags. */
function finished(runtime: Runtime, partial: PartialResult, digest: Digest): PublishResult {
  runtime.log.info(`Everything is in place already, as ${digest}: nothing was written.`);
  partial.image ??= { digest, mediaType: '', origin: READ_FROM_REGISTRY, platforms: [] };
  return succeeded(partial, 'unchanged');
}

async function open(
  runtime: Runtime,
  inputs: PublishInputs,
  { event, images }: Naming,
): Promise<readonly Destination[]> {
  const hosts = images.map(({ host }) => host);
  return destinationsOf(await openRegistries(runtime, inputs.registries, hosts, event.actor), images, 'push');
}

/** Logs each warning once, however often the tag is checked. */
function warnAbout(runtime: Runtime, partial: PartialResult): void {
  const decisions: readonly TagDecision[] = partial.targets.flatMap((target) => target.decisions);
  for (const { image, tag, warning } of decisions) {
    if (warning !== undefined) warn(runtime, partial, `${image}:${tag}: ${warning}`);
  }
}
