import { parser } from '@prometheus-io/lezer-promql';

/** A metric in an expression, with the labels that its matchers name. */
interface QueriedMetric {
  readonly name: string;
  readonly labels: readonly string[];
}

export interface ParsedQuery {
  /** Parts that are no PromQL. */
  readonly errors: readonly string[];
  readonly metrics: readonly QueriedMetric[];
  /** Labels that are aggregated or matched by, or left out. */
  readonly groupings: readonly string[];
}

/** Reads a PromQL expression with Prometheus' own grammar. Variables of Grafana only stand in strings. */
export function parseQuery(query: string): ParsedQuery {
  const errors: string[] = [];
  const metrics: { name: string; labels: string[] }[] = [];
  const groupings: string[] = [];
  parser.parse(query).iterate({
    enter: ({ name, from, to, node }) => {
      const text = query.slice(from, to);
      if (node.type.isError) errors.push(`${text} at ${from}`);
      if (name === 'VectorSelector') metrics.push({ name: '', labels: [] });
      const current = metrics.at(-1);
      if (name === 'Identifier' && current !== undefined && node.parent?.name === 'VectorSelector') current.name = text;
      if (name === 'LabelName') {
        if (node.parent?.name === 'GroupingLabels') groupings.push(text);
        else current?.labels.push(text);
      }
    },
  });
  return { errors, metrics, groupings };
}
