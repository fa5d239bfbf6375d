import type { LeftOut } from '../exported-file.ts';
import type { HarborEndpointState, HarborProjectState, HarborState } from '../harbor-state.ts';
import { notExported } from '../not-exported.ts';
import { projectParts } from './harbor-project.ts';
import { type Line, type Raw, raw, type TopBlock } from './hcl.ts';
import { identifiers } from './identifiers.ts';
import {
  dataSource,
  importOf,
  type ModuleSource,
  preventDestroy,
  type Resource,
  resource,
  type TerraformModule,
} from './module.ts';

/** https://registry.terraform.io/providers/goharbor/harbor/latest/docs. Secrets that are only written need Terraform 1.11. */
const HARBOR = { name: 'harbor', source: 'goharbor/harbor', version: '~> 3.11', terraform: '>= 1.11.0' };

/** Projects of a Harbor with their rules, members and robot accounts, the endpoints that it knows, and replication. */
export function harborModule(source: ModuleSource): TerraformModule | undefined {
  const { state, desired } = source.registry;
  if (state?.kind !== 'harbor') return undefined;
  const endpoints = endpointsOf(state, source);
  const names = identifiers(state.projects.map(({ name }) => name));
  const projects = state.projects.map((project) => {
    const id = names.get(project.name) ?? project.name;
    return { project, own: projectOf(project, id, endpoints.ids, source) };
  });
  const parts = projects.map(({ project, own }) => projectParts(project, own, source));
  const replications = replicationsOf(state, endpoints.ids, source);
  return {
    provider: HARBOR,
    blocks: {
      'providers.tf': [
        {
          comments: ['User and password come from HARBOR_USERNAME and HARBOR_PASSWORD.'],
          block: 'provider',
          labels: ['harbor'],
          body: [{ name: 'url', value: state.url }],
        },
      ],
      'variables.tf': parts.flatMap(({ variables }) => variables),
      'repositories.tf': projects.map(({ own }) => own.block),
      'access.tf': parts.flatMap(({ resources }) => resources.map(({ block }) => block)),
      'registry.tf': [...endpoints.blocks, ...replications.resources.map(({ block }) => block)],
      'imports.tf': [
        ...endpoints.imports,
        ...projects.flatMap(({ project, own }) =>
          project.id === undefined ? [] : [importOf(own, `/projects/${project.id}`)],
        ),
        ...parts.flatMap(({ imports }) => imports),
        ...replications.imports,
      ],
    },
    leftOut: [
      ...notExported(desired.at, state.settings),
      ...endpoints.leftOut,
      ...parts.flatMap(({ leftOut }) => leftOut),
      ...(desired.replicate?.value?.some(({ copiesExisting }) => copiesExisting) === true
        ? [left(desired.at, 'replicate.existing', 'Copying what exists is done once, and is no state.')]
        : []),
      ...(desired.replicate?.value === null && desired.replicate !== undefined
        ? [left(desired.at, 'replicate', 'Terraform cannot remove what is not in its state.')]
        : []),
    ],
  };
}

function left(at: string, what: string, reason: string): LeftOut {
  return { what: `${at}: ${what}`, reason, instead: '`command: setup` without `export` applies it.' };
}

interface Endpoints {
  /** The id of an endpoint as an expression, by its name. */
  readonly ids: ReadonlyMap<string, Raw>;
  readonly blocks: readonly TopBlock[];
  readonly imports: readonly TopBlock[];
  readonly leftOut: readonly LeftOut[];
}

/** The provider keeps the password of an endpoint in the state, so one with a password is looked up and not made. */
function endpointsOf(
  { endpoints, replications }: HarborState,
  { registry: { desired }, from }: ModuleSource,
): Endpoints {
  const others = replications
    .map(({ endpoint }) => endpoint)
    .filter((name) => !endpoints.some((each) => each.name === name));
  const names = identifiers([...endpoints.map(({ name }) => name), ...others]);
  const id = (name: string) => names.get(name) ?? name;
  const isMade = ({ hasCredential }: HarborEndpointState) => !hasCredential;
  const made = endpoints.filter(isMade).map((endpoint) => {
    const body: Line[] = [
      { name: 'provider_name', value: endpoint.type },
      { name: 'name', value: endpoint.name },
      { name: 'endpoint_url', value: endpoint.url },
    ];
    return {
      endpoint,
      own: resource('harbor_registry', id(endpoint.name), [from(desired.line, `endpoint ${endpoint.name}`)], body),
    };
  });
  const found = [...endpoints.filter((each) => !isMade(each)).map(({ name }) => name), ...new Set(others)];
  return {
    ids: new Map([
      ...made.map(({ endpoint: { name }, own }) => [name, raw(`${own.address}.registry_id`)] as const),
      ...found.map((name) => [name, raw(`data.harbor_registry.${id(name)}.registry_id`)] as const),
    ]),
    blocks: [
      ...found.map((name) => dataSource('harbor_registry', id(name), [{ name: 'name', value: name }])),
      ...made.map(({ own }) => own.block),
    ],
    imports: made.flatMap(({ endpoint, own }) =>
      endpoint.id === undefined ? [] : [importOf(own, `/registries/${endpoint.id}`)],
    ),
    leftOut: endpoints
      .filter((each) => !isMade(each))
      .map(({ name }) =>
        left(
          desired.at,
          `endpoint ${name}`,
          'Its password would be in the state, so the code looks it up by its name.',
        ),
      ),
  };
}

