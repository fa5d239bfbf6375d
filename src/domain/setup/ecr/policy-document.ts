import { canonicalJson } from '../../canonical-json.ts';
import { type Fields, fieldsOf, isFields } from '../../fields.ts';
import { sorted } from '../compare.ts';
import type { Json } from '../json.ts';

/** A statement of a resource policy. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html */
export interface Statement {
  readonly [element: string]: Json;
}

/** The statements of a policy; undefined when its text is no policy. */
export function statementsOf(text: string | null): readonly Statement[] | undefined {
  if (text === null) return [];
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { Statement: list } = fieldsOf(document);
  if (list === undefined) return undefined;
  return [list].flat().filter(isStatement);
}

export function isStatement(value: unknown): value is Statement {
  return isFields(value);
}

/** The policy with these statements, always the same text for the same ones. */
export function policyText(statements: readonly Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

/**
 * A statement with one spelling: lists sorted, a list of one as its element, an account as AWS returns it. AWS stores the same
 * policy in another order and form than it was sent.
 */
export function normalized(statement: Fields, partition: string): string {
  const entries = Object.entries(statement).map(([key, value]): [string, unknown] => [
    key,
    key === 'Principal' || key === 'NotPrincipal' ? principals(value, partition) : listed(value),
  ]);
  return canonicalJson(Object.fromEntries(entries));
}

function listed(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 1 ? listed(value[0]) : sorted(value.map(String));
  if (!isFields(value)) return typeof value === 'boolean' ? String(value) : value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, listed(each)]));
}

function principals(value: unknown, partition: string): unknown {
  if (!isFields(value)) return value === '*' ? { AWS: '*' } : value;
  return Object.fromEntries(
    Object.entries(value).map(([kind, ids]) => [
      kind,
      listed([ids].flat().map((id) => (/^\d{12}$/.test(String(id)) ? `arn:${partition}:iam::${String(id)}:root` : id))),
    ]),
  );
}

export function sidOf(statement: Statement): string | undefined {
  return typeof statement.Sid === 'string' ? statement.Sid : undefined;
}
