import { METRICS, type MetricName, metricFacts, type Sample } from './catalogue.ts';

/**
 * Samples as a text that both Prometheus' own format and OpenMetrics accept, so that node_exporter's textfile collector, a Pushgateway
 * and strict parsers read the same file: gauges only, no timestamps, `# EOF` at the end.
 * https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 *
 * One set of labels has one value: a duplicate would make a collector drop the whole page, so the last one counts. Values that are
 * no numbers are left out.
 */
export function renderOpenMetrics(samples: readonly Sample[]): string {
  const byName = Map.groupBy(samples, ({ name }) => name);
  const lines = METRIC_NAMES.flatMap((name) => {
    const { help, unit } = metricFacts(name);
    const rows = seriesOf(name, byName.get(name) ?? []);
    if (rows.length === 0) return [];
    return [
      `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
      `# TYPE ${name} gauge`,
      ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
      ...rows,
    ];
  });
  return [...lines, '# EOF', ''].join('\n');
}

const METRIC_NAMES: readonly MetricName[] = Object.keys(METRICS).filter((name): name is MetricName =>
  Object.hasOwn(METRICS, name),
);

function seriesOf(name: MetricName, samples: readonly Sample[]): readonly string[] {
  const { labels: names } = metricFacts(name);
  const rows = new Map<string, number>();
  for (const { labels, value } of samples) {
    if (!Number.isFinite(value)) continue;
    const pairs = names.map((label) => `${label}="${labelValue(labels[label] ?? '')}"`);
    rows.set(`${name}{${pairs.join(',')}}`, value);
  }
  return [...rows].map(([series, value]) => `${series} ${value}`).toSorted();
}

/** Longer values are cut: they come from registries, and every series is kept in memory. */
const MAX_VALUE_LENGTH = 512;

/** Escapes what the format gives a meaning. Lone surrogates are no UTF-8. */
function labelValue(text: string): string {
  return [...text.toWellFormed()]
    .slice(0, MAX_VALUE_LENGTH)
    .join('')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll(/\p{Cc}/gu, '\uFFFD');
}