const GIGABYTE = 2 ** 30;

/** https://registry.terraform.io/providers/goharbor/harbor/latest/docs/resources/project */
function projectOf(
  { name, line, metadata, storage, proxyOf }: HarborProjectState,
  id: string,
  endpoints: ReadonlyMap<string, Raw>,
  { from }: ModuleSource,
): Resource {
  const isOn = (key: string) => metadata[key]?.toLowerCase() === 'true';
  const isGiven = (key: string) => metadata[key] !== undefined;
  const switches = (
    [
      ['public', 'public'],
      ['vulnerability_scanning', 'auto_scan'],
      ['enable_content_trust', 'enable_content_trust'],
      ['enable_content_trust_cosign', 'enable_content_trust_cosign'],
      ['auto_sbom_generation', 'auto_sbom_generation'],
      ['proxy_cache_local_on_not_found', 'proxy_cache_local_on_not_found'],
    ] as const
  ).flatMap(([argument, key]): readonly Line[] => (isGiven(key) ? [{ name: argument, value: isOn(key) }] : []));
  const endpoint = proxyOf === undefined ? undefined : endpoints.get(proxyOf);
  const speed = Number(metadata.proxy_speed_kb ?? Number.NaN);
  const body: Line[] = [
    { name: 'name', value: name },
    ...switches,
    ...(isOn('prevent_vul') && metadata.severity !== undefined
      ? [{ name: 'deployment_security', value: metadata.severity }]
      : []),
    // In gigabytes, where the API counts bytes.
    ...(storage === undefined || (storage >= 0 && storage % GIGABYTE !== 0)
      ? []
      : [{ name: 'storage_quota', value: storage < 0 ? -1 : storage / GIGABYTE }]),
    ...(endpoint === undefined ? [] : [{ name: 'registry_id', value: endpoint }]),
    ...(Number.isInteger(speed) ? [{ name: 'proxy_speed_kb', value: speed }] : []),
    'blank',
    // What it reads from is fixed at creation.
    preventDestroy([...(storage !== undefined && storage >= 0 && storage % GIGABYTE !== 0 ? ['storage_quota'] : [])]),
  ];
  return resource('harbor_project', id, [from(line, name)], body);
}

function replicationsOf(
  { replications }: HarborState,
  endpoints: ReadonlyMap<string, Raw>,
  { from }: ModuleSource,
): { readonly resources: readonly Resource[]; readonly imports: readonly TopBlock[] } {
  const names = identifiers(replications.map(({ name }) => name));
  const all = replications.flatMap((rule) => {
    const endpoint = endpoints.get(rule.endpoint);
    if (endpoint === undefined) return [];
    const body: Line[] = [
      { name: 'name', value: rule.name },
      { name: 'action', value: 'push' },
      { name: 'description', value: rule.description },
      { name: 'registry_id', value: endpoint },
      { name: 'schedule', value: 'event_based' },
      { name: 'deletion', value: rule.deletes },
      { name: 'override', value: true },
      { name: 'enabled', value: true },
      'blank',
      { block: 'filters', body: [{ name: 'name', value: rule.filter }] },
    ];
    const own = resource(
      'harbor_replication',
      names.get(rule.name) ?? rule.name,
      [from(rule.line, 'replication')],
      body,
    );
    return [{ rule, own }];
  });
  return {
    resources: all.map(({ own }) => own),
    imports: all.flatMap(({ rule, own }) =>
      rule.id === undefined ? [] : [importOf(own, `/replication/policies/${rule.id}`)],
    ),
  };
}
