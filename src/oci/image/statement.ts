import type { Digest } from '../../domain/digest.ts';
import { type Fields, isFields } from '../../domain/fields.ts';
import type { Descriptor } from '../../domain/manifest.ts';
import { plainText, sourceOf } from '../../domain/provenance-source.ts';
import { invalid, parseDocument } from './document.ts';
import type { Statement } from './image.ts';

/** Largest statement that is read; the limit of BuildKit since 0.33. */
export const STATEMENT_LIMIT = 80 * 1024 * 1024;

const STATEMENT_TYPE = /^https:\/\/in-toto\.io\/Statement\/v(?:0\.1|1)$/;
const SPDX = /^https:\/\/spdx\.dev\/Document(?:\/v[\d.]+)?$/;
const PROVENANCE = /^https:\/\/slsa\.dev\/provenance\/v(?:0\.2|1)$/;

/**
 * Parses a bare in-toto statement, v0.1 or v1, as BuildKit stores it.
 * https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
 * @param manifest digest of its attestation manifest
 * @throws ActionError IMAGE_INVALID when it is not such a statement
 */
export function parseStatement(bytes: Uint8Array, manifest: Digest, blob: Descriptor): Statement {
  const where = `the attestation ${blob.digest}`;
  const document = parseDocument(bytes, where);
  const { _type: type, predicateType, predicate } = document;
  if (typeof type !== 'string' || !STATEMENT_TYPE.test(type)) throw invalid(`${where} is not an in-toto statement`);
  if (typeof predicateType !== 'string') throw invalid(`${where} has no predicateType`);
  const content = isFields(predicate) ? predicate : {};
  const base = { manifest, blob, predicateType, subjects: subjectsOf(document, where) };
  if (SPDX.test(predicateType)) return { ...base, kind: 'sbom', packages: packagesOf(content) };
  if (!PROVENANCE.test(predicateType)) return { ...base, kind: 'other' };
  const builderId = builderOf(content);
  return { ...base, kind: 'provenance', ...(builderId === undefined ? {} : { builderId }), ...sourceOf(content) };
}

function subjectsOf({ subject }: Fields, where: string): Statement['subjects'] {
  // An export without a name writes `subject: null` or an empty list.
  if (subject === undefined || subject === null) return [];
  if (!Array.isArray(subject)) throw invalid(`${where} has a subject that is not a list`);
  return subject.map((entry: unknown) => {
    const { name, digest } = isFields(entry) ? entry : {};
    const { sha256, sha512 } = isFields(digest) ? digest : {};
    return {
      name: typeof name === 'string' ? name : '',
      ...(typeof sha256 === 'string' ? { sha256 } : {}),
      ...(typeof sha512 === 'string' ? { sha512 } : {}),
    };
  });
}

/** Number of packages in an SPDX document; 0 for anything else. */
function packagesOf(predicate: Fields): number {
  if (predicate.SPDXID !== 'SPDXRef-DOCUMENT') return 0;
  return Array.isArray(predicate.packages) ? predicate.packages.length : 0;
}

/** SLSA v1: `runDetails.builder.id`; v0.2: `builder.id`. */
function builderOf(predicate: Fields): string | undefined {
  const details = isFields(predicate.runDetails) ? predicate.runDetails : predicate;
  return plainText(isFields(details.builder) ? details.builder.id : undefined);
}
