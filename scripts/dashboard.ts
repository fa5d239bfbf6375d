// The Grafana dashboard, as a value: `node scripts/generate.ts` writes it to monitoring/grafana-dashboard.json. In the classic form, which
// every version of Grafana imports and provisions.
// https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const SELECT = 'registry=~"$registry", repository=~"$repository"';
/** Findings with the digest of their image: one that has several watched tags counts once. */
const findingsByDigest = (severity: string, metric = 'registry_image_findings') =>
  `${metric}{${SELECT}, ${severity}} * on (registry, repository, tag) group_left (digest) registry_image_info`;
const SCHEMA_VERSION = 42;
/** Columns of a dashboard. */
const WIDTH = 24;

type Unit = 'short' | 'bytes' | 's' | 'percentunit' | 'bool' | 'dateTimeFromNow';

interface Target {
  readonly expr: string;
  /** What a series is called: `{{repository}}`. */
  readonly legend?: string;
}

interface Panel {
  readonly title: string;
  readonly about: string;
  readonly type: 'stat' | 'timeseries' | 'bargauge' | 'table';
  readonly width: number;
  readonly height: number;
  readonly unit?: Unit;
  readonly targets: readonly Target[];
  /** Values from which a panel is orange and red. */
  readonly thresholds?: readonly [orange: number, red: number];
  /** Red below instead of above. */
  readonly isLowBad?: true;
  /** Labels that are no columns of a table. */
  readonly hidden?: readonly string[];
}

