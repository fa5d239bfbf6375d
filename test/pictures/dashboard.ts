import { renderDashboard } from '../../scripts/dashboard.ts';
import { bytes } from '../../src/domain/amount.ts';
import { type Fields, fieldsOf } from '../../src/domain/fields.ts';
import { duration } from '../../src/report/markdown.ts';
import type { Prometheus, Series } from './prometheus.ts';

// The dashboard drawn without Grafana: panels at their places, with what Prometheus answers to their queries.

const DAYS = 14;
const PALETTE = ['#5794f2', '#73bf69', '#f2cc0c', '#ff780a', '#b877d9', '#f2495c'];
const COLOURS: Readonly<Record<string, string>> = {
  green: '#73bf69',
  orange: '#ff9830',
  red: '#f2495c',
  blue: '#5794f2',
};
const LEGEND = /\{\{(\w+)\}\}/g;

const STYLE = `
  body { margin: 0; padding: 12px; background: #111217; color: #ccccdc; font: 12px 'Liberation Sans', sans-serif; }
  h1 { font-size: 18px; margin: 0 0 10px; }
  main { display: grid; grid-template-columns: repeat(24, 1fr); grid-auto-rows: 30px; gap: 6px; }
  section { background: #181b1f; border: 1px solid #25272d; border-radius: 3px; padding: 6px 8px; overflow: hidden; }
  section.row { background: none; border: 0; font-size: 14px; font-weight: 600; }
  h2 { font-size: 12px; margin: 0 0 4px; font-weight: 600; }
  .stat { font-size: 30px; font-weight: 600; padding-top: 8px; }
  table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 2px 6px; border-bottom: 1px solid #25272d; white-space: nowrap; overflow: hidden; max-width: 190px; text-overflow: ellipsis; }
  th { color: #6e9fff; font-weight: 500; } .bar { display: grid; grid-template-columns: 34% 1fr 18%; gap: 6px; align-items: center; margin: 3px 0; }
  .bar i { display: block; height: 14px; border-radius: 2px; } .none { color: #7b7c85; } .legend { color: #9a9ba5; } svg { width: 100%; }
`;

