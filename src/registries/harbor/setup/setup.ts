import { cosignWarnings, EXCEPT_SIGNATURES } from '../../../domain/setup/cosign-tags.ts';
import type { DesiredRegistry } from '../../../domain/setup/desired-state.ts';
import type { Mistake, RegistryPlan } from '../../../domain/setup/setting.ts';
import type { SubjectChanges } from '../../setup/change.ts';
import { planOf, type Reading, reading } from '../../setup/change.ts';
import { repositoryNameMistakes } from '../../setup/mistakes.ts';
import { registrySetup, type SetupContext, type SetupDefinition, type VendorSetup } from '../../setup-port.ts';
import { openHarborApi } from '../api.ts';
import { applyRequest } from './apply.ts';
import { ownMistakes } from './own-fields.ts';
import { planProject } from './plan-project.ts';
import { planEndpoints, planReplications } from './plan-registry.ts';
import { type HarborLive, type LiveProject, listAll, readProject, readRegistry } from './read.ts';
import { harborState, unreadHarbor } from './state.ts';
import type { HarborRequest } from './step.ts';
import { wantedOf } from './wanted.ts';

/** Harbor keeps settings for projects, the first part of a repository's name. */
export const harborSetup: SetupDefinition = {
  block: 'harbor',
  unitOf: (repository) => repository.split('/', 1)[0] ?? repository,
  principals: ['harbor-robot', 'harbor-user', 'harbor-group'],
  mistakes,
  open: (context) => registrySetup(openSetup(context)),
};

function openSetup(context: SetupContext): VendorSetup<HarborLive, HarborRequest> {
  const { host } = context;
  const { ask } = openHarborApi(context);
  return {
    names: async () => (await listAll(ask, host, '/projects', 'the projects')).map(({ name }) => String(name)),
    readLive: async (desired, isWhole) => {
      const { caches, projects, replications, endpoints } = wantedOf(desired);
      const all = [...caches, ...projects.map(({ project }) => project)];
      const registry = await readRegistry(ask, host, {
        endpoints: endpoints.length > 0,
        replications: desired.replicate !== undefined,
        groups: all.some(({ members }) => members.some(({ kind }) => kind === 'group')),
      });
      const found = new Map<string, Reading<LiveProject | undefined>>();
      for (const each of all) found.set(each.name, await reading(() => readProject(ask, host, each, isWhole)));
      const started = new Set<string>();
      for (const { name, copiesExisting } of replications) {
        const rule = registry.replications.ok
          ? registry.replications.value.find((row) => row.name === name)
          : undefined;
        if (!copiesExisting || rule === undefined) continue;
        const path = `/replication/executions?policy_id=${Number(rule.id)}`;
        const runs = await reading(() => listAll(ask, host, path, `the runs of ${name}`));
        if (!runs.ok || runs.value.length > 0) started.add(name);
      }
      return { registry, projects: found, started };
    },
    plan: planHarbor,
    state: { of: (desired, live) => harborState(desired, live, planHarbor(desired, live)), unread: unreadHarbor },
    apply: (request) => applyRequest(ask, context, request),
  };
}

function planHarbor(desired: DesiredRegistry, live: HarborLive): RegistryPlan<HarborRequest> {
  const wanted = wantedOf(desired);
  const { registry, projects, started } = live;
  const { authMode } = registry;
  const rows = registry.endpoints.ok ? registry.endpoints.value : [];
  const endpoints = new Map(rows.map(({ name, id }) => [String(name), Number(id)]));
  const subject = (
    project: Parameters<typeof planProject>[0],
    lacks: SubjectChanges<HarborRequest>['changes'],
    accept: readonly string[],
  ): SubjectChanges<HarborRequest> => {
    const found = projects.get(project.name);
    const changes =
      found?.ok === false
        ? [{ action: 'denied' as const, name: 'exists', reason: found.error.message, line: project.line }]
        : planProject(project, found?.value, { authMode, endpoints });
    return { subject: project.name, accept, changes: [...changes, ...(changes.length === 0 ? [] : lacks)] };
  };
  return planOf([
    {
      subject: '',
      accept: desired.accept,
      changes: [...planEndpoints(wanted.endpoints, registry.endpoints), ...wanted.lacks],
    },
    ...wanted.caches.map((project) => subject(project, [], desired.accept)),
    ...wanted.projects.map(({ project, lacks }) =>
      subject(project, lacks, [
        ...desired.accept,
        ...(desired.repositories.find(({ name }) => name === project.name)?.settings.accept ?? []),
      ]),
    ),
    {
      subject: '',
      accept: desired.accept,
      changes: planReplications(
        desired.replicate?.value === null ? null : wanted.replications,
        desired.owner,
        registry.replications,
        started,
      ),
    },
  ]);
}

/** https://goharbor.io/docs/latest/working-with-projects/create-projects/ */
const PROJECTS = {
  product: 'Harbor',
  unit: 'project',
  noun: 'name',
  pattern: /^(?=.{1,255}$)[a-z0-9]+(?:[._-][a-z0-9]+)*$/,
  rule: 'lower-case letters and digits, with single `.`, `_` and `-` between',
} as const;

function mistakes(desired: DesiredRegistry): readonly Mistake[] {
  const error = (line: number, message: string): Mistake => ({ severity: 'error', line, message });
  const webhooks = desired.repositories.flatMap(({ settings }) =>
    (settings.webhooks?.value ?? []).flatMap(({ on, line }) =>
      on.includes('quarantine') ? [error(line, '`on: quarantine`: Harbor has no such event.')] : [],
    ),
  );
  return [
    ...repositoryNameMistakes(PROJECTS, desired),
    ...webhooks,
    ...cosignWarnings(desired.repositories, EXCEPT_SIGNATURES),
    ...ownMistakes(desired),
  ];
}