const ROWS: readonly { readonly title: string; readonly panels: readonly Panel[] }[] = [
  {
    title: 'Overview',
    panels: [
      stat('Images', 'Images of the selected repositories.', `sum(registry_repository_images{${SELECT}})`),
      stat(
        'Storage',
        'Each blob once in its repository.',
        `sum(registry_repository_size_bytes{${SELECT}, method="distinct"})`,
        { unit: 'bytes' },
      ),
      stat(
        'Critical findings',
        'Of watched images, the highest of any scanner. No value: nothing was scanned.',
        `sum(max by (registry, repository, digest) (${findingsByDigest('severity="CRITICAL"')}))`,
        { thresholds: [1, 1] },
      ),
      stat(
        'Watched images without a scan',
        'Without a complete result of any scanner.',
        `count(registry_image_info{${SELECT}} unless on (registry, repository, tag) registry_image_scan_status{${SELECT}, status="complete"}) or vector(0)`,
        { thresholds: [1, 5] },
      ),
      stat(
        'Environments that differ',
        'Differences besides an environment that is behind.',
        'sum(registry_environment_drift{kind!="behind"})',
        { thresholds: [1, 1] },
      ),
      stat(
        'Oldest report',
        'Time since the last run of each report.',
        'time() - min(registry_action_run_timestamp_seconds{command="report"})',
        { unit: 's', thresholds: [129_600, 172_800] },
      ),
    ],
  },
  {
    title: 'Repositories',
    panels: [
      series('Images by repository', 'Tagged or not.', [
        { expr: `registry_repository_images{${SELECT}}`, legend: '{{registry}}/{{repository}}' },
      ]),
      series(
        'Storage by repository',
        'Each blob once.',
        [
          {
            expr: `registry_repository_size_bytes{${SELECT}, method="distinct"}`,
            legend: '{{registry}}/{{repository}}',
          },
        ],
        'bytes',
      ),
      {
        title: 'Storage, counted in different ways',
        about: 'Stored once, one by one, and what the registry itself reports.',
        type: 'bargauge',
        width: 12,
        height: 6,
        unit: 'bytes',
        targets: [{ expr: `sum by (method) (registry_repository_size_bytes{${SELECT}})`, legend: '{{method}}' }],
      },
      {
        title: 'Untagged, orphaned and broken',
        about: 'What a cleanup could remove, and images that lack platforms.',
        type: 'bargauge',
        width: 12,
        height: 6,
        targets: [
          { expr: `sum(registry_repository_untagged_images{${SELECT}})`, legend: 'untagged images' },
          { expr: `sum(registry_repository_orphans{${SELECT}})`, legend: 'orphaned referrers' },
          { expr: `sum(registry_repository_broken_images{${SELECT}})`, legend: 'broken images' },
        ],
        thresholds: [100, 1000],
      },
    ],
  },
  {
    title: 'Vulnerabilities',
    panels: [
      table(
        'Findings of watched images',
        'Distinct vulnerabilities by scanner. Images that were not scanned are missing here.',
        [{ expr: `registry_image_findings{${SELECT}, severity=~"CRITICAL|HIGH"} > 0` }],
      ),
      table(
        'Scan status',
        'Only `complete` is a current result.',
        [{ expr: `registry_image_scan_status{${SELECT}} == 1` }],
        ['Value'],
      ),
      series('Critical and high findings', 'Of watched images, the highest of any scanner.', [
        {
          expr: `sum by (severity) (max by (registry, repository, digest, severity) (${findingsByDigest('severity=~"CRITICAL|HIGH"')}))`,
          legend: '{{severity}}',
        },
      ]),
      series('Findings with a fix', 'Of watched images, by scanner.', [
        {
          expr: `sum by (source) (max by (registry, repository, digest, severity, source) (${findingsByDigest('severity=~"CRITICAL|HIGH"', 'registry_image_fixable_findings')}))`,
          legend: '{{source}}',
        },
      ]),
    ],
  },
  {
    title: 'Environments',
    panels: [
      table('What environments run', 'By image and version.', [{ expr: 'registry_environment_info == 1' }], ['Value']),
      table(
        'Differences',
        'Between an environment and the one before it.',
        [{ expr: 'registry_environment_drift == 1' }],
        ['Value'],
      ),
      {
        title: 'Age of watched images',
        about: 'Since the push, or the build where no push time is recorded.',
        type: 'bargauge',
        width: 12,
        height: 6,
        unit: 's',
        targets: [
          {
            expr: `time() - registry_image_pushed_timestamp_seconds{${SELECT}}`,
            legend: '{{repository}}:{{tag}}',
          },
        ],
        thresholds: [2_592_000, 7_776_000],
      },
      {
        title: 'Oldest image by repository',
        about: 'A candidate for a cleanup.',
        type: 'bargauge',
        width: 12,
        height: 6,
        unit: 's',
        targets: [
          {
            expr: `time() - registry_repository_oldest_image_timestamp_seconds{${SELECT}}`,
            legend: '{{registry}}/{{repository}}',
          },
        ],
        thresholds: [15_552_000, 31_536_000],
      },
      {
        title: 'Settings that differ from the setup file',
        about: 'Settings of each registry. No value: not compared.',
        type: 'bargauge',
        width: 24,
        height: 4,
        targets: [{ expr: 'registry_settings_different', legend: '{{registry}}' }],
        thresholds: [1, 10],
      },
    ],
  },
  {
    title: 'Limits',
    panels: [
      {
        title: 'Rate limit left',
        about: 'Share of the requests or pulls that are left.',
        type: 'bargauge',
        width: 12,
        height: 6,
        unit: 'percentunit',
        targets: [
          {
            expr: 'registry_rate_limit_remaining{registry=~"$registry"} / registry_rate_limit_limit{registry=~"$registry"}',
            legend: '{{registry}} {{kind}}',
          },
        ],
        thresholds: [0.1, 0.3],
        isLowBad: true,
      },
      {
        title: 'Storage quota used',
        about: 'Share of the quota. Pushes fail at 100 %.',
        type: 'bargauge',
        width: 12,
        height: 6,
        unit: 'percentunit',
        targets: [
          {
            expr: 'registry_quota_used_bytes{registry=~"$registry"} / registry_quota_limit_bytes{registry=~"$registry"}',
            legend: '{{registry}} {{quota}}',
          },
        ],
        thresholds: [0.8, 0.9],
      },
    ],
  },
  {
    title: 'Runs',
    panels: [
      table('Last run of each command', 'With its outcome.', [{ expr: 'registry_action_run_outcome == 1' }], ['Value']),
      table(
        'Repositories without the image',
        'Of the last run of each command.',
        [{ expr: 'registry_action_target_success == 0' }],
        ['Value'],
      ),
      series(
        'Duration',
        'Of the last run.',
        [{ expr: 'registry_action_run_duration_seconds', legend: '{{command}} {{image}}' }],
        's',
      ),
      series(
        'Uploaded',
        'By the last run.',
        [{ expr: 'registry_action_pushed_bytes', legend: '{{command}} {{registry}}/{{repository}}' }],
        'bytes',
      ),
      series('Gate', 'Findings that failed the gate of the last run.', [
        { expr: 'registry_action_gate_blocking_findings', legend: '{{command}} {{image}}' },
      ]),
      series(
        'Freed by cleanups',
        'By the last run.',
        [{ expr: 'registry_action_freed_bytes', legend: '{{registry}}/{{repository}}' }],
        'bytes',
      ),
    ],
  },
];

function stat(title: string, about: string, expr: string, more: Pick<Panel, 'unit' | 'thresholds'> = {}): Panel {
  return { title, about, type: 'stat', width: 4, height: 4, targets: [{ expr }], ...more };
}

function series(title: string, about: string, targets: readonly Target[], unit: Unit = 'short'): Panel {
  return { title, about, type: 'timeseries', width: 12, height: 8, unit, targets };
}

function table(title: string, about: string, targets: readonly Target[], hidden: readonly string[] = []): Panel {
  return { title, about, type: 'table', width: 12, height: 6, targets, hidden };
}

/** Labels that scraping adds, and the name of the metric. */
const ADDED_LABELS = ['__name__', 'Time', 'instance', 'job'];

