import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { counted } from '../../domain/amount.ts';
import { readBuildSteps } from '../../domain/dockerfile.ts';
import { describeFinding, describeSubject } from '../../domain/gate/finding.ts';
import { findingRows } from '../../domain/gate/finding-rows.ts';
import type { GateResult } from '../../domain/gate/policy.ts';
import { dockerfilePath } from '../../domain/repository-path.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { BuildInputs } from '../../inputs/build.ts';
import type { LocalImage } from '../../oci/image/image.ts';
import { defaultCategory, renderSarif } from '../../report/sarif.ts';
import { step, warn } from '../../run/progress.ts';
import { type BaselineImage, type Scanner, scanImage } from '../../run/scan.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Tool } from '../../tools/installer.ts';
import type { PartialResult } from './partial-result.ts';
import type { PublishInputs } from './settings.ts';

const MAX_LISTED_FINDINGS = 20;
/** GitHub shows ten annotations per kind and step; one is reserved for the error itself. */
const MAX_ANNOTATIONS = 9;

/** Preparations for the gate before the build. */
interface GateNeeds {
  /** Undefined: the image is not scanned. */
  readonly scanner: (() => Promise<Scanner>) | undefined;
  readonly baseline: BaselineImage | undefined;
}

/**
 * The gate (P1): scans every platform and applies the policy to the findings.
 * @throws ActionError FINDINGS when the gate fails and `scan` is `gate`; errors that prevent the scan
 */
export async function passGate(
  runtime: Runtime,
  inputs: PublishInputs,
  { scanner, baseline }: GateNeeds,
  image: LocalImage,
  partial: PartialResult,
): Promise<void> {
  const { mode, settings, files } = inputs.scan;
  const { ignorefile } = settings.terms;
  for (const warning of image.warnings ?? []) {
    partial.warnings.push(warning);
    runtime.log.warning(warning);
  }
  partial.scan = mode;
  if (ignorefile !== undefined) partial.ignorefile = ignorefile;
  if (baseline?.isPinned && baseline.digest === image.root.descriptor.digest) {
    throw new ActionError(
      'BASELINE_UNUSABLE',
      `\`baseline\` (${baseline.image}) is the digest of the very image that is checked: compared with itself, it has nothing new.`,
      { facts: { input: 'baseline' } },
    );
  }
  if (scanner === undefined) {
    const warning = '`scan: off`: this image was not scanned.';
    partial.warnings.push(warning);
    runtime.log.warning(warning);
    return;
  }
  const dockerfile = await readDockerfile(runtime, inputs);
  const steps =
    dockerfile === undefined || inputs.origin.kind !== 'build'
      ? undefined
      : readBuildSteps(dockerfile.text, inputs.origin.build.target, inputs.origin.build['build-args']);
  const { gateResult, trivy } = await step(runtime, partial, 'Gate', () =>
    scanImage(
      runtime,
      settings,
      files,
      scanner,
      image,
      partial.tags.map((name) => name.replace(/:[^:/]*$/, '')),
      { baseline, build: steps },
    ),
  );
  partial.gateResult = gateResult;
  await writeSarif(runtime, inputs, gateResult, trivy, partial);
  for (const { text, ...position } of gateResult.warnings) {
    partial.warnings.push(text);
    runtime.log.warning(text, 'Gate', position);
  }
  if (gateResult.comparison?.isSameImage) {
    warn(
      runtime,
      partial,
      `\`baseline\`: ${gateResult.comparison.image} is this same image, so none of its findings counts as new.`,
    );
  }
  if (gateResult.passed) return;
  await annotate(runtime, inputs, gateResult);
  if (mode === 'gate') throw closed(gateResult);
}

function closed({ gated }: GateResult): ActionError {
  const lines = gated.slice(0, MAX_LISTED_FINDINGS).map((finding) => `- ${describeFinding(finding)}`);
  const more =
    gated.length > MAX_LISTED_FINDINGS ? [`- and ${gated.length - MAX_LISTED_FINDINGS} more, in the summary`] : [];
  const [first] = gated;
  return new ActionError(
    'FINDINGS',
    [
      `${counted(gated.length, 'finding blocks', 'findings block')} this image; nothing was written to any registry:`,
      ...lines,
      ...more,
    ].join('\n'),
    { facts: first === undefined ? {} : { platform: first.platform } },
  );
}

/** Distinct findings, most severe first, on the lines of the Dockerfile that introduced them. */
async function annotate(runtime: Runtime, inputs: PublishInputs, { gated }: GateResult): Promise<void> {
  const annotate = inputs.scan.mode === 'gate' ? runtime.log.error : runtime.log.warning;
  const dockerfile = await readDockerfile(runtime, inputs);
  const last = dockerfile === undefined ? undefined : lineOfLastStage(dockerfile.text);
  for (const { finding, platforms, places } of findingRows(gated).slice(0, MAX_ANNOTATIONS)) {
    const line = finding.origin?.line ?? last;
    const position = dockerfile === undefined || line === undefined ? {} : { file: dockerfile.file, line };
    const more = places.length > 1 ? ` (and ${places.length - 1} more places)` : '';
    const others = platforms.length > 1 ? ` Also on ${platforms.slice(1).join(', ')}.` : '';
    annotate(
      `${describeFinding(finding)}${more}${others}`,
      `${finding.severity}: ${describeSubject(finding)}`,
      position,
    );
  }
}

/** The Dockerfile of the build; undefined without a build, or when it is outside the workspace. */
async function readDockerfile(runtime: Runtime, inputs: PublishInputs) {
  const file = inputs.origin.kind === 'build' ? dockerfileOf(runtime, inputs.origin.build) : undefined;
  if (file === undefined) return undefined;
  const text = await readFile(join(runtime.workspace, file), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : { file, text };
}

/** Path of the Dockerfile in the repository; undefined when it is outside. */
function dockerfileOf({ workspace }: Runtime, { context, file }: BuildInputs): string | undefined {
  return dockerfilePath(context, file, workspace);
}

/** The line (from 1) of the last FROM, which names the base image. */
function lineOfLastStage(dockerfile: string): number {
  return Math.max(1, dockerfile.split('\n').findLastIndex((line) => /^\s*FROM\s/i.test(line)) + 1);
}

/** Written before the gate result takes effect: the file is most useful when the gate fails. */
async function writeSarif(
  runtime: Runtime,
  inputs: PublishInputs,
  gateResult: GateResult,
  trivy: Tool,
  partial: PartialResult,
): Promise<void> {
  const path = inputs.scan.sarifFile;
  if (path === undefined) return;
  const [first] = partial.tags;
  // Alerts cannot point to a file outside the repository.
  const build = inputs.origin.kind === 'build' ? inputs.origin.build : undefined;
  const dockerfile = (build === undefined ? undefined : dockerfileOf(runtime, build)) ?? 'Dockerfile';
  const image = first?.replace(/:[^:/]*$/, '') ?? 'image';
  const { text, note } = renderSarif(gateResult, {
    category: inputs.scan.sarifCategory ?? defaultCategory(image, dockerfile, build?.target),
    dockerfile,
    trivyVersion: trivy.version,
  });
  if (note !== undefined) warn(runtime, partial, note);
  const file = resolve(runtime.workspace, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  partial.sarifFile = path;
  runtime.log.info(`Wrote ${path}.`);
}
