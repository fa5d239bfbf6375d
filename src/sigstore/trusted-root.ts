import type { TrustedRoot } from '@sigstore/protobuf-specs';
import { fieldsOf } from '../domain/fields.ts';
import { ActionError } from '../errors/action-error.ts';

const MEDIA_TYPE = /^application\/vnd\.dev\.sigstore\.trustedroot(?:\+json;version=0\.1|\.v0\.[12]\+json)$/;

/**
 * Reads trusted roots from the text of a file: one as JSON, or one a line as `gh attestation trusted-root` prints them.
 * Each is an instance of Sigstore by itself; their authorities are not mixed.
 * @param name of the file, for messages
 * @throws ActionError TRUSTED_ROOT_INVALID
 */
export async function parseTrustedRoots(text: string, name: string): Promise<readonly TrustedRoot[]> {
  const documents = documentsOf(text);
  if (documents.length === 0) throw invalid(name, 'it is not JSON');
  const roots: TrustedRoot[] = [];
  for (const document of documents) roots.push(await readTrustedRoot(document, name));
  return roots;
}

/** The same for one parsed document. */
export async function readTrustedRoot(document: unknown, name: string): Promise<TrustedRoot> {
  const { TrustedRoot } = await import('@sigstore/protobuf-specs');
  const { mediaType } = fieldsOf(document);
  if (typeof mediaType !== 'string' || !MEDIA_TYPE.test(mediaType)) {
    throw invalid(name, `its mediaType is ${String(mediaType).slice(0, 100)}, not that of a Sigstore trusted root`);
  }
  let root: TrustedRoot;
  try {
    root = TrustedRoot.fromJSON(document);
  } catch (error) {
    throw invalid(name, error instanceof Error ? error.message : String(error));
  }
  if (root.certificateAuthorities.length === 0) throw invalid(name, 'it names no certificate authority');
  return root;
}

function documentsOf(text: string): readonly unknown[] {
  const whole = parse(text);
  if (whole !== undefined) return [whole];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const parsed = lines.map(parse);
  return parsed.every((document) => document !== undefined) ? parsed : [];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function invalid(name: string, reason: string): ActionError {
  return new ActionError('TRUSTED_ROOT_INVALID', `${name} is no trusted root: ${reason}.`, {
    facts: { input: 'trusted-root' },
  });
}