/** Every query of the dashboard. */
export const DASHBOARD_QUERIES: readonly string[] = ROWS.flatMap(({ panels }) =>
  panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
);

/** The dashboard as Grafana imports it. */
export function renderDashboard(): string {
  let id = 0;
  let y = 0;
  const next = () => {
    id += 1;
    return id;
  };
  const panels = ROWS.flatMap(({ title, panels: own }) => {
    const row = { id: next(), type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: WIDTH, h: 1 }, panels: [] };
    y += 1;
    let x = 0;
    let height = 0;
    const placed = own.map((panel) => {
      if (x + panel.width > WIDTH) {
        y += height;
        x = 0;
        height = 0;
      }
      const gridPos = { x, y, w: panel.width, h: panel.height };
      x += panel.width;
      height = Math.max(height, panel.height);
      return { id: next(), gridPos, ...grafanaPanel(panel) };
    });
    y += height;
    return [row, ...placed];
  });
  const dashboard = {
    uid: 'registry-action',
    title: 'Container registries',
    description: 'Images, storage, vulnerabilities, environments and runs, from the metrics of registry-action.',
    tags: ['containers', 'registry'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '5m',
    time: { from: 'now-30d', to: 'now' },
    timezone: 'browser',
    annotations: { list: [] },
    links: [],
    templating: { list: [datasourceVariable(), ...['registry', 'repository'].map(labelVariable)] },
    panels,
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function datasourceVariable() {
  return {
    name: 'datasource',
    label: 'Data source',
    type: 'datasource',
    query: 'prometheus',
    hide: 0,
    current: { text: '', value: '' },
  };
}

function labelVariable(name: string) {
  const filter = name === 'repository' ? '{registry=~"$registry"}' : '';
  const query = `label_values(registry_repository_images${filter}, ${name})`;
  return {
    name,
    label: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    type: 'query',
    datasource: DATASOURCE,
    definition: query,
    query: { query, refId: 'values' },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
    hide: 0,
  };
}

function grafanaPanel({ title, about, type, unit = 'short', targets, thresholds, isLowBad, hidden = [] }: Panel) {
  const [orange, red] = thresholds ?? [];
  const steps =
    orange === undefined || red === undefined
      ? [{ color: type === 'stat' ? 'blue' : 'green', value: null }]
      : isLowBad
        ? [
            { color: 'red', value: null },
            { color: 'orange', value: orange },
            { color: 'green', value: red },
          ]
        : [
            { color: 'green', value: null },
            ...(orange === red ? [] : [{ color: 'orange', value: orange }]),
            { color: 'red', value: red },
          ];
  const isTable = type === 'table';
  return {
    type,
    title,
    description: about,
    datasource: DATASOURCE,
    targets: targets.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource: DATASOURCE,
      expr,
      ...(legend === undefined ? {} : { legendFormat: legend }),
      ...(type === 'timeseries' ? { range: true } : { instant: true, range: false }),
      ...(isTable ? { format: 'table' } : {}),
    })),
    fieldConfig: {
      defaults: {
        unit,
        color: { mode: type === 'timeseries' ? 'palette-classic' : 'thresholds' },
        thresholds: { mode: 'absolute', steps },
        ...(unit === 'percentunit' ? { min: 0, max: 1 } : type === 'bargauge' ? { min: 0 } : {}),
      },
      overrides: [],
    },
    options: optionsOf(type),
    ...(isTable
      ? {
          transformations: [
            {
              id: 'organize',
              options: { excludeByName: Object.fromEntries([...ADDED_LABELS, ...hidden].map((name) => [name, true])) },
            },
          ],
        }
      : {}),
  };
}

/** Every option that Grafana's schema has, since it knows no optional ones. */
function optionsOf(type: Panel['type']) {
  const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
  const legend = { displayMode: 'list', placement: 'bottom', calcs: [] };
  switch (type) {
    case 'stat':
      return {
        reduceOptions,
        colorMode: 'value',
        graphMode: 'area',
        textMode: 'auto',
        justifyMode: 'auto',
        orientation: 'auto',
        percentChangeColorMode: 'standard',
        showPercentChange: false,
        wideLayout: true,
      };
    case 'bargauge':
      return {
        reduceOptions,
        orientation: 'horizontal',
        displayMode: 'basic',
        valueMode: 'color',
        namePlacement: 'auto',
        showUnfilled: true,
        sizing: 'auto',
        minVizWidth: 8,
        minVizHeight: 16,
        maxVizHeight: 300,
        legend: { ...legend, showLegend: false },
      };
    case 'timeseries':
      return { legend: { ...legend, showLegend: true }, tooltip: { mode: 'multi', sort: 'desc' } };
    case 'table':
      return { frameIndex: 0, showHeader: true, cellHeight: 'sm' };
  }
}
