import { shortDigest } from '../../domain/digest.ts';
import { statementName } from '../../domain/trust/predicates.ts';
import { signerText } from '../../domain/trust/verification.ts';
import { code, plain, table } from '../../report/markdown.ts';
import { heading, imageTitle, meaning, page, renderErrors, renderWarnings } from '../../report/parts.ts';
import { commonJson } from '../../report/run-json.ts';
import type { VerifyJson } from './json-schema.ts';
import { OUTCOMES } from './outcomes.ts';
import type { VerifiedImage, VerifyResult } from './result.ts';

export function renderOutputs(result: VerifyResult): Readonly<Record<string, string>> {
  const { outcome, images } = result;
  return {
    outcome,
    digest: images[0]?.digest ?? '',
    verified: images.flatMap(({ image, digest, verified }) => (verified ? [`${image}@${digest}`] : [])).join('\n'),
  };
}

/** Everything, for programs. */
export function verifyJson(result: VerifyResult): VerifyJson {
  return { ...commonJson('verify', result), images: result.images.map(imageJson) };
}

function imageJson({ name, image, digest, verified, requirements }: VerifiedImage) {
  return {
    name,
    image,
    digest,
    verified,
    requirements: requirements.map(({ predicateType, met, reasons }) => ({
      predicateType,
      met: met !== undefined,
      ...(met === undefined
        ? { reasons }
        : { format: met.format, manifest: met.manifest, time: met.time?.toISOString(), signer: met.signer }),
    })),
  };
}

export function renderSummary({ outcome, errors, warnings, images }: VerifyResult): string {
  const [first] = images;
  return page([
    heading(
      OUTCOMES,
      imageTitle(images.map(({ image }) => image)),
      outcome,
      images.length === 1 ? first?.digest : undefined,
    ),
    meaning(OUTCOMES, outcome, ''),
    renderErrors(errors),
    images.length === 0
      ? ''
      : table(['image', 'digest', 'required', '', 'signed by', 'at', 'as'], images.flatMap(rows)),
    renderWarnings(warnings),
  ]);
}

function rows({ name, digest, requirements }: VerifiedImage): readonly (readonly string[])[] {
  return requirements.map(({ predicateType, met }) => [
    code(name),
    code(shortDigest(digest)),
    code(statementName(predicateType)),
    met === undefined ? '❌' : '✅',
    met === undefined ? '' : plain(signerText(met)),
    plain(met?.time?.toISOString() ?? ''),
    plain(met?.format ?? ''),
  ]);
}
