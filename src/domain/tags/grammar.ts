import { quoted } from '../suggestion.ts';

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests */
const tagGrammar = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Maximum length of a tag. */
const TAG_LENGTH = 128;

/** Whether a text is a valid tag. */
export function isTag(text: string): boolean {
  return tagGrammar.test(text);
}

/** Replaces each run of characters that a tag cannot have with one hyphen, as docker/metadata-action does. */
export function replaceForeign(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]+/g, '-');
}

/**
 * The tag for a name from a branch, a git tag or a rule. In addition to metadata-action's replacement, leading dots and
 * hyphens are dropped, and a long name is truncated with a hash of the whole name, so that two long branches do not
 * collide.
 * @returns undefined when nothing is left; a warning when the tag differs from metadata-action's
 */
export function toTag(name: string): { readonly tag: string; readonly warning?: string } | undefined {
  const replaced = replaceForeign(name);
  const begun = replaced.replace(/^[.-]+/, '');
  if (begun === '') return undefined;
  const tag =
    begun.length <= TAG_LENGTH
      ? begun
      : `${begun.slice(0, TAG_LENGTH - 9)}-${hash(name).toString(16).padStart(8, '0')}`;
  if (tag === replaced) return { tag };
  const why = [
    ...(begun === replaced ? [] : ['a tag does not begin with a dot or a hyphen']),
    ...(begun.length <= TAG_LENGTH ? [] : [`a tag has at most ${TAG_LENGTH} characters`]),
  ];
  return { tag, warning: `The name ${quoted(name)} became the tag ${tag}: ${why.join(', and ')}.` };
}

/** FNV-1a with 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ (distinguishes names, protects no secret). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}
