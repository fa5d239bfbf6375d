import { path } from './schema.ts';

/** The input of every command that writes metrics. */
export const METRICS_INPUTS = {
  'metrics-file': path({
    group: 'Run',
    about:
      'Where to write metrics of the run in OpenMetrics format, for a textfile collector or a Pushgateway; also written when the run fails. Metrics: [docs/report.md](docs/report.md#metrics).',
    example: 'registry.prom',
  }),
} as const;
