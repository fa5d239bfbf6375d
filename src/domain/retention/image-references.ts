import type { Digest } from '../digest.ts';
import { isDigest } from '../digest.ts';
import type { ImageName } from '../reference.ts';
import { isTag } from '../tags/grammar.ts';
import { type ImageMention, mentionsOf } from './image-mentions.ts';
import type { InUseImage, InUseSourceKind } from './in-use.ts';
import { valuesBeside } from './values-beside.ts';

/** A text file in which images are named. */
export interface NamingFile {
  /** From the workspace, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** What a file says of the repositories of a run. */
export interface FoundReferences {
  readonly images: readonly InUseImage[];
  /** References whose tag is not in the file, such as `app:${TAG}`: `deploy/app.yaml:14`, and why. */
  readonly unclear: readonly { readonly where: string; readonly reason: string }[];
}

/**
 * Finds where a file names a repository, with a tag or digest behind it or in a key beside it (Helm values, Kustomize). The text is
 * searched instead of parsed, so that templates, Terraform and unknown formats count as well: a mention too many keeps
 * an image too many, and one too few loses an image that runs.
 */
export function findReferences(
  file: NamingFile,
  repositories: readonly Pick<ImageName, 'name' | 'host' | 'repository'>[],
): FoundReferences {
  const images: InUseImage[] = [];
  const unclear: { readonly where: string; readonly reason: string }[] = [];
  const lines = file.text.split(/\r?\n/);
  for (const repository of repositories) {
    for (const mention of mentionsOf(repository, lines)) {
      const where = `${file.path}:${mention.line + 1}`;
      const found = readMention(mention, lines);
      if (typeof found === 'string') unclear.push({ where, reason: found.replace('%s', repository.name) });
      else images.push({ repository: repository.name, ...found, source: { kind: kindOf(file.path), where } });
    }
  }
  return { images, unclear };
}

/** Variables of shells, Compose, Helm, Terraform and others. */
const VARIABLE = /^(?:\$|\{|%|<|\*|(?:var|local|module|data|each)\.\w)/;
const TAG_KEYS = ['tag', 'newtag', 'imagetag', 'image_tag', 'image.tag', 'imageversion', 'image_version'];
/** Keys of names whose tag is elsewhere; an `image` without a tag is `latest`. */
const NAME_KEY = /^(?:image[._-]?)?repository$|^newname$|^image[._-]?name$|^value$/;
const IS_VARIABLE = 'the tag of %s there is a variable';
const HAS_NO_TAG = '%s has no tag there, so a chart or a command adds one';

/** @returns why it is unclear what is meant, or the image */
function readMention(
  { line, column, rest, isName }: ImageMention,
  lines: readonly string[],
): { readonly tag?: string; readonly digest?: Digest } | string {
  if (!isName) return 'an image there has a variable in its name, and may be %s';
  const digest = /^(?::[^\s"'@]*)?@(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})/.exec(rest)?.[1];
  const written = /^:([^\s"'`,;@)\]]*)/.exec(rest)?.[1] ?? '';
  const fallback = /^\$\{\w+:?-([^}]+)\}/.exec(written)?.[1];
  const tag = [written, fallback, nextValue(rest)].find((each) => each !== undefined && isTag(each));
  const found = tag ?? leadingTag(written);
  if (found !== undefined || isDigest(digest)) return described(found, digest);
  if (/^[:@]?(?:\w[\w.-]*)?(?:\$|\{\{|%|<\w)/.test(rest) || isContinued(rest)) return IS_VARIABLE;
  const { key, beside } = valuesBeside(lines, line, column);
  const own = beside.get('digest') ?? shaOf(beside.get('sha'));
  const named = TAG_KEYS.map((each) => beside.get(each)).find((each) => each);
  if (named !== undefined && (VARIABLE.test(named) || !isTag(named)) && !isDigest(own)) return IS_VARIABLE;
  if (named === undefined && !isDigest(own) && NAME_KEY.test(key ?? '')) return HAS_NO_TAG;
  return described(named !== undefined && isTag(named) ? named : undefined, own);
}

/** The tag in front of something else, such as the `<` of HTML. */
function leadingTag(written: string): string | undefined {
  const [start] = /^[\w][\w.-]{0,127}/.exec(written) ?? [];
  return start !== undefined && !VARIABLE.test(written.slice(start.length)) ? start.replace(/\.+$/, '') : undefined;
}

/** `"host/app": "1.2"` in a map of versions, and `format("%s:%s", "host/app", "1.2")`. */
function nextValue(rest: string): string | undefined {
  return (
    /^["']?:\s+["']?(\w[\w.-]*)["']?\s*(?:,|#|$)/.exec(rest)?.[1] ??
    /^["']\s*,\s*["'](\w[\w.-]*)["'](?!\s*:)/.exec(rest)?.[1]
  );
}

/** Whether code puts the tag behind the name: `"host/app:" + tag`, `join(":", ["host/app", var.tag])`. */
function isContinued(rest: string): boolean {
  return /^:["'`]\s*[+.,)]/.test(rest) || /^["']\s*(?:\+|,\s*[a-z_][\w.]*\s*[)\],])/i.test(rest);
}

const shaOf = (hex: string | undefined) => (hex === undefined || hex.includes(':') ? hex : `sha256:${hex}`);

function described(tag: string | undefined, digest: string | undefined) {
  return { ...(tag === undefined ? {} : { tag }), ...(isDigest(digest) ? { digest } : {}) };
}

function kindOf(path: string): InUseSourceKind {
  const name = path.split('/').at(-1) ?? '';
  if (/\.(?:tf|tfvars|hcl)(?:\.json)?$/.test(name)) return 'terraform';
  if (/compose/i.test(name)) return 'compose';
  if (/^values.*\.ya?ml$/.test(name)) return 'helm-values';
  return /\.(?:ya?ml|json)$/.test(name) ? 'kubernetes' : 'other';
}
