import { PackageURL } from 'packageurl-js';

/** A package URL, or undefined when the text is not one. https://github.com/package-url/purl-spec */
export function parsePurl(text: string | undefined): PackageURL | undefined {
  if (text === undefined || !text.startsWith('pkg:')) return undefined;
  try {
    return PackageURL.fromString(text);
  } catch {
    return undefined;
  }
}

/**
 * Whether a pattern covers a purl: the same package, and the same version and qualifiers where the pattern has them.
 * https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md#purl-matching
 */
export function purlMatches(pattern: PackageURL, purl: PackageURL | undefined): boolean {
  if (purl === undefined) return false;
  const qualifiers = Object.entries(pattern.qualifiers ?? {});
  return (
    pattern.type === purl.type &&
    (pattern.namespace ?? '') === (purl.namespace ?? '') &&
    pattern.name === purl.name &&
    (!pattern.version || pattern.version === purl.version) &&
    (!pattern.subpath || pattern.subpath === purl.subpath) &&
    qualifiers.every(([name, value]) => purl.qualifiers?.[name] === value)
  );
}
