import { isMap, isPair, isScalar, isSeq } from 'yaml';

/** A reference that is written in parts, put together. */
export interface ImageMap {
  readonly reference: string;
  /** Of the map, in characters. */
  readonly offset: number;
}

const MAX_DEPTH = 100;

/**
 * Images that a YAML document writes as maps: `{registry, repository, tag, digest}` in Helm values, `{name, newName, newTag,
 * digest}` in Kustomize. Aliases are not followed: what they stand for is written elsewhere in the document.
 */
export function imageMaps(node: unknown): readonly ImageMap[] {
  const found: ImageMap[] = [];
  const visit = (value: unknown, depth: number) => {
    if (depth > MAX_DEPTH) return;
    if (isPair(value)) visit(value.value, depth + 1);
    else if (isSeq(value)) for (const item of value.items) visit(item, depth + 1);
    else if (isMap(value)) {
      const text = (key: string): string => {
        const scalar = value.get(key, true);
        // `tag: 1.10` is a number to YAML; its source is what was meant.
        return isScalar(scalar) ? (scalar.source ?? String(scalar.value ?? '')) : '';
      };
      const reference = fromHelm(text) ?? fromKustomize(text);
      if (reference !== undefined) found.push({ reference, offset: value.range?.[0] ?? 0 });
      for (const item of value.items) visit(item, depth + 1);
    }
  };
  visit(node, 0);
  return found;
}

function fromHelm(text: (key: string) => string): string | undefined {
  const name = text('repository') || text('name');
  const [tag, digest] = [text('tag'), text('digest') || text('sha')];
  if (name === '' || (tag === '' && digest === '')) return undefined;
  const registry = text('registry');
  return joined(registry === '' ? name : `${registry}/${name}`, tag, digest);
}

function fromKustomize(text: (key: string) => string): string | undefined {
  const name = text('newName') || text('name');
  const [tag, digest] = [text('newTag'), text('digest')];
  return name === '' || (tag === '' && digest === '') ? undefined : joined(name, tag, digest);
}

function joined(name: string, tag: string, digest: string): string {
  const algorithm = digest === '' || digest.includes(':') ? '' : 'sha256:';
  return `${name}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${algorithm}${digest}`}`;
}
