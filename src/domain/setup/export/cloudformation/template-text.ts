import { Document, isMap, isScalar, Scalar, visit } from 'yaml';
import type { Json } from '../../json.ts';

/** A template with the comments of its resources. */
export interface TemplateText {
  /** Comments of the first lines, without `#`. */
  readonly header: readonly string[];
  readonly body: Readonly<Record<string, Json>>;
  /** By logical id, without `#`. */
  readonly comments: ReadonlyMap<string, string>;
}

/**
 * YAML that CloudFormation reads as it was meant: its reader is one of YAML 1.1, where `012345678901` is an octal number, `on` is true
 * and `2012-10-17` is a date. So only plain words are without quotes.
 */
export function templateText({ header, body, comments }: TemplateText): string {
  const document = new Document(body, { aliasDuplicateObjects: false });
  document.commentBefore = header.map((line) => ` ${line}`).join('\n');
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === 'string') node.type = styleOf(node.value);
    },
  });
  const resources = document.get('Resources');
  if (isMap(resources)) {
    for (const { key } of resources.items) {
      const comment = isScalar(key) ? comments.get(String(key.value)) : undefined;
      if (isScalar(key) && comment !== undefined) key.commentBefore = ` ${comment}`;
    }
  }
  return document.toString({ lineWidth: 0 });
}

const PLAIN = /^[A-Za-z](?:[\w./:@*-]*[\w./*])?$/;
const NOT_TEXT = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

function styleOf(text: string): Scalar.Type {
  if (PLAIN.test(text) && !NOT_TEXT.test(text)) return Scalar.PLAIN;
  return text.includes('"') && !/[\p{Cc}\p{Zl}\p{Zp}\uFEFF]/u.test(text) ? Scalar.QUOTE_SINGLE : Scalar.QUOTE_DOUBLE;
}
