import type { DesiredRegistry, DesiredRepository } from '../../../domain/setup/desired-state.ts';
import type { Mistake } from '../../../domain/setup/setting.ts';
import { type Change, planOf } from '../../setup/change.ts';
import { registrySetup, type SetupDefinition, type VendorSetup } from '../../setup-port.ts';

/**
 * ghcr.io: GitHub has no API for the settings of a package, so the plan is a list of what a person sets once, with links.
 * https://docs.github.com/packages/learn-github-packages/configuring-a-packages-access-control-and-visibility
 */
export const ghcrSetup: SetupDefinition = {
  block: undefined,
  unitOf: (repository, namespace) =>
    namespace === '' || repository.startsWith(`${namespace}/`) ? repository : `${namespace}/${repository}`,
  principals: [],
  mistakes,
  open: () => registrySetup(SETUP),
};

const SETUP: VendorSetup<undefined, never> = {
  names: async () => [],
  readLive: async () => undefined,
  plan: (desired) =>
    planOf<never>([
      { subject: '', accept: desired.accept, changes: registryLacks(desired) },
      ...desired.repositories.map((repository) => ({
        subject: repository.name,
        accept: [...desired.accept, ...repository.settings.accept],
        changes: checklist(repository),
      })),
    ]),
  // A plan has no steps.
  apply: async () => ({}),
};

/** What a person does, by setting; `{settings}` is the page. */
const STEPS = [
  ['visibility', 'Set it once the package exists: {settings} → Danger Zone → Change visibility.'],
  ['pull', 'Give access once the package exists: {settings} → Manage access, or Manage Actions access for workflows.'],
  [
    'push',
    'Give access once the package exists: {settings} → Manage Actions access, with the role Write. A package that a workflow of the repository pushes first has it already.',
  ],
  ['admin', 'Give access once the package exists: {settings} → Manage access, with the role Admin.'],
  ['access', 'Remove who is not listed by hand: {settings} → Manage access.'],
  [
    'description',
    'The page shows the label `org.opencontainers.image.description` of the newest image: this action sets it when publishing.',
  ],
  ['immutable', 'GitHub does not make tags immutable: this action refuses to move release tags when publishing.'],
  ['scan', 'GitHub does not scan packages: the gate of this action scans before publishing.'],
  ['key', 'GitHub has no keys of customers.'],
  ['retention', 'GitHub deletes nothing by itself: run the policy with `command: cleanup`.'],
  ['quota', 'GitHub has no quota for a package: set a budget in the billing settings.'],
  ['webhooks', 'Make a webhook of the repository with the event Registry packages: repository → Settings → Webhooks.'],
] as const;

function checklist({ name, settings, line }: DesiredRepository): readonly Change<never>[] {
  const [owner = '', ...rest] = name.split('/');
  const page = `https://github.com/orgs/${owner}/packages/container/${encodeURIComponent(rest.join('/'))}/settings`;
  const rows = STEPS.flatMap(([key, step]): readonly Change<never>[] => {
    const given = settings[key];
    if (given === undefined || given.value === null || given.value === 'off' || given.value === 'add') return [];
    return [
      {
        action: 'unsupported',
        name: key,
        line: given.line,
        reason: step.replace('{settings}', page),
        ...shouldOf(given.value),
      },
    ];
  });
  return [
    ...rows,
    ...(settings.labels === undefined || settings.labels.size === 0
      ? []
      : [
          {
            action: 'unsupported' as const,
            name: 'labels',
            line,
            reason: 'A package has the labels of its images: set `labels` when publishing.',
          },
        ]),
    ...(rows.length === 0
      ? []
      : [
          {
            action: 'kept-foreign' as const,
            name: 'source',
            reason:
              'The label `org.opencontainers.image.source`, which this action sets when publishing, links the package to its repository and inherits the access from there.',
          },
        ]),
  ];
}

function shouldOf(value: unknown): { readonly should?: string } {
  return typeof value === 'string' ? { should: value } : {};
}

function registryLacks(desired: DesiredRegistry): readonly Change<never>[] {
  const rows = [
    ['replicate', desired.replicate, 'GitHub does not replicate: use `command: mirror`.'],
    ['cache', desired.cache, 'ghcr.io is no cache of other registries.'],
    ['templates', desired.templates, 'GitHub has no settings for packages to come.'],
    ['receive', desired.receive, 'Give the repository that pushes here access to the package.'],
    ['scanning', desired.scanning, 'GitHub does not scan packages.'],
    ['signing', desired.signing, 'GitHub does not sign images: use `signing` of this action when publishing.'],
    ['webhooks', desired.webhooks, 'Make a webhook of the repository with the event Registry packages.'],
    ['quota', desired.quota, 'GitHub has no quota for packages: set a budget in the billing settings.'],
    ['key', desired.newKey, 'GitHub has no keys of customers.'],
  ] as const;
  return rows.flatMap(([name, given, reason]) =>
    given === undefined || given.value === null
      ? []
      : [{ action: 'unsupported' as const, name, reason, line: given.line }],
  );
}

function mistakes({ repositories }: DesiredRegistry): readonly Mistake[] {
  return repositories.flatMap(({ name, line }): readonly Mistake[] =>
    name.includes('/')
      ? []
      : [{ severity: 'error', line, message: `"${name}": a package of ghcr.io is \`owner/name\`.` }],
  );
}
