import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARD_QUERIES, renderDashboard } from '../../../scripts/dashboard.ts';
import { fieldsOf } from '../../../src/domain/fields.ts';
import { METRICS } from '../../../src/report/metrics/catalogue.ts';
import { parseQuery } from '../../support/promql.ts';

const known: Readonly<Record<string, { readonly labels: readonly string[] }>> = METRICS;
const listOf = (value: unknown) => (Array.isArray(value) ? value.map(fieldsOf) : []);

const alerts = listOf(fieldsOf(parse(await readFile('monitoring/alerts.yml', 'utf8'))).groups).flatMap(({ rules }) =>
  listOf(rules),
);
const dashboard = fieldsOf(JSON.parse(renderDashboard()));
const panels = listOf(dashboard.panels);
const variables = listOf(fieldsOf(dashboard.templating).list);

/** What in an expression does not exist. */
function unknownIn(query: string): readonly string[] {
  const { errors, metrics, groupings } = parseQuery(query);
  const labels = new Set(metrics.flatMap(({ name }) => known[name]?.labels ?? []));
  return [
    ...errors,
    ...(metrics.length === 0 ? ['no metric'] : []),
    ...metrics.flatMap(({ name, labels: matched }) => {
      const metric = known[name];
      if (metric === undefined) return [`no metric ${name}`];
      return matched.filter((label) => !metric.labels.includes(label)).map((label) => `${name} has no label ${label}`);
    }),
    ...groupings.filter((label) => !labels.has(label)).map((label) => `no label ${label}`),
  ];
}

describe('monitoring', () => {
  it.each(DASHBOARD_QUERIES)('dashboard: %s', (query) => {
    expect(unknownIn(query)).toEqual([]);
  });

  it.each(alerts.map(({ alert, expr }) => [String(alert), String(expr)]))('alert %s: %s', (_, query) => {
    expect(unknownIn(query)).toEqual([]);
  });

  it('would see a wrong metric, label and syntax', () => {
    expect(unknownIn('aws_ecr_push_failures_total > 0')).toEqual(['no metric aws_ecr_push_failures_total']);
    expect(unknownIn('sum by (branch) (registry_image_findings{stage="x"})')).toEqual([
      'registry_image_findings has no label stage',
      'no label branch',
    ]);
    expect(unknownIn('sum(registry_image_findings')).not.toEqual([]);
  });

  it('labels in texts of alerts exist', () => {
    for (const { alert, expr, annotations } of alerts) {
      const { metrics } = parseQuery(String(expr));
      const labels = metrics.flatMap(({ name }) => known[name]?.labels ?? []);
      for (const text of Object.values(fieldsOf(annotations))) {
        for (const [, label = ''] of String(text).matchAll(/\$labels\.(\w+)/g))
          expect(labels, `${String(alert)}: ${label}`).toContain(label);
      }
    }
  });

  it('each alert has a severity, a summary and what to do, and a unit test that fires', async () => {
    const tests = await readFile('monitoring/alerts.test.yml', 'utf8');
    const names = alerts.map(({ alert }) => String(alert));
    expect(new Set(names).size).toBe(names.length);
    for (const { alert, labels, annotations } of alerts) {
      expect(['critical', 'warning', 'info']).toContain(fieldsOf(labels).severity);
      expect(fieldsOf(annotations)).toMatchObject({ summary: expect.any(String), description: expect.any(String) });
      expect(tests).toMatch(new RegExp(`alertname: ${String(alert)}\\n\\s+exp_alerts:`));
      expect(tests).toContain(`alertname: ${String(alert)} }`);
    }
  });

  it('the dashboard is in the form that import and provisioning take', () => {
    expect(dashboard).toMatchObject({ uid: 'registry-action', schemaVersion: 42 });
    for (const name of ['dashboard', '__inputs', '__requires', 'id']) expect(dashboard).not.toHaveProperty(name);
    const ids = panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { type, datasource } of panels)
      if (type !== 'row') expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
  });

  it('uses only variables that it has, and queries of variables name existing metrics', () => {
    const names = variables.map(({ name }) => String(name));
    for (const [, name = ''] of JSON.stringify(panels).matchAll(/\$\{?(\w+)/g)) expect(names).toContain(name);
    for (const { definition } of variables) {
      if (definition === undefined) continue;
      const [, query = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(String(definition)) ?? [];
      expect(unknownIn(query)).toEqual([]);
      expect(known[parseQuery(query).metrics[0]?.name ?? '']?.labels).toContain(label);
    }
  });

  it('no panel lies on another or outside of the grid', () => {
    const cells = new Set<string>();
    for (const { gridPos, title } of panels) {
      const { x, y, w, h } = fieldsOf(gridPos);
      expect(Number(x) + Number(w), String(title)).toBeLessThanOrEqual(24);
      for (let column = Number(x); column < Number(x) + Number(w); column += 1) {
        for (let row = Number(y); row < Number(y) + Number(h); row += 1) {
          const cell = `${column},${row}`;
          expect(cells.has(cell), `${String(title)} at ${cell}`).toBe(false);
          cells.add(cell);
        }
      }
    }
  });
});
