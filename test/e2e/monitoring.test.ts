import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DASHBOARD_QUERIES } from '../../scripts/dashboard.ts';
import { METRICS, type MetricName, sample } from '../../src/report/metrics/catalogue.ts';
import { renderOpenMetrics } from '../../src/report/metrics/open-metrics.ts';
import { reportScene, runReport } from '../support/report/scene.ts';
import { startDaemon } from './daemon.ts';
import { freePort, run, succeeds } from './programs.ts';

const HOSTILE = ['plain', 'a"b', 'a\\b', 'a\\"}', 'a\nb', 'ü\u{1F600}', '{x="y"} 1', '# EOF', ''];

/** Every metric, with texts that nobody should be able to send. */
function hostileFile(): string {
  const names = Object.keys(METRICS).filter((name): name is MetricName => Object.hasOwn(METRICS, name));
  return renderOpenMetrics(
    names.flatMap((name) =>
      HOSTILE.map((text, at) => ({
        ...sample('registry_repository_images', { registry: '', repository: '' }, at),
        name,
        labels: Object.fromEntries(METRICS[name].labels.map((label) => [label, `${text}${at}`])),
      })),
    ),
  );
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'monitoring-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** The metrics of a real report. */
async function reportedFile(): Promise<string> {
  const { content, image } = await reportScene();
  content.index([content.image('a'), content.image('b')], 'latest', 'staging');
  content.image('c', 'production');
  const done = await runReport({ images: image, 'metrics-file': 'm.prom', environments: 'staging,production' });
  return readFile(join(done.workspace, 'm.prom'), 'utf8');
}

const STRICT = `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic
text = sys.stdin.read()
count = sum(len(f.samples) for f in openmetrics(text))
assert count == sum(len(f.samples) for f in classic(text))
print(count)
`;

async function daemon(program: string, args: readonly string[], ready: string): Promise<void> {
  const home = await folder();
  const { stop } = await startDaemon(program, program, args, { home, ready: () => isReachable(ready) });
  onTestFinished(stop);
}

async function isReachable(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

describe.each([
  ['a real report', reportedFile],
  ['hostile names', async () => hostileFile()],
])('the metrics of %s', (_, make) => {
  it('pass promtool and a strict parser of OpenMetrics', async () => {
    const text = await make();
    await run('promtool', ['check', 'metrics'], { input: text });
    const count = await run('python3', ['-c', STRICT], {
      input: text,
      env: { ...process.env, PYTHONPATH: process.env.E2E_PYTHON },
    });
    expect(Number(count)).toBe(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length);
  });
});

it('the alert rules pass their tests, and the tests would see a broken rule', async () => {
  await run('promtool', ['check', 'rules', 'monitoring/alerts.yml']);
  await run('promtool', ['test', 'rules', 'monitoring/alerts.test.yml']);
  const broken = await folder();
  const rules = await readFile('monitoring/alerts.yml', 'utf8');
  await writeFile(join(broken, 'alerts.test.yml'), await readFile('monitoring/alerts.test.yml'));
  const alerts = rules.split(/(?=\n {6}- alert:)/);
  for (const [at, alert] of alerts.entries()) {
    if (!alert.includes('- alert:')) continue;
    // Without this alert, its own test has to fail.
    await writeFile(
      join(broken, 'alerts.yml'),
      alerts.with(at, alert.replace(/expr: .*/s, 'expr: vector(0) > 1\n')).join(''),
    );
    const isPassing = await succeeds('promtool', ['test', 'rules', join(broken, 'alerts.test.yml')]);
    expect(isPassing, alert.split('\n')[1] ?? '').toBe(false);
  }
});

it('every query of the dashboard is one for Prometheus', async () => {
  const home = await folder();
  const file = join(home, 'queries.yml');
  const queries = DASHBOARD_QUERIES.map((expr, at) => ({ record: `query:${at}`, expr }));
  await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: queries }] }));
  await run('promtool', ['check', 'rules', file]);
});

it("the dashboard is what Grafana's schema allows, and the check would see what is not", async () => {
  const dashboard = await readFile('monitoring/grafana-dashboard.json', 'utf8');
  await run('grafana-schema', [], { input: dashboard });
  for (const [from, to] of [
    ['"schemaVersion"', '"schemaVersions"'],
    ['"gridPos"', '"position"'],
    ['"graphTooltip": 1', '"graphTooltip": "one"'],
  ] as const) {
    expect(await succeeds('grafana-schema', [], { input: dashboard.replace(from, to) }), to).toBe(false);
  }
});

it('a Pushgateway takes the file, and shows what is in it', async () => {
  const port = await freePort();
  await daemon(
    'prometheus-pushgateway',
    [`--web.listen-address=127.0.0.1:${port}`],
    `http://127.0.0.1:${port}/-/ready`,
  );
  const url = `http://127.0.0.1:${port}`;
  for (const text of [await reportedFile(), hostileFile()]) {
    const { status } = await fetch(`${url}/metrics/job/registry`, { method: 'PUT', body: text });
    expect(status).toBe(200);
    const shown = await (await fetch(`${url}/metrics`)).text();
    expect(shown).toContain('registry_repository_images{');
  }
});

it("node_exporter's textfile collector takes the file", async () => {
  const port = await freePort();
  const home = await folder();
  await mkdir(join(home, 'textfile'));
  await writeFile(join(home, 'textfile', 'report.prom'), await reportedFile());
  await writeFile(join(home, 'textfile', 'hostile.prom'), hostileFile());
  await daemon(
    'prometheus-node-exporter',
    [
      `--web.listen-address=127.0.0.1:${port}`,
      '--collector.disable-defaults',
      '--collector.textfile',
      `--collector.textfile.directory=${join(home, 'textfile')}`,
    ],
    `http://127.0.0.1:${port}/`,
  );
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(text).toContain('node_textfile_scrape_error 0');
  expect(text).toContain('registry_environment_drift{');
});
