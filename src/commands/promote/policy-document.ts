import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { type PartName, type PartPath, partText } from '../../domain/promotion/policy-part.ts';
import { positions } from '../../domain/yaml-file/position.ts';

interface PolicyDocument {
  /** The value, or the problem of a text that is not YAML. */
  readonly read: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string };
  readonly nameOf: PartName;
}

/**
 * Reads a policy file with the positions of its parts, for messages.
 * @param path as the user wrote it
 * @param version ` on main`, or empty for the checkout
 */
export function parsePolicyDocument(text: string, path: string, version: string): PolicyDocument {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const positionOf = positions(counter);
  const position = (offset: number | undefined) => {
    const { line, column } = positionOf(offset);
    return `${path}:${line}:${column}${version}`;
  };
  const nameOf: PartName = (part) => {
    const name = position(offsetOf(document.contents, part));
    return part.length === 0 ? name : `${name}, ${partText(part)}`;
  };
  const [error] = document.errors;
  if (error !== undefined) {
    const [why = ''] = error.message.split('\n', 1);
    return { read: { ok: false, problem: `${position(error.pos[0])}: not YAML: ${why}` }, nameOf };
  }
  try {
    return { read: { ok: true, value: document.toJS() }, nameOf };
  } catch (thrown) {
    // Aliases that stand for too much: https://eemeli.org/yaml/#tojs-options
    return {
      read: { ok: false, problem: `${position(0)}: ${thrown instanceof Error ? thrown.message : 'not YAML'}` },
      nameOf,
    };
  }
}

/** Where a part begins; of a part that an alias stands for, where the nearest part around it begins. */
function offsetOf(node: unknown, [part, ...rest]: PartPath): number | undefined {
  const own = isNode(node) ? node.range?.[0] : undefined;
  if (part === undefined) return own;
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
    const key = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
    return rest.length === 0 ? (key ?? own) : (offsetOf(pair?.value, rest) ?? key ?? own);
  }
  return isSeq(node) && typeof part === 'number' ? (offsetOf(node.items[part], rest) ?? own) : own;
}

function isNode(node: unknown): node is Node {
  return isScalar(node) || isMap(node) || isSeq(node);
}
