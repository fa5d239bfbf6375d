import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fieldsOf } from '../../src/domain/fields.ts';
import { freePort, run } from '../e2e/programs.ts';

/** The metrics file of a run, and when that run is to have been. */
export interface DatedMetrics {
  readonly at: Date;
  readonly text: string;
}

/** One series of an answer. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

export interface Prometheus {
  /** The newest value of each series. */
  readonly now: (query: string) => Promise<readonly Series[]>;
  /** A value for each of the days. */
  readonly days: (query: string, count: number) => Promise<readonly Series[]>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** Not a dependency: whoever draws pictures has it. */
const PROGRAM = 'prometheus';
const DAY_SECONDS = 24 * 60 * 60;

/**
 * A real Prometheus with the metrics of these runs in its database.
 * @param folder for its data
 * @throws when `prometheus` or `promtool` is not installed (Debian: `prometheus`)
 */
export async function startPrometheus(folder: string, runs: readonly DatedMetrics[]): Promise<Prometheus> {
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const file = join(folder, 'metrics.txt');
  await writeFile(file, withTimes(runs));
  await run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', file, data]);
  await writeFile(join(folder, 'prometheus.yml'), '{}\n');
  const port = await freePort();
  const child = spawn(
    PROGRAM,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=1y',
      '--query.lookback-delta=36h',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const api = `http://127.0.0.1:${port}`;
  const isReady = () =>
    fetch(`${api}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let tries = 0; tries < 100 && !(await isReady()); tries += 1) await sleep(100);
  const ask = async (path: string, query: Readonly<Record<string, string>>): Promise<readonly Series[]> => {
    const answer: unknown = await (await fetch(`${api}/api/v1/${path}?${new URLSearchParams(query)}`)).json();
    const { status, data: found, error } = fieldsOf(answer);
    if (status !== 'success') throw new Error(`${query.query}: ${String(error)}`);
    const { result } = fieldsOf(found);
    return (Array.isArray(result) ? result : []).map((each) => {
      const { metric, value, values } = fieldsOf(each);
      const points = Array.isArray(values) ? values : [value];
      return {
        labels: Object.fromEntries(Object.entries(fieldsOf(metric)).map(([name, text]) => [name, String(text)])),
        values: points.map((point) => Number(Array.isArray(point) ? point[1] : Number.NaN)),
      };
    });
  };
  return {
    now: (query) => ask('query', { query }),
    days: (query, count) => {
      const end = Math.floor(Date.now() / 1000);
      const start = String(end - (count - 1) * DAY_SECONDS);
      return ask('query_range', { query, start, end: String(end), step: String(DAY_SECONDS) });
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** All runs as one file: families in a row, each sample with its time. */
function withTimes(runs: readonly DatedMetrics[]): string {
  const families = new Map<string, { readonly head: string[]; readonly rows: string[] }>();
  for (const { at, text } of runs) {
    let current: { readonly head: string[]; readonly rows: string[] } | undefined;
    for (const line of text.split('\n')) {
      const [, kind = '', name = ''] = /^# (HELP|TYPE|UNIT) (\S+)/.exec(line) ?? [];
      if (kind !== '') {
        current = families.get(name) ?? { head: [], rows: [] };
        families.set(name, current);
        if (!current.head.includes(line)) current.head.push(line);
      } else if (line !== '' && !line.startsWith('#')) current?.rows.push(`${line} ${Math.floor(at.getTime() / 1000)}`);
    }
  }
  return [...[...families.values()].flatMap(({ head, rows }) => [...head, ...rows.toSorted()]), '# EOF', ''].join('\n');
}
