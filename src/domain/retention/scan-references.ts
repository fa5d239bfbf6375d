import { LineCounter, parseAllDocuments } from 'yaml';
import { type Digest, isDigest } from '../digest.ts';
import { parseImageName } from '../reference.ts';
import { isTag } from '../tags/grammar.ts';
import type { InUseImage, InUseSourceKind } from './in-use.ts';
import { imageMaps } from './scan-image-maps.ts';

/** What one file says is in use. */
export interface ScannedFile {
  readonly images: readonly InUseImage[];
  /** References that a variable or template completes elsewhere: for a warning, since what they name is unknown. */
  readonly unresolved: readonly { readonly where: string; readonly text: string }[];
}

/** A reference with at least one slash, and a tag or digest: it is one wherever it is written. */
const REFERENCE =
  /(?<![\w.:/@-])(?:[A-Za-z0-9][\w.-]*(?::\d{1,5})?\/)(?:[a-z0-9][\w.-]*\/)*[a-z0-9][\w.-]*(?::[A-Za-z0-9_][\w.-]{0,127}(?:@sha(?:256|512):[a-f0-9]{64,128})?|@sha(?:256|512):[a-f0-9]{64,128})(?![\w/])/g;

/** A key that holds an image: `image:`, `"image":`, `image =`, `image_uri =`, `container_image =`. */
const IMAGE_KEY =
  /(?:^|[\s{,"'-])(?:image|image_uri|imageUri|container_image|newName)["']?\s*[:=]\s*(["']?)((?:\{\{[^}\n]{0,200}\}\}|\$\{[^}\n]{0,200}\}|[^\s"'#,{}])+)\1/gm;

const FOREIGN = /\$\{|\$\(|\{\{|^\$|[<>]/;

/**
 * Finds the images that a file of a checkout refers to: Kubernetes, Compose, Helm values, Terraform and lists. Every text that
 * reads as a full reference counts, whatever key it has: one too many keeps an image, one too few loses it.
 * @param path in the checkout, for reasons
 */
export function scanReferences(text: string, path: string): ScannedFile {
  const kind = kindOf(path, text);
  const lineOf = lineFinder(text);
  const found = new Map<string, InUseImage>();
  const unresolved = new Map<string, string>();
  const add = (reference: string, line: number) => {
    const image = parseReference(reference);
    const where = `${path}:${line}`;
    if (image !== undefined) found.set(`${JSON.stringify(image)}`, { ...image, source: { kind, where } });
    else if (FOREIGN.test(reference)) unresolved.set(where, reference.slice(0, 200));
  };
  const resolved = text.replaceAll(/\$\{\w+:?-([\w.:/@-]+)\}/g, '$1');
  const lines = lineFinder(resolved);
  for (const match of resolved.matchAll(REFERENCE)) add(match[0], lines(match.index));
  for (const match of resolved.matchAll(IMAGE_KEY)) {
    const [, , value = ''] = match;
    if (!/^[[{|>&*!]$|^\{(?!\{)/.test(value))
      add(value.replace(/,$/, ''), lines(match.index + match[0].indexOf(value)));
  }
  if (kind === 'list') {
    for (const match of resolved.matchAll(/^[ \t]*([^\s#]+)/gm)) add(match[1] ?? '', lines(match.index));
  } else if (/\.(?:ya?ml|json|tpl)$/i.test(path)) {
    const counter = new LineCounter();
    for (const document of parseAllDocuments(text, { lineCounter: counter, prettyErrors: false, logLevel: 'silent' })) {
      // A template is not YAML before it is rendered: what it says in full was found above.
      if (!('contents' in document) || document.errors.length > 0) continue;
      for (const { reference, offset } of imageMaps(document.contents)) add(reference, lineOf(offset));
    }
  }
  return {
    images: [...found.values()],
    unresolved: [...unresolved].map(([where, reference]) => ({ where, text: reference })),
  };
}

/** Splits `name:tag@digest` and normalises the name; undefined for what is none. */
function parseReference(text: string): Omit<InUseImage, 'source'> | undefined {
  const [rest = '', digest, ...more] = text.replace(/^(?:docker|oci|https?):\/\//, '').split('@');
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) return undefined;
  const colon = rest.indexOf(':', rest.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (tag !== undefined && !isTag(tag)) return undefined;
  const name = parseImageName(colon < 0 ? rest : rest.slice(0, colon));
  if (!name.ok) return undefined;
  return {
    repository: name.value.name,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: digest as Digest }),
  };
}

function kindOf(path: string, text: string): InUseSourceKind {
  const file = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  if (/\.(?:txt|list)$/.test(file)) return 'list';
  if (/\.(?:tf|tfvars|hcl)(?:\.json)?$/.test(file)) return 'terraform';
  if (/^(?:docker-)?compose\b.*\.ya?ml$/.test(file)) return 'compose';
  if (/^values\b.*\.ya?ml$|\/values\//.test(file)) return 'helm-values';
  if (/^\s*kind:\s*\w/m.test(text) && /^\s*apiVersion:/m.test(text)) return 'kubernetes';
  return /\.ya?ml$/.test(file) ? 'kubernetes' : 'other';
}

/** Lines of offsets, from 1. */
function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}