/** An HTML page with the whole dashboard. */
export async function dashboardPage(prometheus: Prometheus): Promise<string> {
  const dashboard = fieldsOf(JSON.parse(renderDashboard()));
  const panels = Array.isArray(dashboard.panels) ? dashboard.panels.map(fieldsOf) : [];
  const drawn: string[] = [];
  for (const panel of panels) {
    const { x, y, w, h } = fieldsOf(panel.gridPos);
    const place = `grid-column: ${Number(x) + 1} / span ${Number(w)}; grid-row: ${Number(y) + 1} / span ${Number(h)}`;
    const isRow = panel.type === 'row';
    const body = isRow ? '' : await draw(panel, prometheus);
    const title = isRow ? `▾ ${escaped(String(panel.title))}` : `<h2>${escaped(String(panel.title))}</h2>`;
    drawn.push(`<section class="${isRow ? 'row' : ''}" style="${place}">${title}${body}</section>`);
  }
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><h1>${escaped(String(dashboard.title))}</h1>
<main>${drawn.join('\n')}</main><script>window.ready = document.fonts.ready.then(() => true)</script>`;
}

async function draw(panel: Fields, prometheus: Prometheus): Promise<string> {
  const { defaults } = fieldsOf(panel.fieldConfig);
  const { unit, thresholds } = fieldsOf(defaults);
  const steps = fieldsOf(thresholds).steps;
  const format = (value: number) => formatted(value, String(unit));
  const colour = (value: number) => colourOf(value, Array.isArray(steps) ? steps.map(fieldsOf) : []);
  const targets = Array.isArray(panel.targets) ? panel.targets.map(fieldsOf) : [];
  const isSeries = panel.type === 'timeseries';
  const found: (Series & { readonly name: string })[] = [];
  for (const { expr, legendFormat = '' } of targets) {
    const query = String(expr).replaceAll(/\$(?:registry|repository)\b/g, '.*');
    const answer = isSeries ? await prometheus.days(query, DAYS) : await prometheus.now(query);
    found.push(
      ...answer.map((each) => ({
        ...each,
        name: String(legendFormat).replaceAll(LEGEND, (_, label: string) => each.labels[label] ?? ''),
      })),
    );
  }
  if (found.length === 0) return '<p class="none">No data</p>';
  const last = ({ values }: Series) => values.at(-1) ?? Number.NaN;
  switch (panel.type) {
    case 'stat': {
      const [first] = found;
      const value = first === undefined ? Number.NaN : last(first);
      return `<div class="stat" style="color: ${colour(value)}">${format(value)}</div>`;
    }
    case 'bargauge': {
      const most = Math.max(...found.map(last), unit === 'percentunit' ? 1 : 0) || 1;
      return found
        .toSorted((a, b) => last(b) - last(a))
        .map((each) => {
          const bar = `<i style="width: ${Math.max(1, (100 * last(each)) / most)}%; background: ${colour(last(each))}"></i>`;
          return `<div class="bar"><span>${escaped(each.name)}</span>${bar}<span>${format(last(each))}</span></div>`;
        })
        .join('');
    }
    case 'table':
      return tableOf(found, panel, format);
    default:
      return linesOf(found, format);
  }
}

function tableOf(found: readonly Series[], panel: Fields, format: (value: number) => string): string {
  const [organize] = Array.isArray(panel.transformations) ? panel.transformations.map(fieldsOf) : [];
  const hidden = fieldsOf(fieldsOf(organize?.options).excludeByName);
  const labels = [...new Set(found.flatMap((each) => Object.keys(each.labels)))].filter(
    (name) => hidden[name] !== true,
  );
  const columns = hidden.Value === true ? labels : [...labels, 'Value'];
  const rows = found.slice(0, 12).map((each) => {
    const cells = columns.map((name) =>
      name === 'Value' ? format(each.values.at(-1) ?? 0) : (each.labels[name] ?? ''),
    );
    return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`;
  });
  return `<table><tr>${columns.map((name) => `<th>${escaped(name)}</th>`).join('')}</tr>${rows.join('')}</table>`;
}

function linesOf(found: readonly (Series & { readonly name: string })[], format: (value: number) => string): string {
  const most = Math.max(...found.flatMap(({ values }) => values)) || 1;
  const lines = found.map(({ values }, at) => {
    const points = values.map((value, index) => {
      const x = 600 - (values.length - 1 - index) * (590 / (DAYS - 1));
      return `${x.toFixed(1)},${(150 - (140 * value) / most).toFixed(1)}`;
    });
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${PALETTE[at % PALETTE.length]}" stroke-width="2"/>`;
  });
  const legend = found.map(
    ({ name, values }, at) =>
      `<span style="color: ${PALETTE[at % PALETTE.length]}">▬</span> ${escaped(name)} ${format(values.at(-1) ?? 0)}`,
  );
  return `<svg viewBox="0 0 610 160" height="170"><line x1="0" x2="610" y1="150" y2="150" stroke="#34363d"/><line x1="0" x2="610" y1="10" y2="10" stroke="#25272d"/><text x="2" y="22" fill="#7b7c85" font-size="11">${format(most)}</text>${lines.join('')}</svg><div class="legend">${legend.join(' &nbsp; ')}</div>`;
}

function colourOf(value: number, steps: readonly Fields[]): string {
  const step = steps.findLast(({ value: from }) => from === null || value >= Number(from));
  return COLOURS[String(step?.color)] ?? '#5794f2';
}

function formatted(value: number, unit: string): string {
  if (Number.isNaN(value)) return 'No data';
  if (unit === 'bytes') return bytes(value);
  if (unit === 'percentunit') return `${Math.round(value * 100)} %`;
  if (unit === 's') return value > 172_800 ? `${Math.round(value / 86_400)} d` : duration(value * 1000);
  return String(Math.round(value * 100) / 100);
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
